"""Group normalisation, FiLM and SiLU in one differentiable step, for float32 on a CPU.

Done one after the other these take eight passes over the activations and as many stored copies of them; together they
take five and one. The numbers are those of the separate operations, to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["EPSILON", "fits", "normalised_silu", "same_group"]

EPSILON = 1e-5

_silu_backward = torch.ops.aten.silu_backward


def same_group(channels: int, groups: int) -> Tensor:
    """(C, C): 1 / (channels of a group) where two channels share a group, so that sums @ this are group means."""
    group = torch.arange(channels) * groups // channels
    return (group[:, None] == group[None, :]).float() * (groups / channels)


def fits(x: Tensor) -> bool:
    """Whether x is what this is for; elsewhere (GPU, autocast, torch.compile) the separate operations are as good."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    return not (torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling())


def normalised_silu(
    x: Tensor, weight: Tensor, bias: Tensor, same: Tensor, film: Tensor | None, mask: Tensor | None
) -> Tensor:
    """SiLU((1 + γ) (w x̂ + b) + β), x̂ = (x − μ_g) / √(v_g + ε); 0 at padding.

    Args:
        x: (B, C, T), 0 at padding.
        weight: (C,) w.
        bias: (C,) b.
        same: (C, C), of `same_group`.
        film: (B, 2 C), γ and β side by side; None: both are 0.
        mask: (B, 1, T), 1 at valid steps; None: all are.
    """
    made: Tensor = _NormalisedSilu.apply(x, weight, bias, same, film, mask)  # type: ignore[no-untyped-call]
    return made


class _NormalisedSilu(torch.autograd.Function):
    """With u = (1 + γ) w, s = (1 + γ) b + β: silu(a x + c), a = u / √(v + ε), c = s − a μ, one a and c per row."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        same: Tensor,
        film: Tensor | None,
        mask: Tensor | None,
    ) -> Tensor:
        rows = x.transpose(1, 2).contiguous()
        valid = None if mask is None else mask.transpose(1, 2)
        n = None if valid is None else valid.sum(dim=1)
        same = same / rows.shape[1] if n is None else same
        gain, shift = weight, bias
        if film is not None:
            gamma, beta = film.chunk(2, dim=1)
            gain = torch.addcmul(weight, weight, gamma)
            shift = torch.addcmul(beta, bias, gamma).add_(bias)
        mean = _group_means(rows.sum(dim=1), same, n)
        variance = _group_means((rows * rows).sum(dim=1), same, n).addcmul_(mean, mean, value=-1)
        inverse = variance.clamp_min_(0).add_(EPSILON).rsqrt_()
        a = gain * inverse
        c = torch.addcmul(shift, a, mean, value=-1)
        ctx.save_for_backward(rows, a, c, mean, inverse, gain, weight, bias, same, film, valid, n)
        made = F.silu(torch.addcmul(c[:, None], rows, a[:, None]), inplace=True)
        return (made if valid is None else made.mul_(valid)).transpose(1, 2)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, a, c, mean, inverse, gain, weight, bias, same, film, valid, n = ctx.saved_tensors
        given = gradients[0].transpose(1, 2).contiguous()
        # Recomputed: that costs less than to store it in the forward pass.
        inner = torch.addcmul(c[:, None], rows, a[:, None])
        inner = _silu_backward(given if valid is None else given * valid, inner)
        d_shift = inner.sum(dim=1)
        d_gain = torch.addcmul((inner * rows).sum(dim=1), mean, d_shift, value=-1).mul_(inverse)
        # dx = (u inner − mean_g(u inner) − x̂ mean_g(u inner x̂)) / √(v + ε) = a inner + p x + q.
        p = _group_means(gain * d_gain, same, n).mul_(inverse).mul_(inverse).neg_()
        q = _group_means(gain * d_shift, same, n).mul_(inverse).neg_().addcmul_(p, mean, value=-1)
        dx = torch.addcmul(q[:, None], rows, p[:, None]).addcmul_(inner, a[:, None])
        dx = (dx if valid is None else dx.mul_(valid)).transpose(1, 2)
        if film is None:
            return dx, d_gain.sum(dim=0), d_shift.sum(dim=0), None, None, None
        gamma = film[:, : len(weight)]
        d_film = torch.cat([torch.addcmul(bias * d_shift, weight, d_gain), d_shift], dim=1)
        d_weight, d_bias = (torch.addcmul(d, d, gamma).sum(dim=0) for d in (d_gain, d_shift))
        return dx, d_weight, d_bias, None, d_film, None


def _group_means(sums: Tensor, same: Tensor, n: Tensor | None) -> Tensor:
    """(B, C) means over each channel's group and the valid steps, from sums over steps."""
    means = sums @ same
    return means if n is None else means.div_(n)
