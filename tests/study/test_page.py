"""`pushforward report STUDY`: a page of every arm beside the control, inert and self-contained."""

import re

import pytest
from tests.study.conftest import LOGISTIC, SINUSOID

from pushforward.cli import main
from pushforward.errors import InputError
from pushforward.study.ledger import Ledger
from pushforward.study.page import study_page
from pushforward.study.plan import GeneratorArm
from pushforward.study.table import as_text, result_table, result_text


@pytest.fixture
def done(study, here):
    made = study(systems=(LOGISTIC, SINUSOID), title="Motion <b>& noise")
    assert made.run(here).failed == {}
    return made


def test_the_page_shows_every_arm_with_its_numbers_and_is_inert(done):
    page = study_page(done.results())
    assert study_page(done.results()) == page
    assert "Motion &lt;b&gt;&amp; noise" in page
    assert len(re.findall(r"<svg ", page)) == 2
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)
    for line in done.results().summary():
        assert line.arm in page
        assert f"{line.numbers['w1'].mean:.3g}" in page
    surely = sum(line.differences["w1"].low > 0 for line in done.results().summary() if line.differences)
    assert f"In {surely} of 4 comparisons" in page


def test_a_study_that_is_not_finished_says_so_and_shows_why_runs_failed(study, here):
    made = study(generators=(GeneratorArm(name="jitter", settings={"diverge": True}),))
    made.run(here)
    page = study_page(made.results())
    assert "The study is not finished" in page
    assert page.count("the loss is nan") == 2


def test_a_study_without_results_has_no_page(study):
    made = study()
    Ledger.make(made.folder, "", made.plan.control, made.runs)
    with pytest.raises(InputError, match="no run is done yet"):
        study_page(made.results())


def test_the_command_writes_the_page_and_refuses_what_studies_do_not_have(done, tmp_path, capsys):
    page = tmp_path / "r.html"
    assert main(["report", str(done.folder), "-o", str(page)]) == 0
    assert page.read_text() == study_page(done.results())
    assert main(["report", str(done.folder), "-o", str(page), "--figures", str(tmp_path)]) == 2
    assert "--figures: belongs to the report of a run" in capsys.readouterr().err


def test_the_table_fits_a_terminal_and_leaves_nothing_out_elsewhere(done):
    results = done.results()
    assert result_text(results) == as_text(result_table(results))
    narrow = result_text(results, 100)
    assert max(map(len, narrow.splitlines())) <= 100
    for line in results.summary():
        assert f"{line.numbers['w1'].mean:.3g} [" in narrow
