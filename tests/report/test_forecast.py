"""The report's section of a forecast: its numbers, its figures, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian
from pushforward.report import report
from pushforward.report.forecast_figures import MOST_RANGES, dose_figure, flow_figure, forecast_figure

VALUE = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value", unit="m")


def points(n, seed, spread=1.0):
    return pf.Trajectories(np.random.default_rng(seed).normal(0, spread, (n, 1, 1)).astype(np.float32))


def plain(html: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


@pytest.fixture(scope="module")
def data():
    return points(4000, 0)


@pytest.fixture(scope="module")
def audit(data):
    return pf.audit(points(4000, 1, 1.3), data, quantities=[VALUE], tolerance=0.5)


@pytest.fixture(scope="module")
def ahead(data):
    return pf.forecast(Gaussian(0.8, relative=False), data, VALUE)


@pytest.fixture(scope="module")
def dose(data):
    return pf.dose_response(Gaussian(relative=False), data, VALUE, [0.1, 0.3, 1.0, 3.0])


def test_the_section_holds_the_forecasts_numbers(audit, ahead):
    text = plain(report(audit, ahead).html)
    skill = ahead.skill(audit)
    assert "Forecast What the local errors" in text
    assert f"Skill {skill.skill.value:.2f} [{skill.skill.low:.2f}, {skill.skill.high:.2f}]" in text
    assert f"{skill.n_significant} bins that significantly changed" in text
    assert "▲ Predicted to gain: " in text
    assert "▼ Predicted to lose: " in text
    assert "gaussian(scale=0.8, relative=False)" in text
    assert "A fresh sample of the data" in text


def test_without_a_forecast_the_page_has_no_such_section(audit):
    assert "Who loses to whom" not in report(audit).html
    assert 'id="ahead"' not in report(audit).html


def test_the_same_input_gives_the_same_bytes(audit, ahead, dose):
    assert report(audit, [ahead, dose]).html == report(audit, [ahead, dose]).html


def test_a_dose_response_tells_the_scale_of_what_was_observed(audit, dose):
    text = plain(report(audit, dose).html)
    expected = dose.within(audit["value"].w1.value).value
    assert f"is what scale {expected:.2g} predicts" in text
    assert f"The tolerance of 0.500 m is kept up to scale {dose.within(0.5).value:.2g}" in text


def test_figures_are_saved_beside_the_page(audit, ahead, dose, tmp_path):
    names = [path.name for path in report(audit, [ahead, dose]).save_figures(tmp_path)]
    assert {"forecast-value.svg", "flow-value.svg", "dose-value.png"} <= set(names)


def test_names_from_files_are_escaped(data):
    hostile = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="<script>alert(1)</script>$x$")
    found = pf.audit(points(500, 1, 1.3), data, quantities=[hostile])
    html = report(found, pf.forecast(Gaussian(0.5), data, hostile)).html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_predicted_curve_is_drawn_at_the_predicted_masses(ahead):
    top, bottom = forecast_figure(ahead).axes
    curve = next(patch for patch in top.patches if patch.get_label() == "predicted").get_data()
    held = np.isin(np.round(ahead.edges, 9), np.round(curve.edges, 9))
    first = int(np.flatnonzero(held)[0])
    np.testing.assert_allclose(curve.values, 100 * ahead.mass[1:-1][first : first + len(curve.values)])
    assert bottom.get_ylabel() == "Δ (points)"


def test_squares_of_the_flow_have_the_area_of_the_mass_that_moves(data):
    grid = pf.Grid(-4.0, 4.0, 16)
    made = pf.forecast(Gaussian(0.3, relative=False), data, VALUE, grid=grid)
    all_that_moves, net = flow_figure(made).axes[0].collections
    moved = made.flow.toarray()[1:-1, 1:-1]
    np.fill_diagonal(moved, 0)

    def areas(collection):
        return np.sort([np.prod(np.ptp(path.vertices, axis=0)) for path in collection.get_paths()])

    found, wanted = areas(all_that_moves), np.sort(moved[moved > 1e-3 * moved.max()])
    np.testing.assert_allclose(found / found[-1], wanted[-len(found) :] / wanted[-1], rtol=1e-6)
    balance = np.maximum(moved - moved.T, 0)
    assert areas(net)[-1] / found[-1] == pytest.approx(balance.max() / moved.max(), rel=1e-6)


@pytest.mark.parametrize("bins", [3, 32, 200])
def test_any_number_of_bins_can_be_drawn(data, bins):
    made = pf.forecast(Gaussian(0.3), data, VALUE, settings=ForecastSettings(bins=bins))
    forecast_figure(made)
    squares = flow_figure(made).axes[0].collections[0].get_paths()
    assert len(squares) <= MOST_RANGES * (MOST_RANGES - 1)


def test_no_deviation_can_be_drawn(data):
    still = pf.forecast(Gaussian(0.0), data, VALUE)
    forecast_figure(still)
    flow_figure(still)
    dose_figure(pf.dose_response(Gaussian(), data, VALUE, [0.0]))


def test_what_does_not_belong_to_the_audit_is_refused(audit, data):
    other = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="other")
    with pytest.raises(InputError, match="unknown quantity of the audit 'other'"):
        report(audit, pf.forecast(Gaussian(0.1), data, other))
    with pytest.raises(InputError, match="got Gaussian; expected a forecast"):
        report(audit, [Gaussian(0.1)])
