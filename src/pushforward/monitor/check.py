"""One look at a model while it trains."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.measure import Audit

__all__ = ["Check", "score_of"]


@dataclass(frozen=True)
class Check:
    """One look at the model.

    Attributes:
        step: of the training.
        seed: of the samples and of the audit's resampling.
        n: trajectories sampled.
        audit: what was found: exactly `pushforward.audit(samples, data, ..., seed=seed)`.
        score: the largest W1 of all quantities, each in units of its intended standard deviation.
        seconds: what the check took.
        share: of all time since the first step that was spent on checks, this one included.
        is_best: whether no check before had a lower score.
    """

    step: int
    seed: int
    n: int
    audit: Audit
    score: float
    seconds: float
    share: float
    is_best: bool

    @property
    def metrics(self) -> dict[str, float]:
        """What is logged: for each quantity W1 with limits and noise floor, the mean's shift with its interval, TV."""
        found = {"drift/score": self.score, "drift/n": float(self.n)}
        for quantity in self.audit.quantities:
            name = f"drift/{quantity.name}"
            found |= {
                f"{name}/w1": quantity.w1.value,
                f"{name}/w1_low": quantity.w1.low,
                f"{name}/w1_high": quantity.w1.high,
                f"{name}/w1_floor": quantity.w1.null_95,
                f"{name}/mean_shift": quantity.mean_shift.value,
                f"{name}/mean_shift_low": quantity.mean_shift.low,
                f"{name}/mean_shift_high": quantity.mean_shift.high,
                f"{name}/tv": quantity.tv.value,
                f"{name}/tv_floor": quantity.tv.null_95,
            }
        return found | {"drift/seconds": self.seconds, "drift/share": self.share}


def score_of(audit: Audit) -> float:
    """The largest W1 of an audit's quantities, each in units of its intended standard deviation where that is not 0."""
    found = []
    for quantity in audit.quantities:
        scale = quantity.std_expected
        found.append(quantity.w1.value / scale if scale > 0 else quantity.w1.value)
    return max(found)
