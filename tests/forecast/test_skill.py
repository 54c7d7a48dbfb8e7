"""skill: unbiased scores with honest intervals, on drifts that are known exactly."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats
from tests.forecast.closed_forms import masses

import pushforward as pf
from pushforward.errors import InputError
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian
from pushforward.measure import AuditSettings

VALUE = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
RANGE, BINS = (-4.0, 4.0), 12
MADE = 0.8


def points(n, seed, spread=1.0):
    return pf.Trajectories(np.random.default_rng(seed).normal(0, spread, (n, 1, 1)).astype(np.float32))


def audit(data, made, seed=0, bins=BINS, **settings):
    return pf.audit(
        made,
        data,
        quantities=[VALUE],
        seed=seed,
        settings=AuditSettings(range=RANGE, bins=bins, resamples=99),
        **settings,
    )


def forecast(data, scale, seed=0, **settings):
    kernel = Gaussian(scale, relative=False)
    return pf.forecast(
        kernel, data, VALUE, seed=seed, settings=ForecastSettings(range=RANGE, bins=BINS), **settings
    )


def exact(scale):
    """Scores that endless samples would give to a forecast of this scale, where the model's is MADE."""
    grid = pf.Grid(*RANGE, BINS)
    start, seen, ahead = (masses(stats.norm(0, np.hypot(1, s)), grid) for s in (0.0, MADE, scale))
    drift, predicted = seen - start, ahead - start
    corr = drift @ predicted / np.sqrt(drift @ drift * (predicted @ predicted))
    return corr, 1 - np.square(drift - predicted).sum() / np.square(drift).sum()


def simulated(scale, repetitions, n=2500):
    """Skills of forecasts and audits drawn anew; both stand on the same data, as in practice."""
    found = []
    for seed in range(repetitions):
        data, made = points(n, [1, seed]), points(n, [2, seed], np.hypot(1, MADE))
        found.append(forecast(data, scale, seed, repeats=2).skill(audit(data, made)))
    return found


@pytest.mark.parametrize("scale", [0.4, 1.1])
def test_scores_are_unbiased_and_their_intervals_hold_the_truth(scale):
    """A forecast of half the drift, and one of too large a drift: both scores known in closed form."""
    corr, wanted = exact(scale)
    found = simulated(scale, 60)
    skills, corrs = (
        np.array([getattr(one, name).value for one in found]) for name in ("skill", "corr_corrected")
    )
    assert skills.mean() == pytest.approx(wanted, abs=3.5 * skills.std() / np.sqrt(60))
    assert corrs.mean() == pytest.approx(corr, abs=3.5 * corrs.std() / np.sqrt(60) + 0.005)
    held = np.mean([one.skill.low <= wanted <= one.skill.high for one in found])
    assert held >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 60)


def test_noise_correction_matters():
    """Uncorrected, the perfect forecast scores well below 1 at this sample size; corrected it scores 1."""
    found = simulated(MADE, 30, n=1000)
    raw = np.mean([one.corr.value for one in found])
    corrected = np.mean([one.corr_corrected.value for one in found])
    assert raw < 0.97
    assert corrected == pytest.approx(1, abs=0.02)
    assert np.mean([one.skill.value for one in found]) == pytest.approx(1, abs=0.05)


def test_predicting_no_drift_has_no_skill_and_the_wrong_sign_has_less():
    data, made = points(4000, 1), points(4000, 2, np.hypot(1, MADE))
    nothing = forecast(data, 0.0).skill(audit(data, made))
    assert nothing.skill.value == pytest.approx(0, abs=1e-12)
    assert nothing.sign_accuracy.value == 0
    opposite = audit(data, points(4000, 3, 0.6))
    against = forecast(data, 0.8).skill(opposite)
    assert against.corr.high < -0.6
    assert against.skill.value < 0
    assert against.sign_accuracy.value < 0.3


def test_a_shuffled_kernel_loses_its_skill():
    """The rows of the flow belong to where mass starts; given to other bins they forecast nothing."""
    data, made = points(6000, 1), points(6000, 2, np.hypot(1, MADE))
    found = audit(data, made)
    right = forecast(data, MADE)
    rows, rng = right.conditional.toarray(), np.random.default_rng(0)
    skills = []
    for _ in range(20):
        shuffled = right.expected @ rows[rng.permutation(len(rows))]
        skills.append(dataclasses.replace(right, mass=shuffled).skill(found).skill.value)
    assert right.skill(found).skill.value > 0.95
    assert max(skills) < 0


def test_the_floor_is_what_noise_scores():
    data, made = points(4000, 1), points(4000, 2, np.hypot(1, MADE))
    floor = forecast(data, MADE).skill(audit(data, made)).floor
    assert floor.corr.low < 0 < floor.corr.high
    assert abs(floor.corr.value) < 0.1
    assert abs(floor.skill.value) < 0.05
    assert floor.sign_accuracy.value == pytest.approx(0.5, abs=0.1)


def test_the_ceiling_is_another_run_of_the_same_model():
    data = points(4000, 1)
    first, second = (audit(data, points(4000, seed, np.hypot(1, MADE))) for seed in (2, 3))
    ceiling = forecast(data, 0.3).skill(first, second).ceiling
    assert ceiling.corr_corrected.value == pytest.approx(1, abs=0.02)
    assert ceiling.skill.value == pytest.approx(1, abs=0.05)
    assert ceiling.skill.value > forecast(data, 0.3).skill(first).skill.value


def test_sharing_data_earns_no_credit():
    """Without any drift, what forecast and audit share must not correlate once corrected."""
    crosses = []
    for seed in range(60):
        data, made = points(300, [4, seed]), points(300, [5, seed])
        found = forecast(data, 0.5, seed, repeats=1).skill(audit(data, made))
        if np.isfinite(found.corr_corrected.value):
            crosses.append(np.sign(found.corr_corrected.value))
    assert abs(np.mean(crosses)) < 3 / np.sqrt(len(crosses))


def test_a_forecast_is_counted_anew_on_the_audits_bins():
    data, made = points(3000, 1), points(3000, 2, np.hypot(1, MADE))
    found = pf.audit(made, data, quantities=[VALUE])
    ahead = pf.forecast(Gaussian(MADE, relative=False), data, VALUE)
    assert not np.array_equal(ahead.edges, found.quantities[0].bins.edges)
    assert ahead.skill(found).skill.value > 0.9
    assert ahead.skill(found.quantities[0]).skill == ahead.skill(found).skill


def test_stated_laws_score_like_data():
    data, made = points(5000, 1), points(5000, 2, np.hypot(1, MADE))
    found = pf.audit(
        made,
        intended="normal(0, 1)",
        quantities=[VALUE],
        settings=AuditSettings(range=RANGE, bins=BINS, resamples=99),
    )
    for settings in ({}, {"intended": "normal(0, 1)"}):
        assert forecast(data, MADE, **settings).skill(found).skill.value == pytest.approx(1, abs=0.05)


def test_clusters_count_for_what_they_are_worth():
    """30 values that move together are worth little more than one: the interval of the skill is wider."""

    def clustered(seed, spread):
        rng = np.random.default_rng(seed)
        shared, own = rng.normal(size=(150, 1)), rng.normal(size=(150, 30))
        values = spread * (np.sqrt(0.9) * shared + np.sqrt(0.1) * own)
        return values.reshape(-1, 1, 1).astype(np.float32), np.repeat(np.arange(150), 30)

    widths = []
    for grouped in (True, False):
        data, made = (
            pf.Trajectories(values, groups=ids if grouped else None)
            for values, ids in (clustered(1, 1.0), clustered(2, 2.5))
        )
        found = forecast(data, 2.0).skill(audit(data, made))
        widths.append(found.skill.high - found.skill.low)
    assert widths[0] > 2 * widths[1]


def test_significance_counts_few_false_bins():
    """Without drift, in at least 95 % of audits no bin is significant."""
    claimed = 0
    for seed in range(100):
        data, made = points(400, [6, seed]), points(400, [7, seed])
        claimed += forecast(data, 0.0, repeats=1).skill(audit(data, made)).n_significant > 0
    assert claimed <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)


def test_the_record_and_the_table_say_all():
    data, made = points(4000, 1), points(4000, 2, np.hypot(1, MADE))
    found = forecast(data, MADE).skill(audit(data, made))
    assert set(json.loads(json.dumps(found.to_json()))) >= {
        "scores",
        "floor",
        "ceiling",
        "drift",
        "drift_floor",
    }
    assert "times its noise floor" in str(found)
    assert found.drift_over_floor > 3


def test_what_cannot_be_compared_is_refused():
    data, made = points(1000, 1), points(1000, 2, np.hypot(1, MADE))
    ahead = forecast(data, MADE)
    with pytest.raises(InputError, match="unknown quantity of the audit 'value'"):
        ahead.skill(pf.audit(made, data, quantities=[pf.Quantity(lambda t: t.values[:, 0, 0], name="other")]))
    with pytest.raises(InputError, match="starts from data and the audit from data, which differ"):
        ahead.skill(audit(points(1000, 9, 3.0), made))
    with pytest.raises(InputError, match="starts from normal"):
        forecast(data, MADE, intended="normal(0, 1.3)").skill(audit(data, made))
    with pytest.raises(InputError, match="second audit was counted in other bins"):
        ahead.skill(audit(data, made), audit(data, made, bins=6))
