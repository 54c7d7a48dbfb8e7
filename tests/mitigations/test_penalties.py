"""Penalties in training: exact on maps whose Jacobian, norm or law is known; the network stays an ordinary one."""

import numpy as np
import pytest
import torch
from torch import nn

import pushforward as pf
from pushforward import generators
from pushforward.errors import InputError
from pushforward.generators import MLP, VAE, Diffusion, Flow, Transformer
from pushforward.generators.adapters import SampleFunction
from pushforward.generators.batches import Batch
from pushforward.generators.description import Description
from pushforward.generators.edm import Denoiser
from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.mlp_rollout import RolloutMLP
from pushforward.generators.penalised import Penalised, Seen
from pushforward.generators.penalties import (
    JacobianPenalty,
    MatchPenalty,
    SpectralPenalty,
    spectral_norm,
    spectral_norms,
)
from pushforward.mitigations import Differentiable, Jacobian, Match, SpectralNorm, load, mitigate, parse
from pushforward.trajectories import Trajectories

T, C = 4, 2


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Linear(Denoiser):
    """D(y; σ) = A y + b over all T C values."""

    def __init__(self, A, b=0.0):
        nn.Module.__init__(self)
        self.A, self.b = torch.as_tensor(A, dtype=torch.float32), b

    def forward(self, x, sigma, lengths=None, condition=None):
        return (x.flatten(1) @ self.A.T).reshape(x.shape) + self.b


def seen(network, n=2000, sigma=0.0, model=None, seed=0):
    rng = np.random.default_rng(seed)
    clean, noise, probe = (
        torch.from_numpy(rng.normal(0, s, (n, T, C)).astype(np.float32)) for s in (0.5, 1, 1)
    )
    batch = Batch(clean, None, None, (noise, torch.full((n,), sigma)), torch.tensor(0.5))
    about = Description.of(Trajectories(clean.numpy()))
    return Seen(model or MLP(), network, batch, about, probe)


def test_the_jacobian_penalty_of_a_linear_map_is_its_frobenius_norm():
    A = np.random.default_rng(1).normal(size=(T * C, T * C)) / 3
    for sigma in (0.01, 5.0):
        term = float(JacobianPenalty(2.0)(seen(Linear(A), 20_000, sigma)))
        assert term == pytest.approx(2 * (A**2).sum() / (T * C), rel=0.02)


def test_the_jacobian_penalty_of_a_step_is_that_of_the_predicted_mean():
    network = RolloutMLP(T, C, 2, 1, 16, 1, 2, -7.0)
    initialize(network, np.random.default_rng(0))
    with torch.no_grad():
        network.step.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
        network.statistics.increment.fill_(0.7)
    case = seen(network, 2, model=MLP(kind="one-step"))
    x = case.batch.clean[:1]
    J = torch.autograd.functional.jacobian(lambda x: network.predicted(x), x)
    exact = float(J.square().sum()) / ((T - 1) * C)
    many = case.batch._replace(clean=x.expand(6000, T, C))
    probe = torch.from_numpy(np.random.default_rng(3).normal(size=(6000, T, C)).astype(np.float32))
    with torch.no_grad():
        term = float(JacobianPenalty(1.0)(Seen(case.model, network, many, case.about, probe)))
    assert term == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("shape", [(5, 9), (40, 30), (1, 7), (64, 3)])
def test_the_spectral_norm_is_the_largest_singular_value(shape):
    W = torch.from_numpy(np.random.default_rng(2).normal(size=shape)).float().requires_grad_()
    norm = spectral_norm(W)
    exact = np.linalg.svd(W.detach().numpy())
    assert float(norm.detach()) == pytest.approx(exact[1][0], rel=2e-3)
    assert float(norm.detach()) <= exact[1][0] * (1 + 1e-5)
    norm.backward()
    if exact[1][0] > 1.2 * exact[1][min(1, len(exact[1]) - 1)] or len(exact[1]) == 1:
        assert W.grad.numpy() == pytest.approx(np.outer(exact[0][:, 0], exact[2][0]), abs=0.02)


def test_the_spectral_penalty_counts_what_exceeds_the_limit():
    network = nn.Sequential(nn.Linear(3, 3), nn.Conv1d(2, 2, 3), nn.Linear(3, 3))
    with torch.no_grad():
        network[0].weight.copy_(torch.diag(torch.tensor([3.0, 1.0, 0.5])))
        network[1].weight.zero_()
        network[2].weight.copy_(torch.eye(3))
    case = seen(network)
    assert float(SpectralPenalty(1.0, 0.5)(case).detach()) == pytest.approx(0.5 * (3 - 1) ** 2, rel=1e-4)
    assert [float(s.detach()) for s in spectral_norms(network).values()] == pytest.approx([3, 0, 1], abs=1e-4)


def end(values):
    return values[:, -1, 0]


def test_the_match_penalty_is_zero_for_equal_laws_and_the_squared_distance_otherwise():
    phi = Differentiable(end).called
    penalty = MatchPenalty(lambda values, steps: phi(values), 1.0, 0.4)
    one = np.eye(T * C)
    assert float(penalty(seen(Linear(one)))) == 0
    turned = -one  # the law of a symmetric quantity stays nearly the same, though no trajectory does
    assert float(penalty(seen(Linear(turned)))) < 0.01
    shift = 0.3
    std = float(seen(Linear(one)).batch.clean[:, -1, 0].std(correction=0))
    assert float(penalty(seen(Linear(one, shift)))) == pytest.approx((shift / std) ** 2, rel=1e-4)
    assert float(penalty(seen(Linear(0.5 * one)))) == pytest.approx(0.25, abs=0.02)
    assert float(penalty(seen(Linear(one, shift), sigma=0.3))) == 0  # above the level


def test_the_match_penalty_takes_a_stated_law():
    wanted = pf.Intended.parse("normal(2, 1)")
    levels = (np.arange(4096) + 0.5) / 4096
    table = np.array([wanted.quantile(float(level)) for level in levels])
    penalty = MatchPenalty(lambda values, steps: end(values), 1.0, 0.4, table)
    case = seen(Linear(np.eye(T * C)))
    q = end(case.batch.clean)
    # W₂² of normal(m, s²) and normal(2, 1) is (m − 2)² + (s − 1)².
    exact = (float(q.mean()) - 2) ** 2 + (float(q.std()) - 1) ** 2
    assert float(penalty(case)) == pytest.approx(exact / float(q.var()), rel=0.03)


@pytest.fixture(scope="module")
def paths():
    rng = np.random.default_rng(0)
    steps = rng.uniform(0.5, 1.5, (300, 7, 1)) * np.stack(
        [np.cos(a := rng.uniform(0, 6, (300, 1)) + rng.normal(0, 0.3, (300, 7))), np.sin(a)], axis=2
    )
    values = np.concatenate([np.zeros((300, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    return Trajectories(
        values, channels=("x", "y"), units=("m", "m"), lengths=np.where(rng.random(300) < 0.3, 6, 8)
    )


SMALL = {"steps": 30, "batch_size": 32}
CLASSES = {
    "mlp": lambda: MLP(**SMALL, width=16),
    "one-step": lambda: MLP(**SMALL, width=16, kind="one-step"),
    "diffusion": lambda: Diffusion(**SMALL, widths=(8,), blocks=1, kernel=3),
    "flow": lambda: Flow(**SMALL, widths=(8,), blocks=1, kernel=3),
}
APPLY = {
    "jacobian": ("mlp", "one-step", "diffusion", "flow"),
    "spectral-norm(0.5)": ("one-step", "diffusion"),
    "match(path-length)": ("mlp", "diffusion", "flow"),
}


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for text, kinds in APPLY.items() for kind in kinds])
def test_a_penalised_training_leaves_an_ordinary_model(paths, text, kind, tmp_path):
    plain = CLASSES[kind]()
    model = mitigate(plain, text).fit(paths, seed=0, checkpoint=tmp_path)
    made = model.sample(20, seed=1)
    assert plain.sample(20, seed=1).equals(made)
    assert model.generator is plain
    again = generators.load(tmp_path)
    assert type(again) is type(plain)
    assert again.sample(20, seed=1).equals(made)
    assert not CLASSES[kind]().fit(paths, seed=0).sample(20, seed=1).equals(made)
    assert load(tmp_path).sample(20, seed=1).equals(made)


def test_resuming_and_fitting_again_are_the_same_training(paths, tmp_path):
    both = ["jacobian(0.1)", "match(path-length, strength=0.5)", "spectral-norm(0.8)"]
    model = mitigate(CLASSES["mlp"](), both).fit(paths, seed=0)
    made = model.sample(20, seed=0)
    assert model.fit(paths, seed=0).sample(20, seed=0).equals(made)
    assert type(model.generator) is MLP

    def stop(done, total, note=""):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mitigate(CLASSES["mlp"](), both).fit(paths, seed=0, checkpoint=tmp_path, progress=stop)
    resumed = mitigate(CLASSES["mlp"](), both).fit(paths, seed=0, checkpoint=tmp_path, resume=True)
    assert resumed.sample(20, seed=0).equals(made)


def test_a_held_out_loss_and_a_condition_go_with_penalties(paths):
    model = MLP(**SMALL, width=16, holdout=0.2)
    made = mitigate(model, ["condition(path-length)", "jacobian", "match(mean-speed)"]).fit(paths, seed=0)
    assert made.history[-1].held_out is not None
    assert made.sample(5, seed=0).C == 2


def test_a_match_sees_what_codes_decode_to(paths):
    represent = parse("represent(increments)").fitted(paths)
    learner = represent.learner(Match("path-length").fitted(paths).learner(MLP()))
    assert isinstance(learner, Penalised)
    (penalty,) = learner.penalties
    psi = represent.psi
    codes = torch.tensor(psi.encode(paths).values[:5].astype(np.float64))
    found = penalty.phi(codes, torch.tensor(paths.steps[:5]))
    assert found.numpy() == pytest.approx(pf.quantities.parse("path-length")(paths)[:5], rel=1e-4)


def test_penalties_do_what_they_say(paths):
    free = MLP(steps=150, batch_size=64, width=24).fit(paths, seed=0)
    held = SpectralNorm(1.0, strength=1.0).apply(MLP(steps=150, batch_size=64, width=24)).fit(paths, seed=0)
    largest = [max(float(s) for s in spectral_norms(m.network).values()) for m in (free, held)]
    assert largest[0] > 1.6
    assert largest[1] < 1.25
    damped = Jacobian(5.0).apply(MLP(steps=150, batch_size=64, width=24)).fit(paths, seed=0)
    y = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 8, 2)).astype(np.float32)) * 0.7
    h = 0.01 * torch.from_numpy(np.random.default_rng(1).normal(size=(64, 8, 2)).astype(np.float32))
    sigma = torch.full((64,), 0.5)
    with torch.no_grad():
        sizes = [
            float((m.network(y + h, sigma) - m.network(y - h, sigma)).square().mean()) for m in (free, damped)
        ]
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda p: mitigate(VAE(steps=2), "jacobian").fit(p), "jacobian: vae has no denoiser and no step"),
        (lambda p: mitigate(Transformer(steps=2), "match(path-length)").fit(p), "match: transformer has no"),
        (
            lambda p: mitigate(MLP(steps=2), "match(max-speed)").fit(p),
            "match: max-speed is a non-differentiable",
        ),
        (
            lambda p: mitigate(SampleFunction(lambda n, seed: p.values[:n]), "spectral-norm").fit(p),
            "is not trained here",
        ),
        (
            lambda p: mitigate(MLP(steps=2), ["represent(speed-heading)", "match(path-length)"]).fit(p),
            "decoded without a gradient",
        ),
        (lambda p: Jacobian(0), "strength = 0; expected a positive"),
        (lambda p: SpectralNorm(-1), "limit = -1; expected a positive"),
        (lambda p: Match("path-length", noise=0), "noise = 0; expected a positive"),
        (lambda p: Jacobian().apply(MLP(), p), "acts before or in training"),
    ],
)
def test_what_cannot_be_penalised_is_refused_in_one_line(paths, made, said):
    with pytest.raises(InputError, match=said) as error:
        made(paths)
    assert "\n" not in str(error.value)
