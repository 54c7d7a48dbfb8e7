"""The solver's share: known where the sampler's error is known, and far sharper for the common noise."""

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.explain import solver_share

VALUE = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value", unit="m")
N = 8000


class Stepped:
    """Makes N(0.3, 1) + 1.6/steps: the model is 0.3 off, its solver 1.6 / steps."""

    def sample(self, n, seed=0, *, sampler_steps=8, wild=False):
        rng = np.random.default_rng(seed)
        start = rng.normal(0.3, 1.0, (n, 1, 1))
        return pf.Trajectories((start + 1.6 / sampler_steps).astype(np.float32))


def data(n=N, seed=9, groups=None):
    return pf.Trajectories(
        np.random.default_rng(seed).normal(size=(n, 1, 1)).astype(np.float32), groups=groups
    )


def test_the_solvers_shift_is_known_as_if_without_noise():
    found = solver_share(Stepped(), VALUE, N, 8, 800)
    assert found.shift.value == pytest.approx(0.2 - 0.002, abs=1e-6)
    assert found.shift.high - found.shift.low < 1e-5
    assert found.moved == pytest.approx(0.198, abs=1e-6)
    assert found.share is found.model_shift is found.total_shift is None
    assert found.drift.sum() == pytest.approx(0)
    assert "solver: 8 steps for 800" in str(found)


def test_beside_data_it_is_a_share_of_the_whole():
    """Both push the same way, 0.2 of 0.5: of small shifts the share is 0.4."""
    found = solver_share(Stepped(), VALUE, 40_000, 8, 80_000, data=data(40_000))
    assert found.model_shift.low < 0.3 < found.model_shift.high
    assert found.total_shift.low < 0.5 < found.total_shift.high
    assert found.total_shift.value == pytest.approx(found.model_shift.value + found.shift.value)
    assert found.share.low < found.share.value < found.share.high
    assert found.share.value == pytest.approx(0.4, abs=0.06)


def test_no_drift_has_no_share():
    class Exact(Stepped):
        def sample(self, n, seed=0, *, sampler_steps=8):
            return data(n, seed)

    found = solver_share(Exact(), VALUE, 2000, 8, 80, data=data(2000))
    assert (found.shift.value, found.shift.high, found.tv) == (0, 0, 0)
    assert np.isnan(found.share.value)
    assert found.to_json()["share"]["value"] is not None


def test_groups_of_the_data_stay_whole():
    groups = np.repeat(np.arange(N // 100), 100)
    rng = np.random.default_rng(1)
    shared = pf.Trajectories(
        np.repeat(rng.normal(size=(N // 100, 1, 1)), 100, axis=0).astype(np.float32), groups=groups
    )
    loose = pf.Trajectories(shared.values)
    wide, narrow = (
        solver_share(Stepped(), VALUE, N, 8, 800, data=each).model_shift for each in (shared, loose)
    )
    assert wide.high - wide.low > 4 * (narrow.high - narrow.low)


def test_a_real_generator_is_asked_with_its_own_settings():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from pushforward.generators import Diffusion

    tracks = pf.Trajectories(np.cumsum(np.random.default_rng(0).normal(size=(64, 8, 2)), axis=1))
    model = Diffusion(steps=2, widths=(8,), batch_size=16).fit(tracks, seed=0)
    found = solver_share(model, "path-length", 40, 3, 12, data=tracks)
    assert found.n == 40
    assert found.moved > 0
    again = solver_share(model, "path-length", 40, 3, 12, data=tracks)
    assert found.to_json() == again.to_json()


@pytest.mark.parametrize(("arguments", "said"), [((10, 8, 8), "more converged"), ((1, 2, 8), "at least 2")])
def test_what_cannot_be_compared_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        solver_share(Stepped(), VALUE, *arguments)
