"""Local errors of a model that was trained in a representation's codes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, final

import numpy as np

from pushforward.kernels.base import AbstractDeviationKernel, learned
from pushforward.kernels.gaussian import Gaussian
from pushforward.representations.base import AbstractRepresentation
from pushforward.representations.identity import Identity
from pushforward.trajectories import Trajectories

__all__ = ["Represented"]


@final
@dataclass(frozen=True)
class Represented(AbstractDeviationKernel):
    """x' = ψ⁻¹(z'), z' ~ K(· | ψ(x)): the kernel's errors are made in the codes, and decoded.

    A representation is good for a quantity when φ∘ψ⁻¹ does not react to such errors, or reacts linearly.

    Attributes:
        kernel: the law of the errors in the codes; its scale is this kernel's scale.
        representation: ψ.
    """

    name: ClassVar[str] = "represented"
    formula: ClassVar[str] = "x' = ψ⁻¹(z'), z' ~ K(· | ψ(x))"
    source: ClassVar[str] = "arXiv 2605.20299 (kernel-informed representation)"
    cost: ClassVar[str] = "the kernel's, and one encoding and decoding"

    kernel: AbstractDeviationKernel = field(default_factory=Gaussian)
    representation: AbstractRepresentation = field(default_factory=Identity)
    is_fitted: bool = learned(False)

    def __post_init__(self) -> None:
        """Move the scale to the kernel, where it belongs."""
        if self.scale is None:
            object.__setattr__(self, "scale", self.kernel.scale)
        else:
            object.__setattr__(self, "kernel", self.kernel.with_scale(self.scale))
        super().__post_init__()

    def fitted(self, trajectories: Trajectories) -> Self:
        """Representation and kernel, the kernel on the codes; where that is done already, as it is.

        Raises:
            InputError: data that the representation does not apply to, or that have no code.
        """
        if self.is_fitted:
            return self
        representation = self.representation.fitted(trajectories)
        kernel = self.kernel.fitted(representation.encode(trajectories))
        return replace(self, representation=representation, kernel=kernel, is_fitted=True)

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or trajectories that have no code.
        """
        if self.known_scale == 0:
            return trajectories
        if not self.is_fitted:
            return self.fitted(trajectories).deviate(trajectories, rng)
        codes = self.representation.encode(trajectories)
        made = self.representation.decode(self.kernel.deviate(codes, rng))
        return trajectories.with_values(made.values)
