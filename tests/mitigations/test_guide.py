"""Guidance: exact where the posterior is known, refused without a gradient, absent where it is not asked for."""

import numpy as np
import pytest
import torch

import pushforward as pf
from pushforward import systems
from pushforward.errors import InputError
from pushforward.generators import MLP, VAE, Diffusion, Flow
from pushforward.generators.adapters import ModuleDenoiser, SampleFunction, VectorField
from pushforward.mitigations import Differentiable, Guide, Mitigated, load, mitigate
from pushforward.quantities import parse
from pushforward.quantities.differentiable import frame_of, gradient_of
from pushforward.representations import parse as representation
from pushforward.representations.torch_decoding import decoded
from pushforward.trajectories import Trajectories

T, C = 5, 2
ONE = np.linspace(0.2, 1.0, T * C)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Normal:
    """N(m, S) and its denoiser E[clean | y = clean + σ noise]."""

    def __init__(self):
        i = np.arange(T * C)
        self.covariance = 0.25 * 0.7 ** np.abs(i[:, None] - i[None, :]) * np.outer(1 + i / 9, 1 + i / 9)
        self.mean = 0.4 * np.sin(i / 3)
        self.values, self.axes = (torch.from_numpy(a) for a in np.linalg.eigh(self.covariance))

    def __call__(self, y, sigma):
        turned = (y.double().flatten(1) - torch.from_numpy(self.mean)) @ self.axes
        gain = self.values / (self.values + sigma.double()[:, None] ** 2)
        return ((turned * gain) @ self.axes.T + torch.from_numpy(self.mean)).reshape(y.shape).to(y.dtype)

    def data(self, n=2000, seed=0):
        drawn = np.random.default_rng(seed).multivariate_normal(self.mean, self.covariance, size=n)
        return Trajectories(drawn.reshape(n, T, C), channels=("x", "y"))

    def given(self, value):
        gain = self.covariance @ ONE / (ONE @ self.covariance @ ONE)
        return self.mean + gain * (value - ONE @ self.mean), self.covariance - np.outer(
            gain, self.covariance @ ONE
        )


def weighted(values):
    return (values.flatten(1) * torch.from_numpy(ONE)).sum(dim=1)


@pytest.fixture(scope="module")
def normal():
    return Normal()


@pytest.fixture(scope="module")
def adapted(normal):
    return ModuleDenoiser(normal, "x0", np.array([0.002, 80.0]), like=normal.data(2))


def test_a_linear_quantity_of_gaussian_data_gives_the_exact_posterior(normal, adapted):
    n, value = 4000, float(ONE @ normal.mean) + 2.0
    made = Guide(weighted).apply(adapted, normal.data()).sample(n, seed=1, condition=value, sampler_steps=40)
    x = made.values.reshape(n, -1).astype(np.float64)
    mean, covariance = normal.given(value)
    scale = np.sqrt(normal.covariance.diagonal())
    assert np.abs((x.mean(axis=0) - mean) / scale).max() < 4.5 / np.sqrt(n) + 0.01
    assert np.abs((np.cov(x.T) - covariance) / np.outer(scale, scale)).max() < 0.09
    assert (x @ ONE).std() < 0.02 * np.sqrt(ONE @ normal.covariance @ ONE)


def test_each_trajectory_is_steered_to_its_own_draw_of_the_intended_law(normal, adapted):
    law = "uniform(1, 4)"
    model = Guide(weighted, law).apply(adapted, normal.data())
    made = model.sample(600, seed=3, sampler_steps=40)
    asked = made.conditions["weighted"]
    assert asked.min() >= 1
    assert asked.max() <= 4
    assert np.abs(made.values.reshape(600, -1) @ ONE - asked).max() < 0.1
    assert model.sample(100, seed=3, sampler_steps=40).equals(
        Trajectories.concat(list(model.sample_batches(100, seed=3, sampler_steps=40)))
    )
    assert (model.sample(100, seed=3, sampler_steps=40).conditions["weighted"] == asked[:100]).all()


def test_the_strength_is_how_far_it_goes(normal, adapted):
    value = float(ONE @ normal.mean) + 3.0
    reached = [
        float(
            (
                Guide(weighted, strength=w)
                .apply(adapted, normal.data())
                .sample(200, seed=0, condition=value)
                .values.reshape(200, -1)
                @ ONE
            ).mean()
        )
        for w in (0.05, 0.3, 1.0)
    ]
    assert float(ONE @ normal.mean) < reached[0] < reached[1] < reached[2] < value + 0.05


@pytest.fixture(scope="module")
def paths():
    rng = np.random.default_rng(0)
    speed = rng.uniform(0.5, 1.5, (400, 1))
    heading = rng.uniform(0, 6, (400, 1)) + np.cumsum(rng.normal(0, 0.2, (400, 7)), axis=1)
    steps = np.stack([speed * np.cos(heading), speed * np.sin(heading)], axis=2)
    values = np.concatenate([np.zeros((400, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    return Trajectories(values, channels=("x", "y"), units=("m", "m"))


SMALL = {"steps": 60, "batch_size": 64}
CLASSES = {
    "mlp": lambda: MLP(**SMALL, width=32),
    "diffusion": lambda: Diffusion(**SMALL, widths=(8,), blocks=1, kernel=3),
    "flow": lambda: Flow(**SMALL, widths=(8,), blocks=1, kernel=3),
}


@pytest.fixture(scope="module", params=CLASSES)
def trained(request, paths):
    return CLASSES[request.param]().fit(paths, seed=0)


def test_every_class_with_a_denoiser_is_guided_and_unguided_bytes_stay(trained, paths):
    q = parse("path-length")
    before = trained.sample(64, seed=5)
    guided = Guide("path-length").apply(trained, paths)
    made = guided.sample(64, seed=5)
    asked = made.conditions["path-length"]
    assert np.abs(q(made) - asked).mean() < 0.5 * np.abs(q(before) - asked).mean()
    assert trained.sample(64, seed=5).equals(before)
    assert guided.sample(64, seed=5).equals(made)
    assert np.allclose(guided.sample(64, seed=5, batch_size=16).values, made.values, atol=1e-3)


def test_fixed_steps_stay_as_given(trained, paths):
    made = Guide("path-length").apply(trained, paths).sample(8, seed=0, fixed={0: [0.5, -0.5]})
    assert (made.values[:, 0] == np.float32([0.5, -0.5])).all()


def test_a_guide_sees_what_codes_decode_to(paths):
    model = mitigate(MLP(**SMALL, width=32), ["represent(increments)", Guide("path-length")])
    made = model.fit(paths, seed=0).sample(64, seed=1)
    asked = made.conditions["path-length"]
    free = model.generator.sample(64, seed=1)
    unguided = parse("path-length")(model.mitigations[0].psi.decode(free))
    assert np.abs(parse("path-length")(made) - asked).mean() < 0.5 * np.abs(unguided - asked).mean()


def test_a_guided_run_is_saved_and_loaded(paths, tmp_path):
    model = mitigate(MLP(**SMALL, width=16), "guide(path-length, strength=0.5)")
    made = model.fit(paths, seed=0, checkpoint=tmp_path).sample(20, seed=1)
    again = load(tmp_path)
    assert isinstance(again, Mitigated)
    assert again.sample(20, seed=1).equals(made)


def test_an_adapter_is_guided_by_this_librarys_samplers_not_by_its_own(normal):
    def field(t, z):
        late = t.double().clamp(1e-6, 1 - 1e-6)
        share = late[:, None, None]
        clean = normal(z.double() / share, (1 - late) / late)
        return ((clean - z) / (1 - share)).to(z.dtype)

    model = VectorField(field, like=normal.data(2))
    guided = Guide(weighted).apply(model, normal.data())
    made = guided.sample(50, seed=0, condition=2.0)
    assert np.abs(made.values.reshape(50, -1) @ ONE - 2).max() < 0.1
    assert len(model.sample(2, sampler="ode")) == 2
    with pytest.raises(InputError, match="unknown sampler 'ode'"):
        guided.sample(2, sampler="ode")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda p: Guide("max-speed").apply(MLP(), None).fit(p),
            "max-speed is a non-differentiable quantity",
        ),
        (
            lambda p: Guide(pf.Quantity(len, name="q")).apply(MLP()).fit(p),
            "q is a non-differentiable quantity",
        ),
        (lambda p: Guide("path-length").apply(VAE()), "vae has no denoiser to be guided through"),
        (lambda p: Guide("path-length").apply(MLP(kind="one-step")), "mlp has no denoiser"),
        (
            lambda p: Guide("path-length").apply(SampleFunction(lambda n, seed: p.values[:n])),
            "has no denoiser",
        ),
        (lambda p: Guide("path-length", strength=0), "strength = 0; expected above 0"),
        (
            lambda p: (
                mitigate(MLP(steps=2, width=8), ["represent(whitened)", "guide(path-length)"])
                .fit(p)
                .sample(2)
            ),
            "codes of whitened are decoded without a gradient",
        ),
        (
            lambda p: (
                mitigate(MLP(steps=2, width=8), ["select(path-length)", "guide(path-length)"])
                .fit(p)
                .sample(2)
            ),
            "nearer to the network",
        ),
        (
            lambda p: mitigate(MLP(steps=2, width=8), "guide(path-length)").sample(2),
            "'guide': is not fitted",
        ),
        (lambda p: Guide(lambda x: x).apply(MLP()).fit(p), "expected a tensor of shape"),
    ],
)
def test_what_cannot_be_guided_is_refused_in_one_line(paths, made, said):
    with pytest.raises(InputError, match=said) as error:
        made(paths)
    assert "\n" not in str(error.value)


def ragged(channels, units, C, seed=0, low=0.1, high=0.9):
    rng = np.random.default_rng(seed)
    return Trajectories(
        rng.uniform(low, high, (12, 9, C)),
        dt=0.5,
        channels=channels,
        units=units,
        lengths=rng.integers(4, 10, 12),
    )


QUANTITIES = {
    "path-length": (("x", "y"), ("m", "m")),
    "path-length(unit=km)": (("latitude", "longitude"), ("deg", "deg")),
    "displacement": (("latitude", "longitude"), ("deg", "deg")),
    "displacement(unit=km)": (("x", "y"), ("m", "m")),
    "mean-speed": (("x", "y", "other"), ("m", "m", "")),
    "mean-acceleration(unit=km/s²)": (("x", "y"), ("m", "m")),
    "kinetic-energy(mass=3)": (("x", "y"), ("km", "km")),
    "kinetic-energy": (("x", "vx", "vy"), ("m", "km/h", "km/h")),
    "mechanical-energy(masses=(1.0,2.0))": (
        ("sin_theta1", "cos_theta1", "sin_theta2", "cos_theta2", "omega1", "omega2"),
        ("", "", "", "", "rad/s", "rad/s"),
    ),
    "logistic-map-r": (("x",), ("",)),
    "cone-half-angle(unit=deg, apex=(0.1,0.9,0.5))": (("x", "y", "z"), ("m", "m", "m")),
}


@pytest.mark.parametrize("text", QUANTITIES)
def test_torch_quantities_are_the_registered_ones(text):
    channels, units = QUANTITIES[text]
    data = ragged(channels, units, len(channels))
    values = torch.from_numpy(data.values.astype(np.float64)).requires_grad_()
    made = gradient_of(parse(text), frame_of(data), "test")(values, torch.tensor(data.steps))
    assert made.detach().numpy() == pytest.approx(parse(text)(data), rel=1e-6)
    (slope,) = torch.autograd.grad(made.sum(), values)
    assert torch.isfinite(slope).all()
    behind = torch.arange(9)[None, :] >= torch.tensor(data.steps)[:, None]
    assert (slope[behind] == 0).all()


def test_gradients_are_finite_where_points_coincide():
    still = Trajectories(np.ones((3, 4, 2)), channels=("latitude", "longitude"), units=("deg", "deg"))
    for text in ("path-length", "displacement"):
        values = torch.ones(3, 4, 2, dtype=torch.float64, requires_grad=True)
        made = gradient_of(parse(text), frame_of(still), "test")(values, None)
        assert torch.isfinite(torch.autograd.grad(made.sum(), values)[0]).all()


@pytest.mark.parametrize(
    "text",
    [
        *("identity", "increments", "increments + increments", "map-parameter", "gaussianized"),
        "gaussianized(channels=[x]) + increments",
    ],
)
def test_torch_decodings_are_the_registered_ones(text):
    data = systems.create("logistic-map").sample(30, pf.Intended.uniform(3.5, 4).law, T=9, seed=1)
    psi = representation(text).fitted(data)
    codes = psi.encode(data)
    moved = codes.with_values(codes.values - np.where(np.arange(9)[:, None] == 0, 0.4, 0.0))
    for some in (codes, moved):
        made = decoded(psi, torch.from_numpy(some.values.astype(np.float64))).numpy()
        assert made == pytest.approx(psi.decode(some).values, abs=1e-6)


def test_a_torch_function_is_a_quantity(normal):
    data = normal.data(50)
    q = Differentiable(weighted, unit="m")
    assert q(data) == pytest.approx(data.values.reshape(50, -1) @ ONE, abs=1e-5)
    assert q.unit_of(data) == "m"
    with pytest.raises(InputError, match="failed: AttributeError"):
        Differentiable(lambda x: x.nothing, name="bad")(data)
