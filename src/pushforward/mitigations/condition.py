"""Tell the model the quantity in training, and ask for the intended law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.measure.intended import Intended
from pushforward.mitigations.account import Account
from pushforward.mitigations.base import Draw, learned
from pushforward.mitigations.measuring import AbstractMeasuring
from pushforward.trajectories import Trajectories

__all__ = ["Condition"]

_KEPT = 1 << 14
_BLOCK = 1 << 18
_STREAM = 0xC0DE


@final
@dataclass(frozen=True)
class Condition(AbstractMeasuring):
    """x ~ p(x | q), q ~ π: the model is trained with φ(x) as its condition and asked for q drawn from π.

    What it makes of the condition is another question: see `calibrate`, and audit what it makes.

    Attributes:
        quantity: φ.
        intended: π; None: that of the data.
        guidance: weight of classifier-free guidance where the sampler has one; 1 is none.
    """

    name: ClassVar[str] = "condition"
    level: ClassVar[str] = "interface"
    formula: ClassVar[str] = "x ~ p(x | q), q ~ π"
    source: ClassVar[str] = "Ho and Salimans, arXiv 2207.12598 (classifier-free guidance)"
    cost: ClassVar[str] = "a training with one more input; guidance doubles the cost of sampling"

    guidance: float = 1.0
    law: NDArray[np.float64] | None = learned()
    reach: tuple[float, float] = learned((-np.inf, np.inf))

    def fitted(self, data: Trajectories) -> Self:
        """With the law of the data, and its range, which is what can be asked for.

        Raises:
            InputError: a quantity that is not defined everywhere, or a law that reaches beyond the data.
        """
        q = self.phi(data)
        undefined = int((~np.isfinite(q)).sum())
        require(
            undefined == 0,
            f"condition: {self.phi.label} is not defined on {undefined} of {len(data)} trajectories; leave these out",
        )
        reach = (float(q.min()), float(q.max()))
        if isinstance(self.intended, Intended):
            inside = float(np.diff(np.asarray(self.intended.law.cdf(np.asarray(reach)), dtype=np.float64))[0])
            require(
                inside > 0.99,
                f"condition: {1 - inside:.1%} of the intended {self.intended.text} lies beyond the data, "
                f"{reach[0]:.6g} to {reach[1]:.6g}; expected a law within what the model can be asked for",
            )
        level = (np.arange(min(_KEPT, len(q))) + 0.5) / min(_KEPT, len(q))
        return replace(self, law=np.quantile(q, level, method="inverted_cdf"), reach=reach)

    def training(self, data: Trajectories, seed: int) -> tuple[Trajectories, dict[str, Any]]:
        """The data with φ among their conditions, and the order to train with it."""
        label = self.phi.label
        told = replace(data, conditions={**data.conditions, label: self.phi(data)})
        return told, {"condition": label}

    def require_fitted(self) -> None:
        """Refuse to ask for a law that is not known."""
        if self.law is None:
            raise InputError("mitigation 'condition': is not fitted; call fit(data) first")

    def sampled(
        self, draw: Draw, n: int, seed: int, settings: Mapping[str, Any], account: Account
    ) -> Iterator[Trajectories]:
        """Asked for values drawn from π, unless the caller asks for others."""
        self.require_fitted()
        further = {"guidance": self.guidance} if self.guidance != 1.0 else {}
        if settings.get("condition") is not None:
            yield from draw(n, seed, {**further, **settings})
            return
        for number, start in enumerate(range(0, n, _BLOCK)):
            size = min(_BLOCK, n - start)
            asked = self.asked(size, np.random.default_rng([seed, number, _STREAM]))
            begin = seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
            yield from draw(size, begin, {**further, **settings, "condition": asked})

    def asked(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(n,) values of π, within what the model was trained with."""
        self.require_fitted()
        assert self.law is not None
        if isinstance(self.intended, Intended):
            return np.clip(self.intended.sample(n, rng), *self.reach)
        return rng.choice(self.law, size=n)

    def state(self) -> dict[str, Any]:
        """The law of the data, and its range."""
        return {"law": None if self.law is None else self.law.tolist(), "reach": list(self.reach)}

    def with_state(self, state: Mapping[str, Any], where: str) -> Self:
        """With the law of the data."""
        if state.get("law") is None:
            return self
        try:
            law = np.array(state["law"], dtype=np.float64)
            low, high = (float(end) for end in state["reach"])
        except (KeyError, TypeError, ValueError):
            law, low, high = np.empty(0), 1.0, 0.0
        good = law.ndim == 1 and len(law) > 0 and bool(np.isfinite(law).all()) and low <= high
        require(good, f"{where}: is damaged: expected a law of numbers and its range")
        return replace(self, law=law, reach=(low, high))
