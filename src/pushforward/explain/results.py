"""What explains a drift: plain, frozen, and written as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.explain.attribution import METHOD, Attribution
from pushforward.explain.expansion import Explained
from pushforward.explain.flows import NetFlow
from pushforward.explain.moments import Profile
from pushforward.explain.movers import Movers
from pushforward.forecast.results import Forecast, finite

__all__ = ["Explanation"]

FORMAT_VERSION = 1


@final
@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a quantity drifts under a kernel. `print(explanation)` shows a table.

    Arrays have W = bins + 2 entries: below the first edge, the bins, above the last edge.

    Attributes:
        forecast: the forecast that is explained.
        bias: b(q) = E[δq | q], in the unit: where mass is pushed. With pointwise limits.
        spread: D(q) = ½ Var[δq | q], in the unit's square: how far it is spread.
        expansion: how much of the drift b and D make to second order, Δ ≈ −∂(b π)/∂q + ∂²(D π)/∂q²: the limit of small
            errors and smooth laws.
        moments: the same with every trajectory moved by b(q) and spread by a normal law of variance 2 D(q), for errors
            of any size.
        flows: who loses to whom: net flows of mass between ranges, those told from noise, the largest first.
        attributions: which parts of the errors make it: of time, channels, frequency, noise levels.
        movers: the trajectories that one deviation moved furthest.
    """

    forecast: Forecast
    bias: Profile
    spread: Profile
    expansion: Explained
    moments: Explained
    flows: tuple[NetFlow, ...]
    attributions: tuple[Attribution, ...]
    movers: Movers

    @property
    def name(self) -> str:
        """Of the quantity."""
        return self.forecast.name

    @property
    def unit(self) -> str:
        """Of the quantity."""
        return self.forecast.unit

    @property
    def flow(self) -> NDArray[np.float64]:
        """(W, W) π κ: the mass that starts in a bin (row) and ends in another (column)."""
        return np.asarray(self.forecast.flow.toarray())

    def attribution(self, name: str) -> Attribution:
        """The attribution to `time`, `channels`, `frequency` or `noise-levels`.

        Raises:
            InputError: it was not asked for.
        """
        from pushforward.errors import named

        found = {one.name: one for one in self.attributions}
        if name not in found:
            raise named("attribution", name, found)
        return found[name]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings; arrays hold W values, `flow` and the masses are the forecast's."""
        movers = self.movers
        return {
            "format": "pushforward-explanation",
            "format_version": FORMAT_VERSION,
            "version": self.forecast.version,
            "quantity": self.name,
            "unit": self.unit,
            "forecast": self.forecast.to_json(),
            "limits": [None, *self.forecast.edges.tolist(), None],
            "bias": _profile(self.bias),
            "spread": _profile(self.spread),
            "expansion": _explained(self.expansion),
            "moments": _explained(self.moments),
            "net_flows": [_flow(flow) for flow in self.flows],
            "attributions": [_attribution(one) for one in self.attributions],
            "movers": {
                "n": movers.n,
                "index": movers.index.tolist(),
                "before": movers.before.tolist(),
                "after": movers.after.tolist(),
            },
        }

    def to_text(self) -> str:
        """`to_json` as strict JSON text (numbers that are not finite become null)."""
        return json.dumps(finite(self.to_json()), indent=1, allow_nan=False)

    def __str__(self) -> str:
        """Tables: where mass is pushed, what makes it, who loses to whom, which parts of the errors, which examples."""
        from pushforward.explain.table import explanation_table

        return explanation_table(self)


def _profile(profile: Profile) -> dict[str, list[float]]:
    return {name: getattr(profile, name).tolist() for name in ("value", "low", "high")}


def _explained(found: Explained) -> dict[str, Any]:
    return {
        **{
            name: getattr(found, name).tolist()
            for name in ("drift", "by_bias", "by_spread", "both", "remainder")
        },
        "share": {name: asdict(one) for name, one in found.share.items()},
        "skill": {name: asdict(one) for name, one in found.skill.items()},
    }


def _flow(flow: NetFlow) -> dict[str, Any]:
    ends = {"from": flow.source, "to": flow.target}
    spelled = {key: [end if math.isfinite(end) else None for end in ends_] for key, ends_ in ends.items()}
    return {**spelled, **{key: getattr(flow, key) for key in ("mass", "low", "high", "gross", "p_adjusted")}}


def _attribution(one: Attribution) -> dict[str, Any]:
    return {
        "by": one.name,
        "method": METHOD,
        "n": one.n,
        "n_lost": one.n_lost,
        "total_shift": asdict(one.total_shift),
        "total_spread": asdict(one.total_spread),
        "parts": [
            {
                "name": part,
                "share": asdict(one.share[i]),
                "shift": asdict(one.shift[i]),
                "spread": asdict(one.spread[i]),
                "drift": one.drift[i].tolist(),
            }
            for i, part in enumerate(one.parts)
        ],
    }
