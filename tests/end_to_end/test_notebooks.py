"""Every notebook of the docs runs from its first cell to its last, on a small budget, and is kept without outputs."""

import json
from pathlib import Path

import pytest
from matplotlib import pyplot

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
STORMS = ROOT.parent / "shared" / "data" / "hurdat2-nepac-1949-2013.txt"
# Run in the place of the cell tagged "parameters".
BUDGETS = {
    "lerobot": "n_episodes, steps, n_rollouts = 40, 3, 20",
    "planner": "n, steps, n_plans, sampler_steps = 100, 3, 20, 3",
    "storm_tracks": "steps, n_made, sampler_steps = 3, 30, 3",
}


def cells(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def test_there_is_a_budget_for_each():
    assert {notebook.stem for notebook in NOTEBOOKS} == set(BUDGETS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")
    if notebook.stem == "storm_tracks":
        if not STORMS.exists():
            pytest.skip("the storm tracks of ../shared/data are not here")
        text = STORMS.read_text()
        # The first storms are enough to show that it runs.
        (tmp_path / "hurdat2.txt").write_text(text[: text.index("EP", 400_000)])
    replaced = 0
    names: dict[str, object] = {}
    for cell in cells(notebook):
        if cell["cell_type"] == "code":
            small = "parameters" in cell["metadata"].get("tags", ())
            replaced += small
            source = BUDGETS[notebook.stem] if small else "".join(cell["source"])
            exec(compile(source, f"{notebook.name}, {cell['id']}", "exec"), names)  # noqa: S102 - our own
    pyplot.close("all")
    assert replaced == 1
    assert list(tmp_path.glob("*.png")) + list(tmp_path.glob("*.html"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_outputs(notebook):
    code = [cell for cell in cells(notebook) if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
