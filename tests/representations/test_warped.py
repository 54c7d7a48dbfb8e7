"""Warps: exact inverses, shapes found where the best one is known, and none where nothing is to be gained."""

import json

import numpy as np
import pytest
import torch

import pushforward as pf
from pushforward.errors import InputError
from pushforward.kernels import Gaussian
from pushforward.mitigations.representation_records import from_record, to_record
from pushforward.representations import create, parse
from pushforward.representations.deviation import Represented
from pushforward.representations.torch_decoding import decoded
from pushforward.representations.warped import interpolated
from pushforward.trajectories import Trajectories


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def maps():
    return pf.systems.create("logistic-map").sample(4000, pf.Intended.uniform(3.5, 4).law, T=16, seed=0)


@pytest.fixture(scope="module")
def fitted(maps):
    return create("warped").fitted(maps)


def test_a_warp_is_inverted_exactly_also_beyond_its_ends():
    start, end = (0.0, 1.0, 1.5, 4.0), (-2.0, 0.0, 3.0, 3.5)
    x = np.linspace(-10, 20, 1001)
    z = interpolated(x, start, end)
    assert (np.diff(z) > 0).all()
    assert interpolated(z, end, start) == pytest.approx(x, abs=1e-13)
    assert interpolated(np.array(start), start, end) == pytest.approx(np.array(end), abs=1e-14)


def test_torch_decodes_as_numpy_does(fitted, maps):
    codes = fitted.encode(maps.select(slice(0, 20)))
    wild = codes.values.astype(np.float64) * 3
    made = decoded(fitted, torch.from_numpy(wild)).numpy()
    assert made == pytest.approx(fitted.decode(codes.with_values(wild)).values, abs=1e-6)


def test_a_warp_is_steep_where_errors_move_the_quantity(fitted):
    """dx_{t+1}/dx_t = r (1 − 2 x_t): an error at 1/2 does not move the next step, one at the ends moves it most."""
    places, slopes = np.asarray(fitted.places[0]), np.diff(fitted.heights[0]) / np.diff(fitted.places[0])
    middle = slopes[np.searchsorted(places, 0.5) - 1]
    assert middle < 0.7 * slopes[-1]
    assert middle < 0.9 * slopes[0]


def test_a_warp_lowers_the_shift_of_the_logistic_maps_parameter(maps, fitted):
    fresh = pf.systems.create("logistic-map").sample(20_000, pf.Intended.uniform(3.5, 4).law, T=16, seed=9)
    q = pf.quantities.parse("logistic-map-r")
    rng = np.random.default_rng(1)
    shift = []
    for psi in (create("identity"), fitted):
        kernel = Represented(kernel=Gaussian(0.04), representation=psi).fitted(maps)
        shift.append(abs(float((q(kernel.deviate(fresh, rng)) - q(fresh)).mean())))
    assert shift[1] < 0.6 * shift[0]


def test_a_channel_that_the_quantity_does_not_see_is_not_warped(maps):
    noise = np.random.default_rng(0).normal(size=maps.values.shape)
    data = Trajectories(np.concatenate([maps.values, noise], axis=2), channels=("x", "noise"))
    made = create("warped", quantity="logistic-map-r(channel=x)", rounds=30).fitted(data)
    slopes = [np.diff(made.heights[c]) / np.diff(made.places[c]) for c in (0, 1)]
    assert slopes[0].max() > 1.2
    assert slopes[1] == pytest.approx(1, abs=1e-9)


def test_a_part_sees_the_quantity_of_what_the_parts_before_decode_to(maps):
    made = parse("increments + warped(rounds=10)").checked(maps)
    assert made.round_trip_error(maps).max() < 1e-3
    again = from_record(json.loads(json.dumps(to_record(made))), "here")
    assert again == made
    assert again.encode(maps).equals(made.encode(maps))


def test_a_channel_that_does_not_move_stays(maps):
    values = np.concatenate([maps.values, np.full_like(maps.values, 3.0)], axis=2)
    data = Trajectories(values, channels=("x", "still"))
    made = create("warped", quantity="logistic-map-r(channel=x)", rounds=3).checked(data)
    assert made.decode(made.encode(data)).values[:, :, 1] == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "the data names no quantity; expected quantity=NAME"),
        ({"quantity": "max-speed"}, "warped: max-speed is a non-differentiable quantity"),
        ({"knots": 2}, "knots = 2; expected 3 to 256"),
        ({"scale": 0}, "scale = 0; expected 1e-06 to 10"),
    ],
)
def test_what_cannot_be_warped_is_refused(settings, said):
    data = Trajectories(np.random.default_rng(0).normal(size=(9, 4, 2)))
    with pytest.raises(InputError, match=said):
        create("warped", **settings).fitted(data)
