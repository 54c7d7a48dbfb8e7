"""Steer the sampler of a denoiser to the intended law, by the gradient of the quantity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.generators.base import AbstractGenerator
from pushforward.measure.intended import Intended
from pushforward.mitigations.account import Account
from pushforward.mitigations.base import Draw, learned
from pushforward.mitigations.measuring import AbstractMeasuring
from pushforward.mitigations.mitigated import Mitigated
from pushforward.quantities.differentiable import (
    as_differentiable,
    frame_from_json,
    frame_of,
    frame_to_json,
    gradient_of,
)
from pushforward.trajectories import Trajectories

__all__ = ["Guide"]

_KEPT = 1 << 14
_BLOCK = 1 << 14
_STREAM = 0x6B1DE


@final
@dataclass(frozen=True)
class Guide(AbstractMeasuring):
    """x ~ p(x | φ(x) ≈ q), q ~ π: a sampler of noise is steered to each trajectory's own q by ∇φ(D(x; σ)).

    Of classes with a denoiser D (diffusion, flow, the MLP denoiser, and adapters of such). It acts along Jᵀ∇φ, so on
    what the model's own uncertainty allows, and only as far: a value that the model does not make is not reached.
    Measure what becomes of it with `calibrate`. `sample(..., condition=q)` asks for other values than those of π.

    Attributes:
        quantity: φ with a gradient: a registered one (see `gradient_of`), or any torch function of values (N, T, C) in
            the data's units.
        intended: π; None: that of the data.
        strength: w; 1 is the law given q where that is Gaussian and φ linear.
    """

    name: ClassVar[str] = "guide"
    level: ClassVar[str] = "interface"
    formula: ClassVar[str] = "D̃ = D + w (q − φ(D)) Jᵀ∇φ / (∇φᵀ J ∇φ), q ~ π"
    source: ClassVar[str] = (
        "Chung et al., arXiv 2209.14687 (DPS); Boys et al., arXiv 2310.06721 (its variance)"
    )
    cost: ClassVar[str] = (
        "no training; sampling also goes backwards through the network, about twice the time"
    )
    needs_training: ClassVar[bool] = False

    strength: float = 1.0
    law: NDArray[np.float64] | None = learned()
    frame: Trajectories | None = learned()

    def __post_init__(self) -> None:
        """Check the strength, and take torch functions as quantities.

        Raises:
            InputError: a strength that is not positive.
        """
        object.__setattr__(self, "quantity", as_differentiable(self.quantity))
        super().__post_init__()
        require(
            0 < self.strength <= 100, f"guide: got strength = {self.strength:g}; expected above 0, to 100"
        )

    def apply(self, generator: AbstractGenerator, data: Trajectories | None = None) -> Mitigated:
        """As every mitigation.

        Raises:
            InputError: a generator without a denoiser.
        """
        model = generator.generator if isinstance(generator, Mitigated) else generator
        require(
            "denoise" in model.feeds,
            f"guide: {model.name} has no denoiser to be guided through; expected a diffusion, flow or MLP denoiser",
        )
        return super().apply(generator, data)

    def fitted(self, data: Trajectories) -> Self:
        """With the law of the data.

        Raises:
            InputError: a quantity without a gradient, or one that is hardly ever defined.
        """
        frame = frame_of(data)
        gradient_of(self.phi, frame, "guide")
        q = np.sort(self.values(data))
        level = (np.arange(min(_KEPT, len(q))) + 0.5) / min(_KEPT, len(q))
        return replace(self, law=np.quantile(q, level, method="inverted_cdf"), frame=frame)

    def require_fitted(self) -> None:
        """Refuse to steer to a law that is not known."""
        if self.law is None or self.frame is None:
            raise InputError("mitigation 'guide': is not fitted; call fit(data), or apply(generator, data)")

    @property
    def reach(self) -> tuple[float, float]:
        """The smallest and largest value in the data."""
        self.require_fitted()
        assert self.law is not None
        return float(self.law[0]), float(self.law[-1])

    def sampled(
        self, draw: Draw, n: int, seed: int, settings: Mapping[str, Any], account: Account
    ) -> Iterator[Trajectories]:
        """Each trajectory steered to its own value, which comes with it as a condition.

        Raises:
            InputError: asked values of another shape, or a generator or representation that cannot be steered.
        """
        from pushforward.generators.steering import Steering

        self.require_fitted()
        assert self.frame is not None
        require("steering" not in settings, "guide: got two of them; expected one")
        asked = self._wanted(settings.get("condition"), n, seed)
        phi = gradient_of(self.phi, self.frame, "guide")
        given = {name: value for name, value in settings.items() if name != "condition"}
        given["steering"] = Steering(phi, asked, self.strength)
        done = 0
        for part in draw(n, seed, given):
            label = {self.phi.label: asked[done : done + len(part)]}
            yield replace(part, conditions={**part.conditions, **label})
            done += len(part)

    def asked(self, n: int, seed: int) -> NDArray[np.float64]:
        """(n,) values of π; the first of more are the same."""
        self.require_fitted()
        assert self.law is not None
        parts = []
        for number, start in enumerate(range(0, n, _BLOCK)):
            rng = np.random.default_rng([seed, number, _STREAM])
            drawn = (
                self.intended.sample(_BLOCK, rng)
                if isinstance(self.intended, Intended)
                else rng.choice(self.law, size=_BLOCK)
            )
            parts.append(drawn[: n - start])
        return np.concatenate(parts)

    def _wanted(self, condition: Any, n: int, seed: int) -> NDArray[np.float64]:
        if condition is None:
            return self.asked(n, seed)
        try:
            given = np.asarray(condition, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"condition: got {printable(condition, 60)}; expected numbers") from None
        require(
            given.shape in ((), (1,), (n,)) and bool(np.isfinite(given).all()),
            f"condition: got shape {given.shape}; expected a finite number for all, or ({n},)",
        )
        return np.broadcast_to(given, (n,)).copy()

    def state(self) -> dict[str, Any]:
        """The law of the data, its names and units."""
        if self.law is None or self.frame is None:
            return {"law": None}
        return {"law": self.law.tolist(), "frame": frame_to_json(self.frame)}

    def with_state(self, state: Mapping[str, Any], where: str) -> Self:
        """With the law of the data."""
        if state.get("law") is None:
            return self
        try:
            law = np.array(state["law"], dtype=np.float64)
        except (TypeError, ValueError):
            law = np.empty(0)
        good = law.ndim == 1 and len(law) > 0 and bool(np.isfinite(law).all() and (np.diff(law) >= 0).all())
        require(good, f"{where}: is damaged: expected a law of sorted numbers")
        return replace(self, law=law, frame=frame_from_json(state.get("frame"), where))
