"""Every command and every line of Python that the README and the docs show was run, on small files of those names."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
STORMS = ROOT.parent / "shared" / "data" / "hurdat2-nepac-1949-2013.txt"
# A later flag wins over an earlier one: the same command with a small budget.
SMALLER = {
    "train": "--steps 3 --widths 8 --batch-size 8",
    "sample": "-n 30",
    "simulate": "-n 50",
    "demo": "",
    "report": "-n 30",
}


# What hardly trained models make spreads over two bins at best.
PYTHON_SMALLER = {
    "bins=32": "bins=2",
    "Transformer(steps=3000)": "Transformer(steps=3, width=16)",
    "steps=3000": "steps=3, widths=(8,)",
    "10_000": "30",
    "1_000_000": "60",
    "100_000": "60",
}


def fenced(page, language):
    return re.findall(
        rf"^ *```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def write_files(page, folder):
    """Blocks with a title are files of that name."""
    titled = r'^```python title="([\w.]+)"\n(.*?)^```'
    for name, text in re.findall(titled, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text)


def commands(page):
    for block in fenced(page, "bash"):
        joined = re.sub(r"\\\n\s*", " ", block)
        yield from [line.split("  #")[0] for line in joined.splitlines() if line.startswith("pushforward ")]


# Blocks that are not run here: where they are, or why not.
ELSEWHERE = {
    ("bring_your_own_model.md", "py"): "tests/generators/adapters/test_documented_examples.py",
    ("studies.md", "toml"): "tests/study/test_documented_plan.py",
    ("pilot.md", "sh"): "a training in full; the page's next command is the same in small",
    ("claims.md", "sh"): "hours",
    ("claims.md", "py"): "hours",
    ("forecast_skill.md", "sh"): "hours; in small it is tests/benchmarks/test_forecast_skill.py",
}
SHOWN = [(page, list(commands(page))) for page in PAGES]
PYTHON = [(page, fenced(page, "python")) for page in PAGES]


@pytest.fixture
def prepared(folder, small_demo):
    if STORMS.exists():
        text = STORMS.read_text()
        # The first storms are enough to show that the command works.
        (folder / "hurdat2.txt").write_text(text[: text.index("EP", 400_000)])
    return folder


@pytest.mark.parametrize(
    ("page", "lines"), [s for s in SHOWN if s[1]], ids=[s[0].name for s in SHOWN if s[1]]
)
def test_the_commands_of_a_page_run_in_order(prepared, run, page, lines):
    write_files(page, prepared)
    for line in lines:
        if "hurdat2.txt" in line and not STORMS.exists():
            pytest.skip("the storm tracks of ../shared/data are not here")
        words = shlex.split(line.replace("bins=32", "bins=2"))[1:]
        ran = run(*words, *shlex.split(SMALLER.get(words[0], "")))
        assert ran.code in (0, 1), f"{line}: {ran.err}"


@pytest.mark.parametrize(
    ("page", "blocks"), [p for p in PYTHON if p[1]], ids=[p[0].name for p in PYTHON if p[1]]
)
def test_the_python_of_a_page_runs_in_order(prepared, page, blocks):
    write_files(page, prepared)
    names: dict[str, object] = {}
    for block in map(textwrap.dedent, blocks):
        for shown, smaller in PYTHON_SMALLER.items():
            block = block.replace(shown, smaller)
        exec(compile(block, str(page), "exec"), names)  # noqa: S102 - the project's own pages


def test_every_block_of_code_is_run():
    found = {
        (page.name, language)
        for page in PAGES
        for language in re.findall(r"^ *```(\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {block for block in found if block[1] not in ("bash", "python", "text")} <= set(ELSEWHERE)
