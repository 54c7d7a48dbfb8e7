"""Other people's networks: whatever they do wrong is one line, and nothing of theirs is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pushforward.errors import InputError
from pushforward.generators.adapters import ModuleDenoiser, VectorField
from pushforward.trajectories import Trajectories

LIKE = Trajectories(np.zeros((1, 4, 2)))
SCHEDULE = (np.sqrt(1 - np.linspace(0.01, 0.99, 20)), np.sqrt(np.linspace(0.01, 0.99, 20)))


class Answering(nn.Module):
    """Returns what `answer` makes of the input."""

    def __init__(self, answer: Callable[[Tensor], Any], dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), dtype=dtype))
        self.dropout = nn.Dropout(0.5)
        self.answer = answer

    def forward(self, z: Tensor, t: Tensor) -> Any:
        return self.answer(self.dropout(z * self.weight))


def adapter(answer: Callable[[Tensor], Any], **settings: Any) -> ModuleDenoiser:
    return ModuleDenoiser(Answering(answer), "x0", SCHEDULE, LIKE, **settings)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda z: z[:, :3], r"the network returned shape \(5, 3, 2\) for \(5, 4, 2\); expected the same"),
        (lambda z: z.transpose(1, 2), r"returned shape \(5, 2, 4\) for \(5, 4, 2\)"),
        (lambda z: z[0], r"returned shape \(4, 2\)"),
        (lambda z: torch.full_like(z, float("nan")), "returned NaN or infinity for 5 of 5 trajectories"),
        (lambda z: z / 0, "returned NaN or infinity for 5 of 5 trajectories"),
        (lambda z: torch.empty_like(z, device="meta"), "returned a tensor on meta; expected cpu"),
        (lambda z: z.long(), r"returned torch\.int64; expected real floating-point numbers"),
        (lambda z: z.to(torch.complex64), "expected real floating-point numbers"),
        (lambda z: z.detach().numpy(), "returned ndarray; expected a tensor"),
        (lambda z: (), "returned tuple; expected a tensor"),
        (lambda z: None, "returned NoneType; expected a tensor"),
        (
            lambda z: torch.autograd.grad(z.sum(), z),
            r"raised RuntimeError for input \(5, 4, 2\): element 0 of tensors",
        ),
        (lambda z: z @ torch.zeros(3, 3), r"raised RuntimeError for input \(5, 4, 2\): mat"),
    ],
)
def test_wrong_answers_are_one_line(answer: Callable[[Tensor], Any], message: str) -> None:
    for made in (
        lambda: adapter(answer).sample(5),
        lambda: adapter(answer).denoiser(torch.zeros(5, 4, 2), 1.0),
    ):
        with pytest.raises(InputError, match=message) as caught:
            made()
        assert str(caught.value).startswith("module-denoiser: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrap", [lambda z: (z, 1), lambda z: [z], lambda z: type("Output", (), {"sample": z})()]
)
def test_tensors_in_their_usual_wrappings_are_taken(wrap: Callable[[Tensor], Any]) -> None:
    bare = adapter(lambda z: 0.5 * z).sample(3, seed=1)
    assert adapter(lambda z: wrap(0.5 * z)).sample(3, seed=1).equals(bare)


def test_gradients_and_dropout_are_off_and_the_module_is_as_before() -> None:
    network = Answering(lambda z: 0.5 * z).train()
    network.dropout.eval()
    x = torch.ones(2, 4, 2, requires_grad=True)
    network.dropout.train()
    made = ModuleDenoiser(network, "x0", SCHEDULE, LIKE).denoiser(x, 1.0)
    assert not made.requires_grad
    assert network.weight.grad is None
    assert all(part.training for part in network.modules())
    # Dropout would have made zeros.
    assert bool((made != 0).all())


def test_the_module_is_as_before_also_after_an_error() -> None:
    network = Answering(lambda z: None).train()
    with pytest.raises(InputError):
        ModuleDenoiser(network, "x0", SCHEDULE, LIKE).sample(2)
    assert all(part.training for part in network.modules())


def test_a_network_that_differentiates_inside_may() -> None:
    """The score of an energy: it turns gradients on itself."""

    def score(z: Tensor) -> Tensor:
        with torch.enable_grad():
            point = z.detach().requires_grad_()
            return torch.autograd.grad(point.square().sum() / 4, point)[0]

    assert adapter(score).sample(2, seed=1).equals(adapter(lambda z: z / 2).sample(2, seed=1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_input_comes_in_the_precision_of_the_weights(dtype: torch.dtype) -> None:
    seen: list[torch.dtype] = []

    def answer(z: Tensor) -> Tensor:
        seen.append(z.dtype)
        return z / 2

    network = Answering(answer, dtype).to(dtype)
    made = ModuleDenoiser(network, "x0", SCHEDULE, LIKE).denoiser(torch.ones(2, 4, 2), 1.0)
    assert set(seen) == {dtype}
    assert made.dtype == torch.float32


@pytest.mark.parametrize("times", ["long", "float"])
def test_time_comes_as_the_network_wants_it(times: str) -> None:
    seen: list[Tensor] = []

    def network(z: Tensor, t: Tensor) -> Tensor:
        seen.append(t)
        return z / 2

    ModuleDenoiser(network, "x0", SCHEDULE, LIKE, times=times).sample(3, sampler_steps=5)
    assert all(t.shape == (3,) for t in seen)
    assert {t.dtype for t in seen} == {torch.long if times == "long" else torch.float32}
    assert int(seen[0][0]) == 19


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"parametrisation": "score"}, "unknown parametrisation 'score'"),
            ({"parametrisation": "edm"}, "'edm' takes EDM's noise levels, one array"),
            ({"layout": "tbc"}, "unknown layout 'tbc'"),
            ({"times": "int"}, "unknown times 'int'"),
            ({"clip": -1.0}, "clip: got -1.0"),
            ({"sigma_data": 0.0}, "sigma_data: got 0.0"),
            ({"batch_size": 0}, "batch_size: got 0"),
            ({"mean": [1.0, 2.0, 3.0]}, r"mean: got shape \(3,\); expected a number or \(2,\)"),
            ({"scale": 0.0}, "scale: got 0; expected positive numbers"),
            ({"scale": float("nan")}, "scale: got NaN or infinity"),
            ({"like": None}, "got neither like= nor T= and C="),
            ({"schedule": "cosine"}, "schedule: expected"),
            ({"schedule": [1.0]}, "at least two different positive numbers"),
            ({"schedule": [1.0, -2.0]}, "positive numbers"),
            ({"schedule": ([1.0, 0.5], [0.1])}, r"got shapes \(2,\), \(1,\), \(2,\)"),
            ({"schedule": ([1.0, 0.5, 0.9], [0.1, 0.5, 0.2])}, "neither rise nor fall throughout"),
            ({"schedule": ([1.0, -0.5], [0.1, 0.5])}, "negative or infinite alpha or sigma"),
        ],
    )
    def test_settings_that_cannot_work(self, settings: dict[str, Any], message: str) -> None:
        base = {"module": nn.Identity(), "parametrisation": "x0", "schedule": SCHEDULE, "like": LIKE}
        with pytest.raises(InputError, match=message):
            ModuleDenoiser(**{**base, **settings})

    @pytest.mark.parametrize(
        ("settings", "message"),
        [({"order": "yx"}, "unknown order 'yx'"), ({"noise_at": 2}, "noise_at: got 2; expected 0 or 1")],
    )
    def test_fields_that_cannot_work(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            VectorField(lambda t, z: z, LIKE, **settings)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"sampler": "scheduler"}, "unknown sampler 'scheduler'"),
            ({"sampler_steps": 1}, "sampler_steps: got 1; expected 2 to 100,000"),
            ({"churn": 1.0}, "unknown sampling setting of module-denoiser 'churn'"),
        ],
    )
    def test_sampling_that_cannot_work(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            adapter(lambda z: z / 2).sample(3, **settings)


@pytest.mark.gpu
def test_a_network_on_a_gpu_is_asked_there_and_answers_here() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    network = Answering(lambda z: z / 2).cuda()
    made = ModuleDenoiser(network, "x0", SCHEDULE, LIKE).sample(5, seed=1)
    assert np.allclose(made.values, adapter(lambda z: z / 2).sample(5, seed=1).values, atol=1e-4)
