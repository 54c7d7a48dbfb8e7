"""What a generator remembers of its data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.generators.description import Description, digest
from pushforward.generators.records import from_json, to_json
from pushforward.trajectories import Trajectories


def test_moments_are_taken_over_valid_steps_only() -> None:
    values = np.array([[[1.0], [3.0], [99.0]], [[5.0], [7.0], [9.0]]])
    about = Description.of(Trajectories(values, lengths=[2, 3]))
    valid = np.array([1.0, 3.0, 5.0, 7.0, 9.0])
    assert about.mean[0] == pytest.approx(valid.mean())
    assert about.std[0] == pytest.approx(valid.std())


def test_moments_survive_a_large_offset() -> None:
    values = np.random.default_rng(0).normal(1e6, 10, (5000, 4, 1)).astype(np.float32)
    about = Description.of(Trajectories(values))
    assert about.mean[0] == pytest.approx(values.astype(np.float64).mean(), rel=1e-12)
    assert about.std[0] == pytest.approx(values.astype(np.float64).std(), rel=1e-9)


def test_rounding_does_not_make_a_constant_channel_move() -> None:
    about = Description.of(Trajectories(np.full((1000, 7, 1), 0.1, dtype=np.float32)))
    assert about.std == (0.0,)
    assert about.scale.tolist() == [1.0]


def test_absurd_values_are_refused() -> None:
    values = np.array([[[3e38], [-3e38]], [[3e38], [1.0]]], dtype=np.float32)
    with pytest.raises(InputError, match="expected at most 1e30"):
        Description.of(Trajectories(values))


@pytest.mark.parametrize("name", ["waves", "ragged_waves"])
def test_json_and_back(name: str, request: pytest.FixtureRequest) -> None:
    about = Description.of(request.getfixturevalue(name))
    assert from_json(Description, json.loads(json.dumps(to_json(about))), "test") == about


def test_the_digest_sees_values_lengths_and_shape(ragged_waves: Trajectories) -> None:
    seen = {digest(ragged_waves), digest(ragged_waves.select(slice(0, 30)))}
    shorter = ragged_waves.steps.copy()
    shorter[0] = 3 if shorter[0] != 3 else 4
    seen.add(digest(Trajectories(ragged_waves.values, lengths=shorter)))
    values = ragged_waves.values.copy()
    values[0, 0, 0] += 1
    seen.add(digest(ragged_waves.with_values(values)))
    assert len(seen) == 4
    assert digest(ragged_waves) == digest(Trajectories(ragged_waves.values, lengths=ragged_waves.steps))
