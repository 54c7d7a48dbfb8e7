"""A training state as named tensors and back, checked against the shapes that the settings imply."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pushforward.errors import require
from pushforward.generators.networks.layers import initialize
from pushforward.generators.settings import TrainingSettings
from pushforward.generators.training import Best, TrainingState

__all__ = ["build", "chosen_network", "largest_file", "resume_state", "skeleton", "tensors_of"]

_INITIAL_STREAM = 0
_COPIES = ("average", "best", "weights", "first_moment", "second_moment")
_LARGEST_HEADER = 2**20
_Network = TypeVar("_Network", bound=nn.Module)


def build(make: Callable[[], _Network], seed: int) -> _Network:
    """A network with random weights from `seed` alone; no global random state is touched."""
    with torch.random.fork_rng(devices=[]):
        network = make()
    initialize(network, np.random.default_rng([seed, _INITIAL_STREAM]))
    return network


def skeleton(make: Callable[[], _Network]) -> _Network:
    """The network's shapes, without memory."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return make()


def largest_file(shapes: nn.Module, n_law: int) -> int:
    """The most bytes that the tensors of such a model, and `n_law` numbers of its law, can take on disk."""
    n_parameters = sum(parameter.numel() for parameter in shapes.parameters())
    return len(_COPIES) * 4 * n_parameters + 8 * n_law + _LARGEST_HEADER


def tensors_of(chosen: nn.Module, state: TrainingState | None = None) -> dict[str, Tensor]:
    """The weights that make samples; with a training state also all that it takes to go on."""
    if state is None:
        return {f"average.{name}": tensor for name, tensor in chosen.named_parameters()}
    tensors: dict[str, Tensor] = {}
    copies = {"average": state.average, "weights": state.network, "best": state.best.network}
    for copied, network in copies.items():
        if network is not None:
            tensors |= {f"{copied}.{name}": tensor for name, tensor in network.named_parameters()}
    for name, parameter in state.network.named_parameters():
        moments = state.optimizer.state.get(parameter, {})
        tensors[f"first_moment.{name}"] = moments.get("exp_avg", torch.zeros_like(parameter))
        tensors[f"second_moment.{name}"] = moments.get("exp_avg_sq", torch.zeros_like(parameter))
    return tensors


def chosen_network(make: Callable[[], _Network], tensors: Mapping[str, Tensor], where: str) -> _Network:
    """The network that makes samples: of the lowest held-out loss where that was kept, else the average.

    Raises:
        InputError: tensors that are missing, of another shape or dtype, or not finite.
    """
    copied = "best" if any(name.startswith("best.") for name in tensors) else "average"
    # Before any memory is taken: the settings of a file may ask for any size.
    for name, parameter in skeleton(make).named_parameters():
        _checked(tensors, f"{copied}.{name}", parameter, where)
    return _fill(build(make, seed=0), tensors, copied, where).requires_grad_(False).eval()


def resume_state(
    network: nn.Module,
    settings: TrainingSettings,
    tensors: Mapping[str, Tensor],
    step: int,
    best: Best,
    where: str,
) -> TrainingState:
    """The training state after `step` steps; `network` is on its device already.

    Raises:
        InputError: as `chosen_network`.
    """
    state = TrainingState.start(_fill(network, tensors, "weights", where), settings)
    _fill(state.average, tensors, "average", where)
    moments = {}
    for i, (name, parameter) in enumerate(state.network.named_parameters()):
        moments[i] = {
            "step": torch.tensor(float(step)),
            "exp_avg": _checked(tensors, f"first_moment.{name}", parameter, where),
            "exp_avg_sq": _checked(tensors, f"second_moment.{name}", parameter, where),
        }
    if step > 0:
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    if settings.patience > 0 and best.step > 0:
        best.network = _fill(copy.deepcopy(state.average), tensors, "best", where)
    state.step, state.best = step, best
    return state


def _fill(network: _Network, tensors: Mapping[str, Tensor], copied: str, where: str) -> _Network:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(_checked(tensors, f"{copied}.{name}", parameter, where))
    return network


def _checked(tensors: Mapping[str, Tensor], name: str, like: Tensor, where: str) -> Tensor:
    require(name in tensors, f"{where}: the tensor {name} is missing")
    tensor = tensors[name]
    require(
        tensor.shape == like.shape and tensor.dtype == torch.float32,
        f"{where}: tensor {name}: got {tensor.dtype} {tuple(tensor.shape)}; expected float32 {tuple(like.shape)}",
    )
    require(
        bool(torch.isfinite(tensor).all()),
        f"{where}: tensor {name}: got NaN or infinity; expected finite numbers",
    )
    return tensor
