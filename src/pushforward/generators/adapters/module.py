"""Any denoising network whose parametrisation and noise schedule its user can state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack, final

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from pushforward.errors import InputError, named, require
from pushforward.generators.adapters.denoiser import Scaling
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.adapters.guarded import GuardedNetwork
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.generators.adapters.schedules import AbstractSchedule, DiscreteSchedule, EdmSchedule
from pushforward.generators.edm import Preconditioning
from pushforward.trajectories import Trajectories

__all__ = ["PARAMETRISATIONS", "ModuleDenoiser", "clean"]

PARAMETRISATIONS = ("x0", "epsilon", "v", "edm")


def clean(parametrisation: str, output: Tensor, z: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """E[z₀ | z] from what a network predicts at z = α z₀ + σ ε, for any α and σ.

    x0: the output itself. epsilon: (z − σ output) / α. v = α ε − σ z₀ (Salimans and Ho 2022, appendix D, where
    α² + σ² = 1): (α z − σ output) / (α² + σ²).
    """
    if parametrisation == "x0":
        return output
    if parametrisation == "epsilon":
        return (z - sigma * output) / alpha
    return (alpha * z - sigma * output) / (alpha.square() + sigma.square())


@final
class ModuleDenoiser(AbstractDenoisingAdapter):
    """Any network that was trained to undo noise: z_t = α_t z₀ + σ_t ε, with z = (x − mean) / scale of the data x.

    Args:
        module: an `nn.Module`, or a callable, called as module(z, t) with t (B,).
        parametrisation: what it returns: "x0" (z₀), "epsilon" (ε), "v" (α_t ε − σ_t z₀), or "edm": the raw network F
            of Karras et al. 2022, D = c_skip z + c_out F(c_in z, ln σ / 4), for `sigma_data`.
        schedule: (alpha, sigma), two arrays over the times 0 … K − 1 that the module is told as integers; or EDM's
            noise levels, one array with the smallest and largest σ, where α = 1 and the module is told σ (with
            "edm": ln σ / 4); or a schedule of `schedules`.
        like: trajectories whose names, units, dt and shape the made ones have.
        layout: "btc", "bct" or "flat": what the module takes and returns.
        times: "long" or "float": type of t; default: long for (alpha, sigma), float for EDM's levels.
        mean: what was taken from the data before training, a number or one per channel.
        scale: what the data was then divided by, likewise.
        sigma_data: EDM's, in the module's units (EDM's own default, 0.5).
        clip: E[z₀ | z] is held within −clip … clip, as many samplers do; None: it is not.
        batch_size: trajectories that go through the module at a time.
        labels: names and units in place of, or beside, `like`; see `LabelKeywords`.

    Raises:
        InputError: an unknown parametrisation or layout, or a schedule that fits no process.
    """

    name: ClassVar[str] = "module-denoiser"
    source: ClassVar[str] = "any denoising network"

    def __init__(
        self,
        module: Callable[..., Any],
        parametrisation: str,
        schedule: AbstractSchedule | tuple[ArrayLike, ArrayLike] | ArrayLike,
        like: Trajectories | None = None,
        *,
        layout: str = "btc",
        times: str | None = None,
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        sigma_data: float = 0.5,
        clip: float | None = None,
        batch_size: int = 1024,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        if parametrisation not in PARAMETRISATIONS:
            raise named("parametrisation", str(parametrisation), PARAMETRISATIONS)
        found = _schedule(schedule)
        edm = parametrisation == "edm"
        require(
            not edm or isinstance(found, EdmSchedule), "schedule: 'edm' takes EDM's noise levels, one array"
        )
        require(sigma_data > 0, f"sigma_data: got {sigma_data}; expected a positive number")
        require(clip is None or clip > 0, f"clip: got {clip}; expected a positive number or None")
        told = times or ("long" if found.discrete else "float")
        if told not in ("long", "float"):
            raise named("times", str(told), ("long", "float"))
        network = GuardedNetwork(module, self.name, layout, times=told)
        scalings = Preconditioning(sigma_data)

        def predict(z: Tensor, alpha: Tensor, sigma: Tensor, t: Tensor) -> Tensor:
            if edm:
                raw = network(scalings.c_in(sigma) * z, scalings.c_noise(t))
                return scalings.c_skip(sigma) * z + scalings.c_out(sigma) * raw
            return clean(parametrisation, network(z, t), z, alpha, sigma)

        known = Labels.of(like, labels)
        scaling = Scaling.of(mean, scale, known.shape(self.name)[1])
        super().__init__(predict, found, scaling, known, batch_size, clip)


def _schedule(given: AbstractSchedule | tuple[ArrayLike, ArrayLike] | ArrayLike) -> AbstractSchedule:
    if isinstance(given, AbstractSchedule):
        return given
    if isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) == 1:
        return DiscreteSchedule(*(_numbers(part) for part in given))
    return EdmSchedule(_numbers(given))


def _numbers(given: Any) -> ArrayLike:
    given = given.detach().cpu() if isinstance(given, Tensor) else given
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "schedule: expected (alpha, sigma), two arrays, or EDM's noise levels, one array"
        ) from None
