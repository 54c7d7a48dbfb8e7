"""Any callable: its arrays become trajectories, its seeds are used, and what goes wrong is one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators.adapters import SampleFunction
from pushforward.trajectories import Trajectories

LIKE = Trajectories(
    np.zeros((1, 5, 2)),
    dt=0.1,
    channels=("x", "y"),
    units=("m", "rad"),
    time_unit="h",
    quantity_name="path-length",
)


def normal(n: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 5, 2))


class TestWhatIsMade:
    def test_labels_come_from_like(self) -> None:
        made = SampleFunction(normal, LIKE).sample(7)
        assert len(made) == 7
        for name in ("T", "C", "dt", "channels", "units", "time_unit", "quantity_name"):
            assert getattr(made, name) == getattr(LIKE, name)

    def test_labels_may_be_given_one_by_one(self) -> None:
        made = SampleFunction(normal, LIKE, dt=2.0, channels=["a", "b"]).sample(3)
        assert (made.dt, made.channels, made.units) == (2.0, ("a", "b"), ("m", "rad"))
        bare = SampleFunction(normal).sample(3)
        assert (bare.dt, bare.channels, bare.units) == (1.0, ("x0", "x1"), ("", ""))

    @pytest.mark.parametrize(
        "convert",
        [
            np.asarray,
            np.ndarray.tolist,
            torch.from_numpy,
            lambda a: torch.from_numpy(a).requires_grad_(),
            lambda a: torch.from_numpy(a).bfloat16(),
        ],
    )
    def test_arrays_of_any_kind(self, convert: Callable[[Any], Any]) -> None:
        made = SampleFunction(lambda n, seed: convert(normal(n, seed)), LIKE).sample(4, seed=1)
        assert made.values == pytest.approx(
            SampleFunction(normal, LIKE).sample(4, seed=1).values, rel=0.01, abs=1e-6
        )

    def test_batches_are_bounded_and_get_different_seeds(self) -> None:
        calls: list[tuple[int, int]] = []

        def sample(n: int, seed: int) -> Any:
            calls.append((n, seed))
            return normal(n, seed)

        adapter = SampleFunction(sample, LIKE, batch_size=100)
        parts = list(adapter.sample_batches(250, seed=4))
        assert [len(part) for part in parts] == [100, 100, 50]
        assert [n for n, _ in calls[-3:]] == [100, 100, 50]
        seeds = [seed for _, seed in calls[-3:]]
        assert len(set(seeds)) == 3
        assert all(0 <= seed < 2**31 for seed in seeds)
        assert Trajectories.concat(parts).equals(adapter.sample(250, seed=4))

    def test_the_seed_decides(self) -> None:
        adapter = SampleFunction(normal, LIKE)
        assert adapter.sample(9, seed=2).equals(adapter.sample(9, seed=2))
        assert not adapter.sample(9, seed=2).equals(adapter.sample(9, seed=3))

    def test_progress_is_told(self) -> None:
        calls: list[tuple[int, int | None]] = []
        adapter = SampleFunction(normal, LIKE, batch_size=4)
        adapter.sample(10, progress=lambda done, total=None, note="": calls.append((done, total)))
        assert calls == [(4, 10), (8, 10), (10, 10)]


class TestSeeds:
    def test_a_sampler_that_ignores_its_seed_is_refused(self) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(InputError, match=r"the same seed gave other trajectories; .* seeded=False"):
            SampleFunction(lambda n, seed: rng.normal(size=(n, 5, 2)), LIKE).sample(3)

    def test_unless_its_samples_need_not_be_repeatable(self) -> None:
        rng = np.random.default_rng(0)
        adapter = SampleFunction(lambda n, seed: rng.normal(size=(n, 5, 2)), LIKE, seeded=False)
        assert len(adapter.sample(3)) == 3

    @pytest.mark.parametrize("seeded", [True, False])
    def test_a_sampler_that_repeats_itself_is_refused(self, seeded: bool) -> None:
        with pytest.raises(InputError, match="two seeds gave the same trajectories"):
            SampleFunction(lambda n, seed: normal(n, 0), LIKE, seeded=seeded).sample(3)

    def test_rounding_that_differs_from_call_to_call_is_no_other_seed(self) -> None:
        jitter = np.random.default_rng(0)
        adapter = SampleFunction(lambda n, seed: normal(n, seed) + 1e-6 * jitter.normal(size=(n, 5, 2)), LIKE)
        assert len(adapter.sample(3)) == 3


class TestBadInput:
    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (lambda n: np.zeros((n, 5)), r"returned shape \(2, 5\); expected \(2, 5, 2\)"),
            (lambda n: np.zeros((n + 1, 5, 2)), r"returned shape \(3, 5, 2\); expected \(2, 5, 2\)"),
            (lambda n: np.zeros((n, 2, 5)), r"returned shape \(2, 2, 5\); expected \(2, 5, 2\)"),
            (lambda n: None, "returned NoneType of dtype object; expected an array of real numbers"),
            (lambda n: [[1.0], [1.0, 2.0]], "returned list, not an array"),
            (
                lambda n: np.zeros((n, 5, 2), dtype=complex),
                "of dtype complex128; expected an array of real numbers",
            ),
            (
                lambda n: np.full((n, 5, 2), np.nan),
                r"NaN or infinity in 2 of 2 trajectories, first at index \(0, 0, 0\)",
            ),
            (lambda n: torch.zeros(n, 5, 2, device="meta"), "on the meta device, which holds no numbers"),
            (lambda n: 1 / 0, r"sample\(2, \d+\) raised ZeroDivisionError: division by zero"),
        ],
    )
    def test_what_it_returns(self, returned: Callable[[int], Any], message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            SampleFunction(lambda n, seed: returned(n), LIKE).sample(5)
        assert "\n" not in str(caught.value)

    def test_one_bad_trajectory_among_many_is_found(self) -> None:
        def sample(n: int, seed: int) -> Any:
            values = normal(n, seed)
            values[n - 1, 3, 1] = np.inf
            return values

        with pytest.raises(InputError, match=r"in 1 of 2 trajectories, first at index \(1, 3, 1\)"):
            SampleFunction(sample, LIKE).sample(5)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"batch_size": 0}, "batch_size: got 0"),
            ({"like": np.zeros((3, 5, 2))}, "like: got ndarray; expected Trajectories"),
            ({"channel": ("x",)}, "unknown label 'channel'; did you mean 'channels'"),
            ({"channels": ("x", "x")}, "duplicate names"),
            ({"channels": ("x", "y"), "units": ("m",)}, "units: got 1 for 2 channels"),
            ({"T": 0}, "T: got '0'; expected a whole number, at least 1"),
            ({"C": 0}, "C: got '0'; expected a whole number, at least 1"),
            ({"C": 2, "dt": -1.0}, "dt: got -1.0"),
        ],
    )
    def test_settings(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            SampleFunction(normal, **settings)

    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            ({"n": 0}, "got n = 0; expected a whole number, at least 1"),
            ({"n": 2.5}, "got n = 2.5"),
            ({"n": 3, "seed": -1}, "seed: got -1"),
            ({"n": 3, "sampler": "heun"}, "unknown sampling setting of sample-function 'sampler'"),
        ],
    )
    def test_requests(self, request_: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            SampleFunction(normal, LIKE).sample(**request_)

    def test_something_that_cannot_be_called(self) -> None:
        with pytest.raises(InputError, match="got ndarray; expected a callable"):
            SampleFunction(np.zeros(3), LIKE)  # type: ignore[arg-type]
