"""The report's section of an explanation: its numbers, its figures, what it escapes, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.kernels import Gaussian
from pushforward.report import report
from pushforward.report.explanation import explanation_section
from pushforward.report.explanation_page import explanation_page

HOSTILE = "<script>alert(1)</script>"
LENGTH = pf.quantities.PathLength(unit="m")


def walks(n=600, seed=0, channels=("x", "y"), scale=1.0):
    values = np.cumsum(np.random.default_rng(seed).normal(0, scale, (n, 12, 2)), axis=1).astype(np.float32)
    return pf.Trajectories(values, channels=channels, units=("m", "m"))


def plain(html: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


@pytest.fixture(scope="module")
def made():
    return pf.explain(Gaussian(0.2), walks(), LENGTH)


@pytest.fixture(scope="module")
def page(made):
    return explanation_page(made, command="pushforward explain data.npz", inputs={"data": "data.npz"})


def test_the_page_holds_the_numbers(made, page):
    text = plain(page.html)
    share = made.moments.share["bias"]
    assert f"the bias makes {100 * share.value:.1f} %" in text.replace("−", "-")
    assert f"{100 * made.flows[0].mass:.3g} [" in text
    for one in made.attributions:
        assert f"By {one.name}" in text
        assert all(part in text for part in one.parts)
    assert f"#{made.movers.index[0]:,}" in page.html
    assert "pushforward explain data.npz" in text
    assert "A Value for n-Person Games" in text
    assert len(page.html) < 1_000_000


def test_the_same_explanation_gives_the_same_bytes(made, page):
    again = explanation_page(made, command="pushforward explain data.npz", inputs={"data": "data.npz"})
    assert again.html == page.html


def test_every_figure_is_drawn_and_saved(page, made, tmp_path):
    drawn = ["bias-and-spread", "moments", "flow", "net-flows", "attribution", "examples"]
    assert list(explanation_section(made).figures) == drawn
    assert page.html.count("<svg") == len(drawn)
    files = page.save_figures(tmp_path / "figures")
    assert len(files) == 2 * len(drawn)
    assert all(any(name in file.name for file in files) for name in drawn)


def test_ids_are_unique(page):
    ids = re.findall(r'\bid="([^"]+)"', page.html)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page.html))
    assert targets <= set(ids)


def test_it_stands_beside_an_audit_and_its_forecast(made):
    audit = pf.audit(walks(seed=1, scale=1.1), walks(), quantities=[LENGTH])
    both = report(audit, [made.forecast, made])
    text = plain(both.html)
    assert "Forecast" in text
    assert "Why a quantity drifts" in text
    assert plain(report(audit, made).html).count("Why a quantity drifts") == 1
    assert "Why a quantity drifts" not in plain(report(audit).html)


def test_names_from_files_are_escaped():
    hostile = walks(channels=(HOSTILE, "y"))
    named = pf.Quantity(lambda tracks: tracks.values[:, -1, 0], name=HOSTILE, unit=HOSTILE)
    html = explanation_page(pf.explain(Gaussian(0.2), hostile, named), title=HOSTILE).html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("settings", [{"by": ()}, {"examples": 0}, {"by": ("time",)}])
def test_what_was_not_asked_for_is_not_shown(settings):
    html = explanation_page(pf.explain(Gaussian(0.2), walks(200), LENGTH, **settings)).html
    assert ("Which part of the errors" in html) == (settings.get("by") != ())
    assert ("furthest" in html) == (settings.get("examples") != 0)


def test_a_page_can_be_made_of_very_few_trajectories():
    assert "Why" in explanation_page(pf.explain(Gaussian(0.2), walks(3), LENGTH)).html


def test_no_drift_is_said_to_be_none():
    text = plain(explanation_page(pf.explain(Gaussian(0.0), walks(200), LENGTH)).html)
    assert "would keep its distribution" in text
    assert "not told from noise" in text


def test_other_things_are_refused(made):
    with pytest.raises(InputError, match="expected an explanation"):
        explanation_page([made.forecast])
    with pytest.raises(InputError, match="at least one"):
        explanation_page([])
