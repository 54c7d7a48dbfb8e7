"""A training state as named tensors and back, checked against the shapes that the settings imply."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.edm import Denoiser
from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.unet1d import UNet1d
from pushforward.generators.settings import DiffusionSettings
from pushforward.generators.training import TrainingState

__all__ = ["build", "largest_file", "load_average", "resume_state", "tensors_of"]

_INITIAL_STREAM = 0
_COPIES = ("average", "weights", "first_moment", "second_moment")
_LARGEST_HEADER = 2**20


def build(settings: DiffusionSettings, n_channels: int, seed: int) -> Denoiser:
    """A denoiser with random weights from `seed` alone; no global random state is touched."""
    denoiser = _skeleton(settings, n_channels).to_empty(device="cpu")
    initialize(denoiser, np.random.default_rng([seed, _INITIAL_STREAM]))
    return denoiser


def largest_file(settings: DiffusionSettings, n_channels: int) -> int:
    """The most bytes that the tensors of such a model can take on disk."""
    n_parameters = sum(parameter.numel() for parameter in _skeleton(settings, n_channels).parameters())
    return len(_COPIES) * 4 * n_parameters + _LARGEST_HEADER


def tensors_of(average: Denoiser, state: TrainingState | None = None) -> dict[str, Tensor]:
    """The averaged weights; with a training state also its weights and AdamW's moments."""
    tensors: dict[str, Tensor] = {f"average.{name}": tensor for name, tensor in average.named_parameters()}
    if state is not None:
        for name, parameter in state.denoiser.named_parameters():
            moments = state.optimizer.state.get(parameter, {})
            tensors[f"weights.{name}"] = parameter
            tensors[f"first_moment.{name}"] = moments.get("exp_avg", torch.zeros_like(parameter))
            tensors[f"second_moment.{name}"] = moments.get("exp_avg_sq", torch.zeros_like(parameter))
    return tensors


def load_average(denoiser: Denoiser, tensors: Mapping[str, Tensor], where: str) -> Denoiser:
    """Put the averaged weights into `denoiser`.

    Raises:
        InputError: tensors that are missing, of another shape or dtype, or not finite.
    """
    return _fill(denoiser, tensors, "average", where)


def resume_state(
    denoiser: Denoiser, settings: DiffusionSettings, tensors: Mapping[str, Tensor], step: int, where: str
) -> TrainingState:
    """The training state after `step` steps; `denoiser` is on its device already.

    Raises:
        InputError: as `load_average`.
    """
    state = TrainingState.start(_fill(denoiser, tensors, "weights", where), settings)
    _fill(state.average, tensors, "average", where)
    moments = {}
    for i, (name, parameter) in enumerate(state.denoiser.named_parameters()):
        moments[i] = {
            "step": torch.tensor(float(step)),
            "exp_avg": _checked(tensors, f"first_moment.{name}", parameter, where),
            "exp_avg_sq": _checked(tensors, f"second_moment.{name}", parameter, where),
        }
    if step > 0:
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    state.step = step
    return state


def _skeleton(settings: DiffusionSettings, n_channels: int) -> Denoiser:
    """The denoiser's shapes, without memory."""
    with torch.device("meta"):
        return Denoiser(UNet1d(n_channels, settings.widths, settings.blocks, settings.kernel))


def _fill(denoiser: Denoiser, tensors: Mapping[str, Tensor], copy: str, where: str) -> Denoiser:
    with torch.no_grad():
        for name, parameter in denoiser.named_parameters():
            parameter.copy_(_checked(tensors, f"{copy}.{name}", parameter, where))
    return denoiser


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
