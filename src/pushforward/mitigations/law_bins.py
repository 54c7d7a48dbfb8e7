"""A wanted law cut into bins of about equal mass, so that samples can be weighted or chosen to follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.measure.intended import Intended

__all__ = ["LawBins"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class LawBins:
    """π over B bins whose edges are its own quantiles; bin b holds edges[b] ≤ q < edges[b + 1], the last one both ends.

    Attributes:
        edges: (B + 1,) increasing; the outer ones may be infinite.
        mass: (B,) π of each bin, positive, sum 1.
    """

    edges: _Array
    mass: _Array

    @classmethod
    def of(cls, wanted: _Array | Intended, bins: int) -> LawBins:
        """The bins of a stated law, or of (n,) values that follow it."""
        if isinstance(wanted, Intended) and wanted.drawn is None:
            return cls._of_law(wanted, bins)
        values = wanted.drawn if isinstance(wanted, Intended) else np.sort(wanted)
        assert values is not None
        return cls._of_values(values, bins)

    @classmethod
    def _of_law(cls, law: Intended, bins: int) -> LawBins:
        low, high = (float(end) for end in law.law.support())
        inner = np.array([law.quantile(level) for level in np.arange(1, bins) / bins])
        edges = np.unique(np.concatenate([[low], inner, [high]]))
        mass = np.diff(np.concatenate([[0.0], np.asarray(law.law.cdf(edges[1:-1]), dtype=np.float64), [1.0]]))
        return cls(edges, mass)

    @classmethod
    def _of_values(cls, values: _Array, bins: int) -> LawBins:
        distinct = np.unique(values)
        require(
            len(distinct) >= 2,
            f"intended law: all {len(values):,} values are {values[0]:g}; expected a law that varies",
        )
        if len(distinct) <= bins:
            inner = (distinct[:-1] + distinct[1:]) / 2
        else:
            inner = np.quantile(values, np.arange(1, bins) / bins)
        edges = np.unique(np.concatenate([distinct[:1], inner, distinct[-1:]]))
        counts = np.bincount(_cells(edges, values), minlength=len(edges) - 1)
        # Heavy ties can leave a bin without values: it joins its neighbour.
        kept = np.flatnonzero(counts)
        edges = np.append(edges[kept], edges[-1])
        return cls(edges, counts[kept] / len(values))

    def index(self, q: _Array) -> NDArray[np.int64]:
        """(n,) bin of each value; −1 outside the law's range, and where a value is not defined."""
        with np.errstate(invalid="ignore"):
            inside = (q >= self.edges[0]) & (q <= self.edges[-1])
        return np.where(inside, _cells(self.edges, np.where(inside, q, self.edges[1])), -1)

    def importance(self, q: _Array) -> _Array:
        """(n,) weights π/p̂, p̂ being the share of the values in the same bin; 0 outside.

        Raises:
            InputError: bins of π that hold none of the values.
        """
        where = self.index(q)
        counts = np.bincount(where[where >= 0], minlength=len(self.mass))
        empty = np.flatnonzero(counts == 0)
        if len(empty):
            raise InputError(
                f"intended law: {self.mass[empty].sum():.1%} of it lies where there is none of the {len(q):,} values, "
                f"first in {self.shown(int(empty[0]))}; expected a law within what is there"
            )
        return np.where(where >= 0, (self.mass / counts)[where] * len(q), 0.0)

    def shown(self, b: int) -> str:
        """Bin b as [low, high]."""
        return f"[{self.edges[b]:.6g}, {self.edges[b + 1]:.6g}]"

    def to_json(self) -> dict[str, Any]:
        """Edges and masses."""
        return {"edges": [_written(edge) for edge in self.edges], "mass": self.mass.tolist()}

    @classmethod
    def from_json(cls, record: Any, where: str) -> LawBins:
        """What `to_json` gave.

        Raises:
            InputError: anything else; `where` names the file.
        """
        try:
            if not isinstance(record, Mapping):
                raise TypeError
            edges = np.array([float(edge) for edge in record["edges"]], dtype=np.float64)
            mass = np.array(record["mass"], dtype=np.float64)
            good = len(edges) == len(mass) + 1 and (np.diff(edges) > 0).all() and (mass >= 0).all()
        except (KeyError, TypeError, ValueError):
            good = False
        if not good or not np.isclose(mass.sum(), 1.0):
            raise InputError(f"{where}: is damaged: expected increasing edges and masses that sum to 1")
        return cls(edges, mass)


def _cells(edges: _Array, values: _Array) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _written(edge: float) -> float | str:
    return float(edge) if np.isfinite(edge) else str(edge)
