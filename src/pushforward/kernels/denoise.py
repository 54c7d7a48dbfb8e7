"""Denoise: noise to a level and back, by a denoiser that was trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np

from pushforward.errors import require
from pushforward.kernels.base import deviated, learned, standard_deviations
from pushforward.kernels.trained import AbstractTrainedKernel
from pushforward.trajectories import Trajectories

__all__ = ["Denoise"]

_MOST_STEPS = 10_000


@final
@dataclass(frozen=True, eq=False)
class Denoise(AbstractTrainedKernel):
    """y = x + s·σ_c·ε, and x' is where the model's own sampler leads from y at that noise level to no noise.

    These are the errors that a diffusion or flow model makes below level s, and nothing else: a model with the ideal
    denoiser keeps the law of the data at every s, though each x' differs from its x. At small s they are its fine
    errors, from about s = 10 on little of x is left and the forecast is the model's own drift: swept over s the
    dose–response shows at which noise levels a drift arises.

    Attributes:
        scale: s, the noise in standard deviations σ_c of each channel over the data.
        run: folder of a trained run; or give `generator`, a trained one or an adapter that feeds "denoise".
        solver_steps: noise levels (of a flow: steps) from pure noise to data, of which those below s are taken, as
            when the model samples; 0 takes the model's own number.
        tolerance: with a number above 0 the steps are halved until x' changes by less than this, root mean square in
            standard deviations: what is left is the model's error without its solver's. 0 keeps `solver_steps`.
    """

    name: ClassVar[str] = "denoise"
    formula: ClassVar[str] = "x' = the model's sampler from x + s·σ_c·ε at level s back to 0"
    source: ClassVar[str] = (
        "Karras et al. 2022 (the sampler); Meng et al. 2022, SDEdit (noise to a level and back); for the idea: arXiv "
        "2605.20299"
    )
    cost: ClassVar[str] = "as sampling from the model once, less the noise levels above s"
    needs: ClassVar[str] = "a trained generator with a denoiser"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 10.0)

    solver_steps: int = 0
    tolerance: float = 0.0
    sigma: tuple[float, ...] = learned(())

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: a number of steps or a tolerance out of range; or as the run's.
        """
        super().__post_init__()
        owner = f"kernel {self.name!r}, setting"
        require(
            self.solver_steps == 0 or 2 <= self.solver_steps <= _MOST_STEPS,
            f"{owner} 'solver_steps': got {self.solver_steps}; expected 2 to {_MOST_STEPS:,}, or 0 for the model's own",
        )
        require(
            0 <= self.tolerance < 1, f"{owner} 'tolerance': got {self.tolerance:g}; expected 0 to below 1"
        )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with each channel's standard deviation, for models that do not know the data's."""
        return replace(self, sigma=tuple(standard_deviations(trajectories).tolist()))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, no model, trajectories that the model cannot take, a level that it does not know, or
                a solver that does not converge.
        """
        scale, model = self.known_scale, self.model
        if scale == 0:
            return trajectories
        from pushforward.kernels.solving import solver_of

        solver = solver_of(
            model, trajectories, self.sigma or tuple(standard_deviations(trajectories).tolist())
        )
        noise = rng.standard_normal(trajectories.values.shape, dtype=np.float32)
        return deviated(trajectories, solver.denoised(noise, scale, self.solver_steps, self.tolerance))
