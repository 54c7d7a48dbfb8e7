"""Conditions: what a model can be asked for, how it is told, and what comes out where the answer is known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.generators.conftest import make_waves

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators.conditions import measured
from pushforward.generators.description import Description
from pushforward.generators.diffusion import Diffusion
from pushforward.generators.features import Layout
from pushforward.generators.flow import Flow
from pushforward.trajectories import Trajectories

TINY: dict[str, Any] = {
    "steps": 12,
    "batch_size": 16,
    "widths": (8,),
    "blocks": 1,
    "kernel": 3,
    "device": "cpu",
}
FEW: dict[str, Any] = {"sampler_steps": 4}


def last_wave(trajectories: Trajectories) -> NDArray[np.float64]:
    rows = np.arange(len(trajectories))
    return trajectories.values[rows, trajectories.steps - 1, 0].astype(np.float64)


class TestWhatCanBeAskedFor:
    def test_a_quantity_its_name_a_key_the_truth_a_function_and_numbers(self) -> None:
        waves = make_waves()
        truth = np.linspace(1, 2, len(waves))
        data = Trajectories(
            waves.values, channels=waves.channels, units=("m", "m"), quantity=truth, quantity_name="path-length",
            conditions={"task": np.stack([truth, truth**2], axis=1), "mass": truth**3},
        )  # fmt: skip
        length = pf.quantities.PathLength()
        for condition, names, values in (
            (length, ("path-length",), length(data)),
            ("displacement", ("displacement",), pf.quantities.Displacement()(data)),
            ("path-length", ("path-length",), truth),
            ("mass", ("mass",), truth**3),
            ("task", ("task[0]", "task[1]"), np.stack([truth, truth**2], axis=1)),
            (last_wave, ("last_wave",), last_wave(data)),
            (truth * 2, ("condition",), truth * 2),
            (["mass", length], ("mass", "path-length"), np.stack([truth**3, length(data)], axis=1)),
        ):
            found = measured(data, condition)  # type: ignore[arg-type]
            assert found.about.names == names
            assert np.allclose(found.values, np.reshape(values, (len(data), -1)))
        assert measured(data, length).about.units == ("m",)

    @pytest.mark.parametrize(
        ("condition", "message"),
        [
            (np.zeros(3), r"got shape \(3,\) for 64 trajectories"),
            (np.zeros(64), "is 0 for all trajectories; expected one that varies"),
            (np.full(64, np.nan), "is not defined for 64 of 64 trajectories, first at index 0"),
            (["mass", "mass"], "expected distinct conditions"),
            ("mas", "unknown condition 'mas'; did you mean 'mass'"),
            ("path-lenght", "did you mean 'path-length'"),
            (lambda trajectories: "x", "expected numbers"),
        ],
    )
    def test_what_cannot(self, condition: Any, message: str) -> None:
        data = Trajectories(make_waves().values, conditions={"mass": np.arange(64.0)})
        with pytest.raises(InputError, match=message):
            Flow(**TINY).fit(data, condition=condition)


class TestFeatures:
    layout = Layout(n_columns=2, inpaint=(0, -1), n_channels=3)
    clean = np.arange(4 * 5 * 3, dtype=np.float32).reshape(4, 5, 3) + 1
    lengths = np.array([5, 4, 2, 5])

    def features(self, dropout: float = 0.0, n: int = 4) -> NDArray[np.float32]:
        index = np.arange(n) % 4
        columns = np.full((n, 2), 7, dtype=np.float32)
        made = self.layout.training(
            columns, self.clean[index], self.lengths[index], dropout, np.random.default_rng(0)
        )
        assert made is not None
        return made

    def test_every_subset_of_the_fixed_steps_is_told_as_often(self) -> None:
        told = self.features(n=4000)[:, [3, 7]]
        counts = [int((told == subset).all(axis=1).sum()) for subset in ((0, 0), (0, 1), (1, 0), (1, 1))]
        assert sum(counts) == 4000
        # Five standard deviations of a binomial.
        assert np.abs(np.array(counts) - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)

    def test_what_is_not_told_is_zeros(self) -> None:
        made = self.features(dropout=0.5, n=4000)
        for start, width in ((0, 3), (3, 4), (7, 4)):
            part = made[:, start : start + width]
            untold = part[:, 0] == 0
            assert (part[untold] == 0).all()
            assert (part[~untold, 0] == 1).all()
        assert (made[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.05)

    def test_told_values_are_painted_at_their_place_in_time(self) -> None:
        made = self.features(n=400)
        image = self.layout.painted(torch.from_numpy(made), torch.from_numpy(np.tile(self.lengths, 100)), 5)
        for row in range(400):
            length = self.lengths[row % 4]
            expected = np.zeros((5, 4), dtype=np.float32)
            for start, step in ((3, 0), (7, length - 1)):
                if made[row, start]:
                    expected[step] = [1, *self.clean[row % 4, step]]
            assert np.array_equal(image[row].numpy(), expected)

    def test_without_a_condition_the_fixed_steps_stay(self) -> None:
        made = torch.from_numpy(self.features(n=50))
        null = self.layout.without_condition(made)
        assert bool((null[:, :3] == 0).all())
        assert torch.equal(null[:, 3:], made[:, 3:])
        assert bool((made[:, :3] != 0).any())

    @pytest.mark.parametrize(
        ("inpaint", "message"),
        [((12,), "got step 12; expected -12 to 11"), ((0, -12), "expected distinct steps")],
    )
    def test_steps_that_cannot_be_told(self, inpaint: tuple[int, ...], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Layout.of(0, inpaint, Description.of(make_waves()))


@pytest.fixture(scope="module")
def asked() -> Flow:
    """A model that can be asked for two numbers and told start and goal, of ragged trajectories."""
    waves = make_waves(ragged=True)
    data = Trajectories(
        waves.values, lengths=waves.steps, conditions={"steps": waves.steps, "last": last_wave(waves)}
    )
    return Flow(**TINY, inpaint=(0, -1)).fit(data, condition=["steps", "last"], seed=3)


class TestAsking:
    def test_samples_carry_what_they_were_asked_for(self, asked: Flow) -> None:
        values = np.stack([np.linspace(5, 9, 30), np.zeros(30)], axis=1)
        made = asked.sample(30, condition=values, fixed={0: [0.5, 100]}, **FEW)
        assert np.array_equal(made.conditions["steps"], values[:, 0])
        assert np.array_equal(made.conditions["last"], values[:, 1])
        assert np.array_equal(made.conditions["fixed 0"], np.tile([0.5, 100], (30, 1)))

    def test_conditions_that_are_not_asked_for_follow_the_data_together_with_the_lengths(
        self, asked: Flow
    ) -> None:
        made = asked.sample(2000, seed=1, **FEW)
        data = make_waves(ragged=True)
        pairs = set(zip(data.steps.tolist(), last_wave(data).tolist(), strict=True))
        assert set(zip(made.steps.tolist(), made.conditions["last"].tolist(), strict=True)) <= pairs
        assert np.array_equal(made.conditions["steps"], made.steps)
        share, law = (np.bincount(steps, minlength=13) / len(steps) for steps in (made.steps, data.steps))
        assert np.abs(share - law).max() < 5 * np.sqrt(0.25 / 2000)

    def test_lengths_fit_the_condition_that_is_asked_for(self, asked: Flow) -> None:
        """The nearest of 64 training trajectories has the length that was asked for, as the condition says it."""
        last = float(np.median(last_wave(make_waves(ragged=True))))
        for steps in (4.0, 8.0, 12.0):
            made = asked.sample(40, condition=(steps, last), **FEW)
            assert np.abs(made.steps - steps).max() <= 2

    @pytest.mark.parametrize("n", [20, 300])
    def test_what_was_asked_for_does_not_depend_on_the_batch_size(self, asked: Flow, n: int) -> None:
        values = np.stack([np.linspace(5, 9, 300), np.zeros(300)], axis=1)
        goal = np.stack([np.linspace(-0.4, 0.4, 300), np.linspace(99, 101, 300)], axis=1)
        whole = asked.sample(300, seed=1, condition=values, fixed={-1: goal}, **FEW)
        part = asked.sample(n, seed=1, condition=values[:n], fixed={-1: goal[:n]}, batch_size=7, **FEW)
        assert np.allclose(part.values, whole.values[:n], rtol=1e-4, atol=1e-3)
        assert np.array_equal(part.steps, whole.steps[:n])

    @pytest.mark.parametrize("any_step", [0, 3, -1, -2])
    def test_given_values_come_out_exactly(self, asked: Flow, any_step: int) -> None:
        given = np.float32([[0.1 * i / 7, 100 + i / 7] for i in range(9)])
        made = asked.sample(9, fixed={any_step: given}, **FEW)
        where = any_step if any_step >= 0 else made.steps + any_step
        assert np.array_equal(made.values[np.arange(9), where], given)

    def test_without_guidance_the_condition_is_not_seen(self, asked: Flow) -> None:
        lengths = make_waves(ragged=True).steps
        one, other = (
            asked.sample(40, seed=1, condition=(float(lengths.max()), last), guidance=0, **FEW)
            for last in (-0.3, 0.3)
        )
        same = one.steps == other.steps
        assert np.array_equal(one.values[same], other.values[same])
        guided = asked.sample(40, seed=1, condition=(8.0, 0.3), guidance=3, **FEW)
        plain = asked.sample(40, seed=1, condition=(8.0, 0.3), **FEW)
        assert not np.array_equal(guided.values, plain.values)

    def test_a_saved_model_answers_with_the_same_bytes(self, asked: Flow, tmp_path: Any) -> None:
        asked.save(tmp_path)
        loaded = Flow.load(tmp_path)
        assert loaded.sample(20, seed=4, **FEW).equals(asked.sample(20, seed=4, **FEW))
        told = {"condition": (8.0, 0.0), "fixed": {-1: [0.1, 101.0]}}
        assert loaded.sample(20, **told, **FEW).equals(asked.sample(20, **told, **FEW))
        assert loaded.knowledge == asked.knowledge

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (
                {"condition": (13.5, 0.0)},
                "condition steps: got 13.5; expected a value in the trained range, 4 to 12",
            ),
            ({"condition": (8.0, float("nan"))}, "got NaN or infinity"),
            ({"condition": 8.0}, r"got shape \(\); expected \(2,\) for all, or \(3, 2\)"),
            ({"condition": "eight"}, "expected numbers"),
            (
                {"fixed": {0: [1.0]}},
                r"fixed step 0: got shape \(1,\); expected \(2,\) for all, or \(3, 2\); channels",
            ),
            (
                {"fixed": {0: [0.0, 500.0]}},
                "fixed step 0: channel 1 got 500; expected a value in the trained range",
            ),
            ({"fixed": {4: [0.0, 100.0]}}, "expected -4 to 3, as the shortest trajectory has 4 steps"),
            ({"fixed": {0: [np.inf, 0.0]}}, "got NaN or infinity"),
            ({"fixed": {"0": [0.0, 0.0]}}, "got step 0; expected -4 to 3"),
            ({"fixed": {3: [0.0, 100.0], -1: [0.0, 100.0]}}, "which meet where there are 4 steps"),
            ({"guidance": -1.0}, "guidance: got -1.0"),
        ],
    )
    def test_what_cannot_be_asked(self, asked: Flow, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            asked.sample(3, **settings)

    def test_a_condition_of_a_model_without(self, model: Diffusion) -> None:
        with pytest.raises(
            InputError, match="this diffusion was trained without; expected a model fitted with one"
        ):
            model.sample(3, condition=1.0)

    def test_resuming_with_another_condition_is_refused(self, tmp_path: Any) -> None:
        data = make_waves()
        first = Flow(**TINY).fit(data, condition=last_wave, checkpoint=tmp_path)
        again = Flow(**TINY).fit(data, condition=last_wave, checkpoint=tmp_path, resume=True)
        assert again.sample(5, **FEW).equals(first.sample(5, **FEW))
        with pytest.raises(InputError, match="was trained with other conditions"):
            Flow(**TINY).fit(data, condition=data.values[:, 0, 0], checkpoint=tmp_path, resume=True)


STEPS = 8
COVARIANCE = 0.8 ** np.abs(np.arange(STEPS)[:, None] - np.arange(STEPS)[None, :])
MEAN = np.sin(np.arange(STEPS) / 2)


def gaussian(n: int = 4000) -> NDArray[np.float64]:
    return np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, size=n)


def given(weights: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and covariance of x given W x = value: m + G (value − W m), S − G W S, with G = S Wᵀ (W S Wᵀ)⁻¹."""
    gain = COVARIANCE @ weights.T @ np.linalg.inv(weights @ COVARIANCE @ weights.T)
    return MEAN + gain @ (value - weights @ MEAN), COVARIANCE - gain @ weights @ COVARIANCE


def errors(made: Trajectories, law: tuple[NDArray[Any], NDArray[Any]]) -> tuple[float, float]:
    """The largest errors of the mean and of the covariance, of data of variance 1."""
    values = made.values[:, :, 0].astype(np.float64)
    return float(np.abs(values.mean(axis=0) - law[0]).max()), float(np.abs(np.cov(values.T) - law[1]).max())


EXACT: dict[type[Any], dict[str, Any]] = {Diffusion: {"sampler": "dpm", "sampler_steps": 36}, Flow: {}}


def check_conditional(kind: type[Any], steps: int, bar: float) -> None:
    values = gaussian()
    weights = np.full((1, STEPS), 1 / STEPS)
    asked = values @ weights[0]
    model = kind(steps=steps, widths=(16, 32), blocks=1, device="cpu")
    model.fit(Trajectories(values[:, :, None]), condition=asked, seed=0)
    for shift in (-1.5, 1.5):
        value = asked.mean() + shift * asked.std()
        made = model.sample(1500, seed=2, condition=value, **EXACT[kind])
        assert max(errors(made, given(weights, np.array([value])))) < bar
    assert max(errors(model.sample(1500, seed=1, **EXACT[kind]), (MEAN, COVARIANCE))) < bar


def check_bridge(kind: type[Any], steps: int, bar: float) -> None:
    ends = np.zeros((2, STEPS))
    ends[0, 0] = ends[1, -1] = 1
    start, goal = np.array([1.0]), np.array([-1.0])
    model = kind(steps=steps, widths=(16, 32), blocks=1, device="cpu", inpaint=(0, -1))
    model.fit(Trajectories(gaussian()[:, :, None]), seed=0)
    made = model.sample(1500, seed=2, fixed={0: start, -1: goal}, **EXACT[kind])
    assert max(errors(made, given(ends, np.array([1.0, -1.0])))) < bar
    made = model.sample(1500, seed=2, fixed={0: start}, **EXACT[kind])
    assert max(errors(made, given(ends[:1], start))) < bar


def test_a_gaussian_conditioned_on_a_linear_quantity_and_bridged_between_start_and_goal() -> None:
    """One model of 600 steps asked in four ways; the laws differ from the data's by up to a standard deviation.

    The bars are what it reaches, with a margin.
    """
    values, weights, ends = gaussian(), np.full((1, STEPS), 1 / STEPS), np.zeros((2, STEPS))
    ends[0, 0] = ends[1, -1] = 1
    model = Flow(steps=600, widths=(16, 32), blocks=1, device="cpu", inpaint=(0, -1))
    asked = values @ weights[0]
    model.fit(Trajectories(values[:, :, None]), condition=asked, seed=0)
    value = asked.mean() + 1.5 * asked.std()
    told = {"fixed": {0: [1.0], -1: [-1.0]}, "guidance": 0}
    for ask, law, bar in (
        ({}, (MEAN, COVARIANCE), 0.2),
        ({"condition": value}, given(weights, np.array([value])), 0.2),
        (told, given(ends, np.array([1.0, -1.0])), 0.25),
        ({"fixed": {0: [1.0]}, "guidance": 0}, given(ends[:1], np.array([1.0])), 0.3),
    ):
        made = model.sample(1500, seed=2, **ask)
        assert max(errors(made, law)) < bar, ask


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Diffusion, Flow])
def test_conditional_laws_after_longer_training(kind: type[Any]) -> None:
    check_conditional(kind, steps=2000, bar=0.12)
    check_bridge(kind, steps=2000, bar=0.15)
