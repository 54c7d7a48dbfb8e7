"""The penalties: on Jacobians, on the norms of layers, on the law of a quantity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pushforward.generators.edm import mean_over_valid
from pushforward.generators.networks.mlp_rollout import RolloutMLP
from pushforward.generators.penalised import AbstractPenalty, Seen, noisy
from pushforward.generators.steering import Phi
from pushforward.generators.stepwise import told_condition

__all__ = ["JacobianPenalty", "MatchPenalty", "SpectralPenalty", "spectral_norm", "spectral_norms"]

_STEP = 0.01
_DIRECTIONS, _ROUNDS = 8, 8


@final
@dataclass(frozen=True)
class JacobianPenalty(AbstractPenalty):
    """w E ‖J v‖² / (T C), v ~ N(0, I): Hutchinson's estimate of w ‖J‖_F² / (T C).

    J v = (f(x + h v) − f(x − h v)) / 2h, exact where f is linear, with h 1 % of the spread of x; so it needs first
    derivatives alone. f is D(·; σ), or of one-step models the mean of the next step given those before it.
    """

    strength: float

    name: ClassVar[str] = "jacobian"

    def __call__(self, seen: Seen) -> Tensor:
        """The term."""
        if isinstance(seen.network, RolloutMLP):
            return self.strength * self._of_steps(seen, seen.network)
        batch = noisy(seen)
        h = (_STEP * (batch.sigma.square() + batch.spread**2).sqrt())[:, None, None]
        v = _valid_only(seen.probe, seen.batch.lengths)
        change = (batch.denoise(batch.y + h * v) - batch.denoise(batch.y - h * v)) / (2 * h)
        return self.strength * mean_over_valid(change.square(), seen.batch.lengths)

    def _of_steps(self, seen: Seen, network: RolloutMLP) -> Tensor:
        batch, first = seen.batch, network.n_start
        if batch.clean.shape[1] <= first:
            return seen.probe.new_zeros(())
        told = told_condition(batch.condition, batch.lengths, network.T)
        h = _STEP * seen.model.scale
        v = _valid_only(seen.probe, batch.lengths)
        ahead, behind = (network.predicted(batch.clean + sign * h * v, told) for sign in (1, -1))
        square = ((ahead - behind) / (2 * h)).square()
        if batch.lengths is None:
            return mean_over_valid(square, None)
        # Trajectories that end before the first predicted step have nothing to count.
        longer = (batch.lengths > first)[:, None, None]
        return mean_over_valid(square * longer, (batch.lengths - first).clamp_min(1))


@final
@dataclass(frozen=True)
class SpectralPenalty(AbstractPenalty):
    """w Σ_l max(s_l − limit, 0)², s_l the largest singular value of layer l's weights.

    A convolution counts as the matrix of its kernel (out, in · width), as in Miyato et al. 2018.
    """

    limit: float
    strength: float

    name: ClassVar[str] = "spectral-norm"

    def __call__(self, seen: Seen) -> Tensor:
        """The term."""
        over = [(norm - self.limit).clamp_min(0).square() for norm in spectral_norms(seen.network).values()]
        return self.strength * torch.stack(over).sum()


@final
@dataclass(frozen=True)
class MatchPenalty(AbstractPenalty):
    """w W₂²(φ(D(x; σ)), φ(clean)) / Var φ(clean) over the trajectories of a batch with σ at most `level`.

    In one dimension W₂ pairs sorted values. Above the level D is a mean of many trajectories, whose φ says nothing.

    Attributes:
        phi: of values in the units of what the network is trained on.
        strength: w.
        level: in standard deviations of the data.
        wanted: (K,) rising quantiles of π in place of φ(clean), or None.
    """

    phi: Phi
    strength: float
    level: float
    wanted: NDArray[np.float64] | None = None

    name: ClassVar[str] = "match"

    def of_codes(self, decoding: Callable[[Any, str], Any]) -> Self:
        """With φ of what codes decode to."""
        return replace(self, phi=decoding(self.phi, self.name))

    def __call__(self, seen: Seen) -> Tensor:
        """The term; 0 where fewer than two trajectories are below the level."""
        rows: list[Tensor] = []

        def low(level: Tensor) -> Tensor:
            rows.append(torch.nonzero(level <= self.level)[:, 0])
            return rows[0]

        batch = noisy(seen, low)
        zero = seen.probe.new_zeros(())
        if len(rows[0]) < 2:
            return zero
        clean = seen.batch.clean[rows[0]]
        lengths = None if seen.batch.lengths is None else seen.batch.lengths[rows[0]]
        made, q = (self._measured(seen, x, lengths) for x in (batch.denoise(batch.y), clean))
        return self.strength * _sorted_distance(made, q.detach(), self.wanted).to(zero.dtype)

    def _measured(self, seen: Seen, x: Tensor, lengths: Tensor | None) -> Tensor:
        about = seen.about
        scale = torch.as_tensor(np.asarray(about.std) / seen.model.scale, device=x.device)
        shift = torch.as_tensor(np.asarray(about.mean, dtype=np.float64), device=x.device)
        return self.phi(x.double() * scale + shift, lengths)


def _sorted_distance(made: Tensor, q: Tensor, wanted: NDArray[np.float64] | None) -> Tensor:
    """W₂² of the defined values over Var q; 0 where there are none or they do not vary."""
    known = torch.isfinite(made) & torch.isfinite(q)
    made, q = made[known], q[known]
    variance = q.var(correction=0) if len(q) > 1 else q.new_zeros(())
    if not float(variance) > 0:
        return made.sum() * 0
    target = q.sort().values
    if wanted is not None:
        place = ((torch.arange(len(q)) + 0.5) / len(q) * len(wanted)).long()
        target = torch.as_tensor(wanted, device=q.device)[place.to(q.device)]
    return (made.sort().values - target).square().mean() / variance


def _valid_only(probe: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return probe
    time = torch.arange(probe.shape[1], device=probe.device)
    return probe * (time[None, :] < lengths[:, None])[:, :, None]


def spectral_norms(network: nn.Module) -> dict[str, Tensor]:
    """The largest singular value of each linear layer and convolution, by its name."""
    return {
        name: spectral_norm(layer.weight.flatten(1))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv1d)
    }


def spectral_norm(weight: Tensor) -> Tensor:
    """The largest singular value of a matrix (m, n), by subspace iteration from fixed directions.

    It depends on the matrix alone, so a training that resumes finds the same. Never above the true value.
    """
    with torch.no_grad():
        W = weight.detach().float()
        n = W.shape[1]
        place = torch.arange(1, n + 1, device=W.device)[:, None]
        basis = torch.cos(place * torch.arange(1, min(_DIRECTIONS, n) + 1, device=W.device) * 0.7548777)
        for _ in range(_ROUNDS):
            basis = torch.linalg.qr(W.T @ (W @ basis)).Q
        _, vectors = torch.linalg.eigh(basis.T @ (W.T @ (W @ basis)))
        right = basis @ vectors[:, -1]
        left = torch.nn.functional.normalize(W @ right, dim=0)
    norm: Tensor = left @ (weight.float() @ right)
    return norm
