"""Reconstruction: linear encoders and decoders in closed form, an exact VAE that keeps the law, a trained one."""

import numpy as np
import pytest
from scipy import stats
from tests.kernels.gaussian_models import A, C, T, flat, linear, squared_norm

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import VAE, Diffusion
from pushforward.kernels import Reconstruction, parse
from pushforward.measure import Grid
from pushforward.trajectories import Trajectories

D = 3
W = np.random.default_rng(1).normal(size=(T * C, D))
SIGMA = 0.6
SMALL = {"steps": 15, "batch_size": 16, "latent": 4, "width": 8, "widest": 8, "blocks": 1, "device": "cpu"}
# Probabilistic PCA (Tipping and Bishop 1999): z ~ N(0, I), x = W z + σ ε, whose posterior is linear in x.
COVARIANCE = W @ W.T + SIGMA**2 * np.eye(T * C)
PRECISION = W.T @ W / SIGMA**2 + np.eye(D)
ENCODE = np.linalg.solve(PRECISION, W.T) / SIGMA**2
POSTERIOR = np.linalg.inv(PRECISION)
# In the basis in which the posterior is diagonal, as a VAE's is.
SPREAD, TURN = np.linalg.eigh(POSTERIOR)


def tracks_of(n, seed=0):
    drawn = np.random.default_rng(seed).multivariate_normal(np.zeros(T * C), COVARIANCE, size=n)
    return Trajectories(drawn.reshape(n, T, C))


def exact(shrunk=1.0, **settings):
    def encode(x):
        return x.reshape(len(x), -1) @ ENCODE.T @ TURN, np.sqrt(SPREAD)

    def decode(z):
        return shrunk * (z @ TURN.T @ W.T).reshape(len(z), T, C)

    return Reconstruction.from_pair(encode, decode, SIGMA, **settings)


def law(scale, shrunk, prior):
    """Covariance of x' for a scale s, a decoder that shrinks and a code drawn towards the prior."""
    code = ENCODE @ COVARIANCE @ ENCODE.T + scale**2 * POSTERIOR
    code = (1 - prior**2) * code + prior**2 * np.eye(D)
    return shrunk**2 * W @ code @ W.T + (scale * SIGMA) ** 2 * np.eye(T * C)


@pytest.mark.parametrize(
    ("scale", "shrunk", "prior"), [(1.0, 1.0, 0.0), (1.0, 1.0, 0.7), (0.3, 1.0, 0.0), (1.0, 0.8, 0.5)]
)
def test_linear_encoders_and_decoders_have_the_closed_form(scale, shrunk, prior):
    """q = a·x is normal and E‖x‖² a trace; with the exact posterior at s = 1 the law stays, whatever p is."""
    tracks = tracks_of(20_000)
    kernel = exact(shrunk, scale=scale, prior=prior)
    covariance = law(scale, shrunk, prior)
    ahead = pf.forecast(kernel, tracks, linear(), grid=Grid(-15, 15, 24))
    predicted = stats.norm(0, np.sqrt(A @ covariance @ A))
    masses = np.diff(predicted.cdf(np.concatenate([[-np.inf], ahead.grid.edges, [np.inf]])))
    large = masses * len(tracks) >= 5
    size = (np.square(ahead.mass - masses) * len(tracks) / masses)[large]
    assert stats.chi2.sf(size.sum(), large.sum() - 1) > 1e-4
    wanted = np.trace(covariance - COVARIANCE)
    shift = pf.forecast(kernel, tracks, squared_norm()).mean_shift
    assert shift.low <= wanted <= shift.high
    assert (abs(wanted) < 1e-9) == (scale == shrunk == 1)


def test_without_noise_it_is_the_projection_and_at_zero_nothing_moves():
    tracks = tracks_of(50)
    moved = exact(scale=1e-9).deviate(tracks, np.random.default_rng(0))
    np.testing.assert_allclose(flat(moved), flat(tracks) @ ENCODE.T @ W.T, atol=1e-5)
    still = exact(scale=0.0, prior=1.0).deviate(tracks, np.random.default_rng(0))
    np.testing.assert_array_equal(still.values, tracks.values)
    quiet = exact(scale=1.0, decoder_noise=False).deviate(tracks, np.random.default_rng(0))
    assert np.linalg.matrix_rank(flat(quiet), tol=1e-3) == D


@pytest.mark.parametrize("ragged", [False, True])
def test_a_trained_vae_deviates_by_its_own_encoder_and_decoder(tmp_path, ragged):
    rng = np.random.default_rng(0)
    values = 100 + np.cumsum(rng.normal(0, 1, (60, 9, 2)), axis=1)
    tracks = Trajectories(values, lengths=rng.integers(4, 10, 60) if ragged else None)
    model = VAE(**SMALL).fit(tracks, seed=1)
    model.save(tmp_path / "run")
    kernel = parse(f"reconstruction(run='{tmp_path / 'run'}', scale=1e-9)")
    moved = kernel.deviate(tracks, np.random.default_rng(1))
    lengths = tracks.steps if ragged else None
    expected = model.decode(model.encode(tracks)[0], lengths)
    np.testing.assert_allclose(moved.values, expected.values, atol=1e-3)
    np.testing.assert_array_equal(moved.steps, tracks.steps)
    noisy = kernel.with_scale(1.0).deviate(tracks, np.random.default_rng(1)).values
    assert np.abs(noisy - moved.values).max() > 0.1


def test_the_whole_prior_is_the_models_own_law():
    tracks = Trajectories(np.cumsum(np.random.default_rng(0).normal(0, 1, (800, 9, 1)), axis=1))
    model = VAE(**SMALL).fit(tracks, seed=1)
    moved = Reconstruction(prior=1.0, generator=model).deviate(tracks, np.random.default_rng(1)).values
    made = model.sample(800, seed=2).values
    for t in (0, 4, 8):
        assert stats.ks_2samp(moved[:, t, 0], made[:, t, 0]).pvalue > 1e-4


def test_what_does_not_fit_is_refused():
    tracks, rng = tracks_of(8), np.random.default_rng(0)
    with pytest.raises(InputError, match="'prior': got 2"):
        exact(prior=2)
    with pytest.raises(InputError, match="expected two functions"):
        Reconstruction.from_pair(1, 2)
    with pytest.raises(InputError, match="decoder_sigma"):
        Reconstruction.from_pair(len, len, decoder_sigma=-1)
    with pytest.raises(InputError, match=r"the encoder gave shape \(8, 4, 2\)"):
        Reconstruction.from_pair(lambda x: x, lambda z: z).deviate(tracks, rng)
    with pytest.raises(InputError, match=r"the decoder gave shape \(8, 8\)"):
        Reconstruction.from_pair(flat_array, lambda z: z).deviate(tracks, rng)
    with pytest.raises(InputError, match="NaN or infinity"):
        Reconstruction.from_pair(flat_array, lambda z: np.full((8, T, C), np.nan)).deviate(tracks, rng)
    with pytest.raises(InputError, match="expected one that feeds reconstruction"):
        Reconstruction(generator=Diffusion())
    with pytest.raises(InputError, match="has no trained generator"):
        Reconstruction().deviate(tracks, rng)


def flat_array(x):
    return x.reshape(len(x), -1)
