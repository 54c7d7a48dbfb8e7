"""Every representation returns what it was given; each makes its quantity insensitive to errors in its own way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, uniform

from pushforward import systems
from pushforward.errors import InputError
from pushforward.measure import Intended
from pushforward.quantities import PathLength
from pushforward.representations import REPRESENTATIONS, Composed, create, parse
from pushforward.trajectories import Trajectories


def plane(n=50, T=16, ragged=False, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(0.3, 1, (n, T, 2)), axis=1) * scale
    lengths = rng.integers(3, T + 1, n) if ragged else None
    return Trajectories(
        values.astype(np.float32), dt=0.1, channels=("x", "y"), units=("m", "m"), lengths=lengths
    )


def storms(n=40, T=12, seed=0):
    rng = np.random.default_rng(seed)
    latitude = 15 + np.cumsum(rng.uniform(0, 1, (n, T)), axis=1)
    longitude = 178 + np.cumsum(rng.uniform(0, 2, (n, T)), axis=1)  # over the date line
    wind = rng.uniform(20, 100, (n, T))
    values = np.stack([latitude, (longitude + 180) % 360 - 180, wind], axis=2)
    return Trajectories(
        values.astype(np.float32),
        dt=6,
        channels=("latitude", "longitude", "wind"),
        units=("deg", "deg", "kt"),
        lengths=rng.integers(2, T + 1, n),
    )


def angles(n=30, T=20, seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-3, 3, (n, 1)) + np.cumsum(rng.uniform(-1, 1, (n, T)), axis=1)
    values = np.stack([theta, rng.normal(size=(n, T))], axis=2)
    return Trajectories(values.astype(np.float32), channels=("theta", "omega"), units=("rad", "rad/s"))


LAWS = {
    "cone": uniform(0.2, 1.2),
    "double-pendulum": uniform(-20, 40),
    "logistic-map": uniform(3.5, 0.5),
    "sinusoid": uniform(2, 4),
}


def made_by(name, n=50, T=16):
    return systems.create(name).sample(n, LAWS[name], T=T, seed=1)


DATA = {
    "identity": plane,
    "increments": lambda: plane(ragged=True),
    "speed-heading": storms,
    "log-speed-turning": storms,
    "spherical": lambda: made_by("cone"),
    "map-parameter": lambda: made_by("logistic-map"),
    "amplitude-phase": lambda: plane(ragged=True),
    "demodulated": lambda: plane(ragged=True),
    "gaussianized": lambda: plane(ragged=True),
    "energy-phase": lambda: made_by("double-pendulum"),
    "sine-cosine": lambda: made_by("double-pendulum"),
    "unwrapped-angle": lambda: made_by("double-pendulum"),
    "reference-path": lambda: plane(ragged=True),
    "cosines": plane,
    "warped": lambda: made_by("logistic-map"),
    "whitened": plane,
}


def data_for(name):
    data = DATA[name]()
    if name == "sine-cosine":
        return create("unwrapped-angle").fitted(data).encode(data).select(slice(0, 5))
    return data


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_decoding_gives_back_the_data_with_its_names_lengths_and_units(name):
    data = data_for(name)
    if name == "sine-cosine":
        data = angles().with_values(np.clip(angles().values, -3.1, 3.1))
    fitted = create(name).checked(data, tolerance=2e-4 if name != "speed-heading" else 1e-3)
    codes = fitted.encode(data)
    again = fitted.decode(codes)
    assert (again.channels, again.units, again.dt) == (data.channels, data.units, data.dt)
    assert again.quantity_name == data.quantity_name
    assert np.array_equal(again.steps, data.steps)
    assert np.isfinite(codes.values).all()
    assert len(codes.channels) == codes.C


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_every_code_that_a_model_may_make_decodes_to_finite_values(name):
    data = data_for(name)
    fitted = create(name).fitted(data)
    codes = fitted.encode(data)
    rng = np.random.default_rng(0)
    wild = codes.values + 5 * codes.values.std(axis=(0, 1)) * rng.standard_normal(codes.values.shape)
    assert np.isfinite(fitted.decode(codes.with_values(wild.astype(np.float32))).values).all()


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_encoding_in_parts_is_encoding_at_once(name):
    data = data_for(name)
    fitted = create(name).fitted(data)
    whole = fitted.encode(data)
    parts = [fitted.encode(part) for part in data.batches(7)]
    assert np.array_equal(np.concatenate([p.values for p in parts]), whole.values)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 5), T=st.integers(2, 12))
def test_increments_and_steps_return_on_any_path(seed, n, T):
    data = plane(n=n, T=T, seed=seed, scale=10 ** (seed % 5 - 2))
    # Codes of the first step take the mean and spread of the others': where a few steps are all but equally long, their
    # spread is as small as a float32 number's rounding. A channel that hardly moves sees the other's rounding.
    spread = data.values.std(axis=(0, 1))
    assume(n * (T - 1) >= 4 and spread.min() > 0.1 * spread.max())
    for name in (
        "increments",
        "speed-heading",
        "log-speed-turning",
        "reference-path",
        "amplitude-phase",
        "demodulated",
    ):
        create(name).checked(data, tolerance=1e-3)


def test_the_first_step_has_the_mean_and_spread_of_the_others():
    codes = create("increments").fitted(plane(n=500)).encode(plane(n=500))
    first, later = codes.values[:, 0], codes.values[:, 1:].reshape(-1, 2)
    assert first.mean(axis=0) == pytest.approx(later.mean(axis=0), abs=1e-5)
    assert first.std(axis=0) == pytest.approx(later.std(axis=0), rel=1e-5)


def test_path_length_is_linear_in_the_step_lengths():
    data = plane(n=200)
    fitted = create("speed-heading").fitted(data)
    codes = fitted.encode(data)
    longer = codes.values.copy()
    longer[:, 1:, 0] *= 1.1
    length = PathLength()
    assert length(fitted.decode(codes.with_values(longer))) == pytest.approx(1.1 * length(data), rel=1e-5)


def test_noise_in_headings_keeps_the_path_length_where_noise_in_positions_adds_to_it():
    data, rng, length = plane(n=500, scale=0.05), np.random.default_rng(0), PathLength()
    fitted = create("speed-heading").fitted(data)
    codes = fitted.encode(data)
    turned = codes.values.copy()
    turned[:, 1:, 1] += 0.1 * rng.standard_normal(turned[:, 1:, 1].shape)
    moved = data.values + 0.02 * rng.standard_normal(data.values.shape)
    kept = length(fitted.decode(codes.with_values(turned))).mean() / length(data).mean()
    added = length(data.with_values(moved.astype(np.float32))).mean() / length(data).mean()
    assert abs(kept - 1) < 1e-4
    assert added > 1.05


def test_steps_on_the_earth_are_as_long_as_great_circles():
    data = storms()
    codes = create("speed-heading").fitted(data).encode(data)
    lengths = np.where(data.mask[:, 1:], codes.values[:, 1:, 0], 0).sum(axis=1)
    assert lengths == pytest.approx(PathLength(unit="km")(data), rel=1e-3)


def test_maps_that_come_close_to_extinction_come_back():
    # One with r = 3.9999 rises to 1 − 3.8 · 10⁻⁵, of which float32 knows the complement to 0.1 % only.
    data = systems.create("logistic-map").sample(8000, Intended.uniform(3.5, 4), T=32, seed=3)
    fitted = create("map-parameter").fitted(data)
    assert fitted.round_trip_error(data).max() < 1e-5


def test_the_map_parameter_of_the_logistic_map_is_constant():
    data = made_by("logistic-map", T=16)
    fitted = create("map-parameter").fitted(data)
    r = fitted.encode(data).values[:, 1:, 0]
    assert r == pytest.approx(np.broadcast_to(data.quantity[:, None], r.shape), rel=2e-4)


def test_a_start_made_beyond_the_edges_keeps_its_parameter():
    system, data = systems.create("logistic-map"), made_by("logistic-map", T=16)
    fitted = create("map-parameter").fitted(data)
    codes = fitted.encode(data)
    beyond = codes.values.copy()
    beyond[::2, 0, 0], beyond[1::2, 0, 0] = -beyond[::2, 0, 0], 2 - beyond[1::2, 0, 0]
    made = fitted.decode(codes.with_values(beyond))
    assert system.quantity(made) == pytest.approx(data.quantity, rel=2e-4)


def test_the_energy_of_every_state_is_the_energy_of_the_pendulum():
    data = made_by("double-pendulum", T=16)
    energy = create("energy-phase").fitted(data).encode(data)
    found = energy.values[:, :, energy.channel_index("energy")]
    assert found == pytest.approx(np.broadcast_to(data.quantity[:, None], found.shape), abs=1e-4)


def test_errors_of_the_phase_do_not_touch_the_energy():
    system = systems.create("double-pendulum")
    data, rng = made_by("double-pendulum"), np.random.default_rng(0)
    fitted = create("energy-phase").fitted(data)
    codes = fitted.encode(data)
    turned = codes.values.copy()
    turned[:, :, 5:] += 0.2 * rng.standard_normal(turned[:, :, 5:].shape)
    assert system.quantity(fitted.decode(codes.with_values(turned))) == pytest.approx(data.quantity, abs=1e-3)


def test_the_polar_angle_on_a_cone_is_its_half_angle():
    data = made_by("cone", T=16)
    codes = create("spherical").fitted(data).encode(data)
    polar = codes.values[:, :, codes.channel_index("polar_angle")]
    assert polar == pytest.approx(np.broadcast_to(data.quantity[:, None], polar.shape), abs=1e-5)


def test_the_phase_of_a_sinusoid_advances_by_its_frequency():
    data = made_by("sinusoid", T=64)
    codes = create("amplitude-phase").fitted(data).encode(data)
    rate = codes.values[:, 16:48, 1].mean(axis=1) / (2 * np.pi * data.dt)
    assert rate == pytest.approx(data.quantity, rel=0.06)


def test_all_codes_of_a_demodulated_sinusoid_are_constant():
    data = made_by("sinusoid", T=64)
    codes = create("demodulated").fitted(data).encode(data)
    assert codes.values == pytest.approx(np.broadcast_to(codes.values[:, :1], codes.values.shape), abs=1e-4)
    assert codes.values[:, 0, 0] / (2 * np.pi * data.dt) == pytest.approx(data.quantity, rel=1e-4)
    assert codes.values[:, 0, 1] == pytest.approx(1, abs=1e-4)


def test_errors_of_a_demodulated_frequency_average_out():
    data, rng = made_by("sinusoid", T=64), np.random.default_rng(0)
    fitted = create("demodulated").fitted(data)
    codes = fitted.encode(data)
    moved = codes.values.copy()
    moved[:, :, 0] *= 1 + 0.02 * rng.standard_normal(moved.shape[:2])
    error = systems.create("sinusoid").quantity(fitted.decode(codes.with_values(moved))) / data.quantity - 1
    assert error.std() == pytest.approx(0.02 / np.sqrt(64), rel=0.3)


def test_what_does_not_oscillate_comes_back_demodulated_all_the_same():
    rng = np.random.default_rng(0)
    still = np.ones((3, 12, 1))
    line = np.linspace(0, 5, 12)[None, :, None] * rng.normal(size=(3, 1, 1))
    noise = rng.normal(size=(3, 12, 1))
    nyquist = ((-1.0) ** np.arange(12))[None, :, None] * np.ones((3, 1, 1))
    data = Trajectories(np.concatenate([still, line, noise, nyquist]).astype(np.float32))
    fitted = create("demodulated").checked(data, tolerance=1e-5)
    # Near Nyquist's frequency cosine and sine are all but one wave: their sizes are held, not fitted.
    assert np.abs(fitted.encode(data).values[:, :, 1]).max() < 10 * np.abs(data.values).max()


def test_gaussianized_codes_have_the_normal_law():
    rng = np.random.default_rng(0)
    values = np.stack([rng.uniform(3, 4, (500, 20)), rng.exponential(size=(500, 20))], axis=2)
    data = Trajectories(values.astype(np.float32), channels=("x", "y"))
    codes = create("gaussianized").fitted(data).encode(data).values.reshape(-1, 2)
    for column in codes.T:
        assert kstest(column, "norm").statistic < 0.01


def test_long_tails_become_normal_too():
    values = np.exp(3 * np.random.default_rng(0).normal(size=(500, 20, 1)))
    data = Trajectories(values.astype(np.float32))
    codes = create("gaussianized").checked(data).encode(data).values.ravel()
    assert kstest(codes, "norm").statistic < 0.01


def test_a_channel_of_one_value_keeps_it_whatever_its_size():
    for value in (0.0, 7.0, 1e20):
        data = Trajectories(np.full((3, 4, 1), value, dtype=np.float32))
        create("gaussianized").checked(data)
    create("gaussianized").checked(Trajectories(np.ones((1, 1, 1), dtype=np.float32)))


def test_gaussianized_edges_hold_what_a_model_errs():
    data = made_by("cone", n=2000, T=16)
    rng = np.random.default_rng(0)

    def spilled(text):
        fitted = parse(text).fitted(data)
        codes = fitted.encode(data)
        error = 0.05 * codes.values.std(axis=(0, 1)) * rng.standard_normal((len(data), 1, codes.C))
        moved = fitted.decode(codes.with_values((codes.values + error).astype(np.float32)))
        alpha = systems.create("cone").quantity(moved)
        return np.mean((alpha < 0.2) | (alpha > 1.4))

    assert spilled("spherical") > 0.005
    assert spilled("spherical + gaussianized(channels=[polar_angle])") < 0.001


def test_of_values_that_are_often_there_and_of_constants_normal_scores_come_back():
    rng = np.random.default_rng(0)
    often = np.maximum(rng.normal(size=(200, 10)), 0)
    constant = np.full((200, 10), 7.0) + 1e-7 * rng.normal(size=(200, 10))
    data = Trajectories(np.stack([often, constant], axis=2).astype(np.float32), channels=("x", "y"))
    fitted = create("gaussianized").checked(data, tolerance=1e-3)
    assert fitted.encode(data).values[:, :, 1].std() < 1e-5


def test_only_the_channels_that_are_asked_for_are_gaussianized():
    data = plane()
    codes = create("gaussianized", channels=("y",)).fitted(data).encode(data)
    assert (codes.channels, codes.units) == (("x", "normal_y"), ("m", ""))
    assert np.array_equal(codes.values[:, :, 0], data.values[:, :, 0])
    with pytest.raises(InputError, match="'z'"):
        create("gaussianized", channels=("z",)).fitted(data)
    with pytest.raises(InputError, match="expected each once"):
        create("gaussianized", channels=("y", "y")).fitted(data)


def test_a_constant_rate_of_turn_is_a_constant_of_turning_codes():
    data = made_by("cone", T=16)
    fitted = create("spherical", turning=True).checked(data, tolerance=2e-4)
    codes = fitted.encode(data)
    turn = codes.values[:, :, codes.channel_index("turn")]
    assert turn == pytest.approx(np.broadcast_to(turn[:, 5:6], turn.shape), abs=1e-4)


def test_a_setting_that_is_true_or_false_is_spelled_so():
    assert parse("spherical(turning=true)").turning is True
    assert parse("spherical(turning=False)") == create("spherical")
    with pytest.raises(InputError, match="expected true or false"):
        parse("spherical(turning=2)")


def test_whitened_codes_are_uncorrelated_with_unit_variance():
    data = plane(n=2000)
    codes = create("whitened").fitted(data).encode(data)
    covariance = np.cov(codes.values.reshape(len(data), -1).T)
    assert covariance == pytest.approx(np.eye(32), abs=2e-2)


def test_representations_compose():
    data = plane(n=60)
    both = Composed(parts=(create("increments"), create("whitened"))).checked(data, tolerance=1e-3)
    inner = create("increments").fitted(data)
    expected = create("whitened").fitted(inner.encode(data)).encode(inner.encode(data))
    assert np.array_equal(both.encode(data).values, expected.values)


def test_a_path_that_stands_still_has_no_logarithm_and_is_named():
    values = plane(n=5).values.copy()
    values[3, 4] = values[3, 3]
    data = plane(n=5).with_values(values)
    with pytest.raises(InputError, match="trajectory 3 has no code"):
        create("log-speed-turning").checked(data)


def test_angles_that_start_outside_half_a_turn_are_found_not_invertible():
    data = angles()
    values = data.values.copy()
    values[7, :, 0] = np.linspace(6, 7, data.T)
    with pytest.raises(InputError, match=r"not invertible on the data: trajectory \d+ comes back"):
        create("sine-cosine").checked(data.with_values(values))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("map-parameter", plane),
        ("energy-phase", plane),
        ("spherical", plane),
        ("unwrapped-angle", plane),
        ("sine-cosine", plane),
        ("speed-heading", lambda: made_by("cone")),
        ("cosines", lambda: plane(ragged=True)),
        ("whitened", lambda: plane(ragged=True)),
    ],
)
def test_data_that_a_representation_does_not_apply_to_are_refused_in_one_line(name, make):
    with pytest.raises(InputError, match=f"representation '{name}'") as caught:
        create(name).fitted(make())
    assert "\n" not in str(caught.value)


def test_unknown_names_and_settings_list_the_valid_ones():
    with pytest.raises(InputError, match="increments"):
        create("increment")
    with pytest.raises(InputError, match="apex"):
        create("spherical", apx=(0, 0, 0))
    with pytest.raises(InputError, match="not fitted"):
        create("increments").encode(plane())
    with pytest.raises(InputError, match="expected x, y"):
        create("increments").fitted(plane()).encode(storms())


def test_tracks_across_the_date_line_come_back_as_the_same_places():
    longitude = np.linspace(175, 187, 13)
    values = np.stack([np.full(13, 10.0), longitude], axis=1)[None]
    tracks = Trajectories(values, channels=("latitude", "longitude"), units=("deg", "deg"))
    assert create("speed-heading").checked(tracks).round_trip_error(tracks).max() < 1e-3
