"""Steering a sampler towards a value of a quantity, by the gradient of that quantity through the denoiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.fixed import Known
from pushforward.generators.ode import Velocity
from pushforward.generators.samplers import Denoise

__all__ = ["Phi", "Steer", "Steering"]

Phi = Callable[[Tensor, Tensor | None], Tensor]
"""φ of values (n, T, C) in the data's units with valid steps (n,) or None; (n,), NaN where it is not defined."""

# The posterior of any direction is at most σ wide, so a longer way asks for what x rules out.
_MOST_DEVIATIONS = 5.0
_LEAST_COSINE = 0.01


@final
@dataclass(frozen=True)
class Steering:
    """What a sampler is asked to steer to.

    Attributes:
        phi: the quantity.
        asked: (n,) the value that each trajectory is to have.
        strength: 1 draws from the posterior where that is Gaussian; less follows the model, more the quantity.
    """

    phi: Phi
    asked: NDArray[np.float64]
    strength: float = 1.0

    def of_sample(self, n: int, model: AbstractGenerator) -> Steering:
        """Itself, for n trajectories of a model.

        Raises:
            InputError: a model without a denoiser, or another number of asked values.
        """
        require(
            "denoise" in model.feeds,
            f"guide: {model.name} has no denoiser to be guided through; expected a diffusion, flow or MLP denoiser",
        )
        require(
            len(self.asked) == n,
            f"guide: got {len(self.asked):,} values for {n:,} drawn trajectories; expected one for each (guide before "
            "a mitigation that draws more than it keeps, nearer to the network)",
        )
        return self

    def part(
        self,
        rows: slice,
        scaling: tuple[ArrayLike, ArrayLike],
        spread: float,
        device: torch.device,
        lengths: Tensor | None = None,
        known: Known | None = None,
    ) -> Steer:
        """For some of the trajectories.

        Args:
            rows: which.
            scaling: (shift, scale) of x = shift + scale z, between data units x and what the network sees, z.
            spread: standard deviation of z in the data.
            device: of the network.
            lengths: (n,) valid steps, or None.
            known: fixed steps, or None.
        """
        shift, scale = (torch.as_tensor(np.asarray(one, np.float64), device=device) for one in scaling)
        asked = torch.as_tensor(self.asked[rows], device=device)
        return Steer(self.phi, asked, self.strength, shift, scale, spread, lengths, known)


@final
@dataclass(frozen=True)
class Steer:
    """D̃ = D + w (q* − φ(D)) g / (∇φ·g) with g = Jᵀ∇φ(D), J = ∂D/∂x; see `Steering` for the names.

    With Cov(clean | x) = σ² J (Tweedie), q | x ~ N(φ(D), σ² ∇φᵀ J ∇φ) to first order, and D̃ = D + w σ² ∇_x ln p(q* | x)
    is the denoiser of the law given q*. That is exact for Gaussian data and a linear φ.

    Sources: Chung et al., arXiv 2209.14687 (DPS), with the variance of Boys et al., arXiv 2310.06721, in place of its
    step size. The way is at most 5 posterior standard deviations long, so that a bad gradient cannot throw x out.
    """

    phi: Phi
    asked: Tensor
    strength: float
    shift: Tensor
    scale: Tensor
    spread: float
    lengths: Tensor | None
    known: Known | None

    def denoiser(self, denoise: Denoise) -> Denoise:
        """D̃ from D."""

        def steered(x: Tensor, sigma: float) -> Tensor:
            clean, way = self._way(lambda x: denoise(x, sigma), x, sigma)
            return clean + way

        return steered

    def velocity(self, velocity: Velocity) -> Velocity:
        """ṽ = v + (D̃ − D) / (1 − t), with D = x + (1 − t) v of a flow from noise at t = 0 to data at t = 1."""

        def steered(x: Tensor, t: float) -> Tensor:
            # At t = 0 the clean trajectory does not depend on x yet, at t = 1 it is x.
            if t <= 0 or t >= 1:
                return velocity(x, t)
            clean, way = self._way(lambda x: x + (1 - t) * velocity(x, t), x, (1 - t) / t)
            return (clean + way - x) / (1 - t)

        return steered

    def _way(self, clean_of: Callable[[Tensor], Tensor], x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """D and D̃ − D, (n, T, C) each."""
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone().requires_grad_()
            clean = clean_of(x)
            leaf = clean.detach().requires_grad_()
            q = self.phi(leaf.double() * self.scale + self.shift, self.lengths)
            (slope,) = torch.autograd.grad(q.nan_to_num(0.0).sum(), leaf)
            slope = slope if self.known is None else slope.masked_fill(self.known.mask, 0.0)
            slope = slope.nan_to_num(0.0, 0.0, 0.0)
            (back,) = torch.autograd.grad(clean, x, slope)
        if self.known is not None:
            back = back.masked_fill(self.known.mask, 0.0)
        return clean.detach(), self._step(q.detach(), slope.double(), back.double(), sigma).to(x.dtype)

    def _step(self, q: Tensor, slope: Tensor, back: Tensor, sigma: float) -> Tensor:
        along = (slope * back).sum(dim=(1, 2))
        lengths = [torch.linalg.vector_norm(one, dim=(1, 2)) for one in (slope, back)]
        along = torch.maximum(along, _LEAST_COSINE * lengths[0] * lengths[1])
        way = back * (self.strength * (self.asked - q) / along)[:, None, None]
        # What cannot be measured, or does not depend on x, is left alone.
        way = way.nan_to_num(0.0, 0.0, 0.0)
        size = self.spread * float(back[0].numel()) ** 0.5
        most = _MOST_DEVIATIONS * sigma * size / (sigma**2 + size**2) ** 0.5
        length = torch.linalg.vector_norm(way, dim=(1, 2), keepdim=True)
        kept: Tensor = way * (most / length.clamp_min(most))
        return kept
