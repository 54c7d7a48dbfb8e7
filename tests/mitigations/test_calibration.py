"""Calibration finds the bias, spread and slope of models whose answer to a condition is known."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP
from pushforward.mitigations import Condition, Guide, calibrate
from pushforward.report.style import svg
from pushforward.trajectories import Trajectories


class Answering:
    """Makes trajectories whose last value is normal(slope · asked + bias, spread²)."""

    name = "answering"

    def __init__(self, slope=1.0, bias=0.0, spread=0.1, lost=0.0):
        self.slope, self.bias, self.spread, self.lost = slope, bias, spread, lost

    def sample(self, n, seed=0, *, condition, **settings):
        rng = np.random.default_rng(seed)
        values = np.zeros((n, 3, 1))
        values[:, -1, 0] = self.slope * condition + self.bias + self.spread * rng.normal(size=n)
        values[rng.random(n) < self.lost, 0, 0] = 1
        return Trajectories(values)


END = pf.Quantity(
    lambda t: np.where(t.values[:, 0, 0] == 1, np.nan, t.values[:, -1, 0]), name="end", unit="m"
)
VALUES = (1.0, 2.0, 4.0)


def test_bias_spread_and_slope_are_found():
    made = calibrate(Answering(0.7, 0.5, 0.2), END, n=20_000, values=VALUES)
    for one in made.levels:
        assert one.bias.value == pytest.approx(0.5 - 0.3 * one.asked, abs=0.006)
        assert one.spread.value == pytest.approx(0.2, rel=0.02)
        assert (one.high - one.low) / 2 == pytest.approx(1.645 * 0.2, rel=0.03)
    assert made.slope.value == pytest.approx(0.7, abs=0.004)
    biases = [0.5 - 0.3 * value for value in VALUES]
    assert made.error == pytest.approx(np.sqrt(0.2**2 + np.mean(np.square(biases))), rel=0.01)


def test_limits_cover_the_truth_as_often_as_they_say():
    hits = np.zeros(3)
    for seed in range(200):
        made = calibrate(Answering(0.8, 0.1, 0.3), END, n=30, values=VALUES, seed=seed)
        one = made.levels[1]
        hits += [
            one.bias.low < 0.1 - 0.2 * 2 < one.bias.high,
            one.spread.low < 0.3 < one.spread.high,
            made.slope.low < 0.8 < made.slope.high,
        ]
    assert (hits >= 0.9 * 200).all()
    assert (hits <= 0.99 * 200).all()


def test_undefined_samples_are_counted_and_left_out():
    made = calibrate(Answering(lost=0.3), END, n=1000, values=VALUES)
    assert made.levels[0].n + made.levels[0].undefined == 1000
    assert made.levels[0].undefined == pytest.approx(300, abs=60)
    assert "undefined" in str(made)


def test_it_is_written_told_and_drawn():
    made = calibrate(Answering(), END, n=50, values=VALUES, seed=3)
    record = json.loads(json.dumps(made.to_json()))
    assert record["levels"][2]["asked"] == 4
    assert record["slope"]["value"] == made.slope.value
    assert "asked [m]" in str(made)
    assert "slope of got on asked" in str(made)
    assert svg(made.figure()) == svg(calibrate(Answering(), END, n=50, values=VALUES, seed=3).figure())


@pytest.fixture(scope="module")
def walks():
    steps = np.random.default_rng(0).uniform(0, 1, (400, 5, 1))
    return Trajectories(np.cumsum(steps, axis=1), channels=("x",), units=("m",))


def test_conditioned_and_guided_models_are_asked_within_their_data(walks):
    q = pf.quantities.parse("path-length")(walks)
    small = {"steps": 150, "batch_size": 64, "width": 32}
    plain = MLP(**small).fit(walks, condition="path-length")
    conditioned = Condition("path-length").apply(MLP(**small)).fit(walks)
    guided = Guide("path-length").apply(MLP(**small)).fit(walks)
    for model in (plain, conditioned, guided):
        made = calibrate(model, "path-length", n=100, n_values=3, sampler_steps=12)
        assert q.min() < made.levels[0].asked < made.levels[-1].asked < q.max()
        assert made.unit == "m"
        # Asked, not ignored: a network of 150 steps does not obey yet.
        assert made.slope.low > 0.2
    assert made.model == "mlp + guide(path-length)"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda w: calibrate(MLP(steps=2, width=8).fit(w), "path-length"), "is asked for no single quantity"),
        (lambda w: calibrate(Answering(), END, n=1, values=VALUES), "n = 1; expected at least 2"),
        (lambda w: calibrate(Answering(), END, values=[1.0]), "at least two different"),
        (lambda w: calibrate(Answering(lost=1.0), END, values=VALUES), "defined on 0 of 500"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(walks, ask, said):
    with pytest.raises(InputError, match=said):
        ask(walks)
