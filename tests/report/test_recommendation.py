import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.report.recommendation_page import recommendation_page


@pytest.fixture(scope="module")
def told():
    rng = np.random.default_rng(0)
    steps = rng.uniform(0.5, 1.5, (400, 1, 1)) * np.array([[[1.0, 0.2]]]) + rng.normal(0, 0.05, (400, 8, 2))
    data = pf.Trajectories(np.cumsum(steps, axis=1), channels=("x", "y"), units=("m", "m"))
    found = pf.recommend(
        data, "path-length", representations=["speed-heading", "map-parameter", "increments"]
    )
    return pf.audit(data, data, quantities=["path-length"]), found


def test_the_page_ranks_candidates_and_gives_the_command(told):
    audit, found = told
    html = pf.report(audit, found).html
    assert "Repair</h2>" in html
    assert html.index(f"<bdi>{found.candidates[0].name}</bdi>") < html.index(
        f"<bdi>{found.candidates[-1].name}</bdi>"
    )
    assert "map-parameter</bdi>: " in html  # does not apply
    assert "train DATA" in html


def test_its_figure_is_saved_with_the_others(told, tmp_path):
    audit, found = told
    written = pf.report(audit, [found]).save_figures(tmp_path)
    assert tmp_path / "path-length-repair.svg" in written


def test_the_page_without_one_has_no_such_section(told):
    assert "Repair</h2>" not in pf.report(told[0]).html


def test_a_recommendation_has_a_page_of_its_own(told, tmp_path):
    found = told[1]
    page = recommendation_page(found, command="pushforward recommend <b>.npz", inputs={"data": "<b>.npz"})
    assert "Nothing is forecast to keep path-length better" in page.html.split("</header>")[0]
    assert "pushforward recommend &lt;b&gt;.npz" in page.html
    assert "<b>" not in page.html
    assert f"{found.candidates[0].tv.value:.4f}" in page.html
    assert [file.name for file in page.save_figures(tmp_path)] == [
        "path-length-repair.svg",
        "path-length-repair.png",
    ]
    assert page.html == recommendation_page(
        [found], command="pushforward recommend <b>.npz", inputs={"data": "<b>.npz"}
    ).html  # fmt: skip


@pytest.mark.parametrize("given", [[], ["increments"]])
def test_a_page_of_something_else_is_refused(given):
    with pytest.raises(InputError, match="expected"):
        recommendation_page(given)
