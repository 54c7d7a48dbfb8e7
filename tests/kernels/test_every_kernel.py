"""What every registered kernel keeps: shapes, pairing, randomness from `rng` alone, and no deviation at scale zero."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import KERNELS, AbstractDeviationKernel, create, kernel_class, parse
from pushforward.trajectories import Trajectories

# Kernels that are made from data alone; those that need a trained model or residuals have tests of their own.
FROM_DATA = [name for name in KERNELS if not kernel_class(name).needs]


@pytest.fixture
def tracks():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (60, 1, 2)) + np.cumsum(rng.normal(0, 0.2, (60, 12, 2)), axis=1)
    return Trajectories(
        values.astype(np.float32),
        dt=0.1,
        channels=("x", "y"),
        units=("m", "m"),
        lengths=rng.integers(5, 13, 60),
        groups=np.arange(60) // 3,
    )


def made(name, **settings):
    return create(name, scale=0.1, **settings)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_says_what_it_is(name):
    kind = kernel_class(name)
    assert issubclass(kind, AbstractDeviationKernel)
    assert kind.name == name
    assert kind.__doc__
    assert kind.formula
    assert kind.source
    assert kind.cost
    assert min(kind.scales) >= 0
    assert list(kind.scales) == sorted(set(kind.scales))


@pytest.mark.parametrize("name", FROM_DATA)
def test_deviations_keep_everything_but_the_values(name, tracks):
    kernel = made(name).fitted(tracks)
    moved = kernel.deviate(tracks, np.random.default_rng(1))
    assert moved.values.shape == tracks.values.shape
    assert moved.values.dtype == np.float32
    assert (moved.channels, moved.units, moved.dt) == (tracks.channels, tracks.units, tracks.dt)
    np.testing.assert_array_equal(moved.steps, tracks.steps)
    np.testing.assert_array_equal(moved.groups, tracks.groups)
    assert np.abs(moved.values - tracks.values).max() > 0


@pytest.mark.parametrize("name", FROM_DATA)
def test_the_same_seed_deviates_alike_and_another_does_not(name, tracks):
    kernel = made(name).fitted(tracks)
    first, again, other = (kernel.deviate(tracks, np.random.default_rng(seed)).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", FROM_DATA)
def test_scale_zero_deviates_nothing(name, tracks):
    kernel = made(name).fitted(tracks).with_scale(0.0)
    np.testing.assert_array_equal(kernel.deviate(tracks, np.random.default_rng(1)).values, tracks.values)


@pytest.mark.parametrize("name", FROM_DATA)
def test_deviations_grow_with_the_scale(name, tracks):
    kernel = made(name).fitted(tracks)
    sizes = [
        float(
            np.square(
                kernel.with_scale(scale).deviate(tracks, np.random.default_rng(3)).values - tracks.values
            ).mean()
        )
        for scale in (0.01, 0.1, 0.5)
    ]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", FROM_DATA)
def test_deviations_stay_near_their_own_trajectory(name, tracks):
    """Row by row: x' belongs to x, so that it is nearer to its own x than to another."""
    moved = made(name).fitted(tracks).with_scale(0.02).deviate(tracks, np.random.default_rng(1)).values
    own = np.square(moved - tracks.values).sum(axis=(1, 2))
    other = np.square(moved - np.roll(tracks.values, 1, axis=0)).sum(axis=(1, 2))
    assert np.mean(own < other) > 0.95


@pytest.mark.parametrize("name", FROM_DATA)
def test_input_is_not_changed(name, tracks):
    before = tracks.values.copy()
    made(name).fitted(tracks).deviate(tracks, np.random.default_rng(1))
    np.testing.assert_array_equal(tracks.values, before)


@pytest.mark.parametrize("name", FROM_DATA)
def test_the_label_spells_the_kernel(name):
    kernel = made(name)
    again = parse(kernel.label)
    assert type(again) is type(kernel)
    assert again.settings == kernel.settings


def test_kernels_are_spelled_as_text():
    kernel = parse("spectral(scale=0.02, correlation=8, relative=false)")
    assert kernel.settings == {
        "scale": 0.02,
        "scale_error": 0.0,
        "correlation": 8.0,
        "spectrum": "squared-exponential",
        "exponent": 2.0,
        "relative": False,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gausian", "unknown kernel 'gausian'; did you mean 'gaussian'"),
        ("gaussian(size=1)", "unknown setting of kernel 'gaussian': 'size'"),
        ("gaussian(scale=-1)", "'scale': got '-1.0'; expected a number of at least 0"),
        ("gaussian(scale=much)", "'scale': got 'much'"),
        ("gaussian(scale=0.1, relative=perhaps)", "expected true or false"),
        ("gaussian(sigma=(1,))", "unknown setting"),
        ("gaussian(", "kernel 'gaussian\\('"),
    ],
)
def test_bad_spelling_is_refused_in_one_line(text, said):
    with pytest.raises(InputError, match=said):
        parse(text)
