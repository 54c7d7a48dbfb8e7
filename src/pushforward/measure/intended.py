"""Intended: the wanted law of a quantity, stated as a distribution."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.measure.grid import OUTER, Grid

__all__ = ["Intended", "Law"]

Array = NDArray[np.float64]
# Inner bins on the support of a bounded law; two more on each side show what was made outside it.
_OUTER_BINS = 2


class Law(Protocol):
    """What a frozen scipy distribution offers."""

    def cdf(self, x: Any) -> Any:
        """Distribution function."""

    def ppf(self, q: Any) -> Any:
        """Quantile function."""

    def mean(self) -> Any:
        """Mean."""

    def std(self) -> Any:
        """Standard deviation."""

    def support(self) -> tuple[Any, Any]:
        """Ends of the support."""

    def rvs(self, size: int, random_state: np.random.Generator) -> Any:
        """Random variates."""


@final
@dataclass(frozen=True)
class Intended:
    """π(q): the wanted law of a quantity.

    `Intended.uniform(1, 2)`, `Intended.parse("0.5*normal(0,1) + 0.5*uniform(2,3)")`, `Intended.samples(values)`, or
    `Intended(scipy.stats.gamma(2))` for any frozen scipy distribution. Of samples an audit takes the sampling
    noise into account (two samples); a distribution is taken as exact (one sample).

    Attributes:
        law: a frozen scipy distribution or a mixture of them.
        text: how it is shown.
    """

    law: Law
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not a law, or has parameters that scipy turns into NaN."""
        missing = [m for m in ("cdf", "ppf", "mean", "std", "support", "rvs") if not hasattr(self.law, m)]
        if missing:
            raise InputError(
                f"intended: got {printable(type(self.law).__name__)}; expected a frozen scipy distribution "
                "such as scipy.stats.norm(0, 1), or text such as 'uniform(1, 2)'"
            )
        if not np.isfinite(float(self.law.ppf(0.5))):
            raise InputError(f"intended {printable(self.text)!r}: its parameters give no distribution")
        if not self.text:
            frozen = getattr(self.law, "dist", None)
            arguments = ", ".join(f"{a:g}" for a in getattr(self.law, "args", ()))
            object.__setattr__(self, "text", f"{getattr(frozen, 'name', 'distribution')}({arguments})")

    @classmethod
    def of(cls, wanted: Intended | Law | str | ArrayLike) -> Intended:
        """An `Intended` from itself, a frozen scipy distribution, text or samples."""
        if isinstance(wanted, Intended):
            return wanted
        if isinstance(wanted, str):
            return cls.parse(wanted)
        if isinstance(wanted, Sequence | np.ndarray):
            return cls.samples(wanted)
        return cls(cast(Law, wanted))

    @classmethod
    def uniform(cls, low: float, high: float) -> Intended:
        """Uniform on [low, high]."""
        from scipy import stats

        require(
            math.isfinite(low) and math.isfinite(high) and low < high,
            f"uniform({low:g}, {high:g}): expected finite numbers, low < high",
        )
        return cls(stats.uniform(low, high - low), f"uniform({low:g}, {high:g})")

    @classmethod
    def samples(cls, values: ArrayLike) -> Intended:
        """The law that (n,) finite samples were drawn from.

        Raises:
            InputError: fewer than two samples, or what are not finite numbers.
        """
        array = np.asarray(values)
        require(
            array.ndim == 1
            and array.dtype.kind in "fiub"
            and len(array) >= 2
            and bool(np.isfinite(array).all()),
            f"intended samples: got {array.dtype} of shape {array.shape}; expected (n,) finite numbers, n at least 2",
        )
        return cls(_Empirical(np.sort(array.astype(np.float64))), f"{len(array):,} samples")

    @property
    def drawn(self) -> Array | None:
        """The samples that the law was given as, sorted; None for a stated law."""
        return self.law.values if isinstance(self.law, _Empirical) else None

    @classmethod
    def parse(cls, text: str) -> Intended:
        """A law from text; nothing in it is evaluated.

        `uniform(low, high)`, `normal(mean, sd)`, `truncnormal(mean, sd, low, high)`, any continuous scipy
        distribution with scipy's own parameters (`gamma(2, scale=3)`), and mixtures such as
        `0.3*normal(0, 1) + 0.7*uniform(2, 3)`.

        Raises:
            InputError: text that is not a law, unknown names, parameters out of range.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval").body
            parts = [_part(node) for node in _terms(tree)]
        except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"intended {printable(text, 60)!r}: expected a law such as 'uniform(1, 2)' or 'normal(0, 1)'"
            ) from None
        weights = [weight for weight, _ in parts]
        require(
            min(weights) > 0 and math.isclose(sum(weights), 1, abs_tol=1e-6),
            f"intended {printable(text, 60)!r}: weights {weights}; expected positive weights that sum to 1",
        )
        laws = [law for _, law in parts]
        return cls(
            laws[0] if len(laws) == 1 else _Mixture(tuple(weights), tuple(laws)), printable(text.strip())
        )

    # -- what an audit needs -------------------------------------------------------------------------------

    def mass(self, grid: Grid) -> Array:
        """(size,) probability of each cell, the same half-open cells that values are counted in."""
        edges = grid.cell_edges
        # F just below the edge: a law with atoms puts an atom on an edge into the cell to its right.
        below = np.asarray(self.law.cdf(np.nextafter(edges, -np.inf)), dtype=np.float64)
        below[OUTER + grid.cells] = float(self.law.cdf(grid.high))
        return np.clip(np.diff(np.concatenate([[0.0], below, [1.0]])), 0.0, 1.0)

    @property
    def mean(self) -> float:
        """Mean; NaN or infinite where the law has none."""
        return float(self.law.mean())

    @property
    def std(self) -> float:
        """Standard deviation."""
        return float(self.law.std())

    def quantile(self, level: float) -> float:
        """Value at a level in (0, 1)."""
        return float(self.law.ppf(level))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) draws."""
        return np.asarray(self.law.rvs(size=n, random_state=rng), dtype=np.float64)

    def range(self, bins: int) -> tuple[float, float]:
        """A range for the grid: where the law has its mass, with bin edges on the ends of a bounded support."""
        low, high = self.quantile(0.0005), self.quantile(0.9995)
        margin = 0.1 * (high - low)
        a, b = (float(end) for end in self.law.support())
        # A support much wider than the mass in it, as of a normal law cut far out, says nothing about the mass.
        if a >= low - margin and b <= high + margin and a < b and bins > 2 * _OUTER_BINS:
            width = (b - a) / (bins - 2 * _OUTER_BINS)
            return a - _OUTER_BINS * width, b + _OUTER_BINS * width
        return low - margin, high + margin


@final
@dataclass(frozen=True)
class _Mixture:
    """Σ wᵢ·lawᵢ."""

    weights: tuple[float, ...]
    laws: tuple[Law, ...]

    def cdf(self, x: ArrayLike) -> Array:
        total: Array = np.zeros(np.shape(x))
        for weight, law in zip(self.weights, self.laws, strict=True):
            total = total + weight * np.asarray(law.cdf(x))
        return total

    def ppf(self, q: ArrayLike) -> Array:
        level = np.asarray(q, dtype=np.float64)
        ends = np.stack([np.asarray(law.ppf(level), dtype=np.float64) for law in self.laws])
        low, high = ends.min(axis=0), ends.max(axis=0)
        for _ in range(200):
            middle = low + (high - low) / 2
            right = self.cdf(middle) < level
            low, high = np.where(right, middle, low), np.where(right, high, middle)
        return np.asarray(high)

    def mean(self) -> float:
        return sum(w * float(law.mean()) for w, law in zip(self.weights, self.laws, strict=True))

    def std(self) -> float:
        pairs = list(zip(self.weights, self.laws, strict=True))
        second = sum(w * (float(law.std()) ** 2 + float(law.mean()) ** 2) for w, law in pairs)
        return math.sqrt(max(second - self.mean() ** 2, 0.0))

    def support(self) -> tuple[float, float]:
        ends = [law.support() for law in self.laws]
        return min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)

    def rvs(self, size: int, random_state: np.random.Generator) -> Array:
        which = random_state.choice(len(self.laws), size=size, p=np.array(self.weights) / sum(self.weights))
        drawn = np.empty(size)
        for i, law in enumerate(self.laws):
            drawn[which == i] = law.rvs(size=int((which == i).sum()), random_state=random_state)
        return drawn


@final
@dataclass(frozen=True, eq=False)
class _Empirical:
    """The law that gives each of its (sorted) values the same mass."""

    values: Array

    def cdf(self, x: ArrayLike) -> Array:
        return np.asarray(np.searchsorted(self.values, x, side="right") / len(self.values))

    def ppf(self, q: ArrayLike) -> Array:
        level = np.asarray(q, dtype=np.float64)
        return np.asarray(np.quantile(self.values, level, method="inverted_cdf"))

    def mean(self) -> float:
        return float(self.values.mean())

    def std(self) -> float:
        return float(self.values.std(ddof=1))

    def support(self) -> tuple[float, float]:
        low, high = float(self.values[0]), float(self.values[-1])
        half = 0.0 if low < high else 0.5 * max(abs(low), 1.0)
        return low - half, high + half

    def rvs(self, size: int, random_state: np.random.Generator) -> Array:
        return random_state.choice(self.values, size=size)


def _terms(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), *_terms(node.right)]
    return [node]


def _part(node: ast.expr) -> tuple[float, Law]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return float(ast.literal_eval(node.left)), _law(node.right)
    return 1.0, _law(node)


def _law(node: ast.expr) -> Law:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError("not a law")
    arguments = [_number(argument) for argument in node.args]
    keywords = {str(keyword.arg): _number(keyword.value) for keyword in node.keywords}
    name = node.func.id
    make = _NAMED.get(name) or _scipy_law(name)
    try:
        return make(*arguments, **keywords)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        said = printable(re.sub(r"^[\w.<>]+\(\) ", "", str(error)))
        raise InputError(f"intended {printable(name, 40)}: {said}") from None


def _number(node: ast.expr) -> float:
    value = ast.literal_eval(node)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"intended: got {printable(value, 40)!r} as a parameter; expected a finite number")
    return float(value)


def _normal(mean: float, sd: float) -> Law:
    from scipy import stats

    require(sd > 0, f"normal({mean:g}, {sd:g}): expected a standard deviation above 0")
    return stats.norm(mean, sd)


def _truncnormal(mean: float, sd: float, low: float, high: float) -> Law:
    from scipy import stats

    require(
        sd > 0 and low < high,
        f"truncnormal({mean:g}, {sd:g}, {low:g}, {high:g}): expected sd > 0, low < high",
    )
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


def _uniform(low: float, high: float) -> Law:
    return Intended.uniform(low, high).law


_NAMED: dict[str, Callable[..., Law]] = {"uniform": _uniform, "normal": _normal, "truncnormal": _truncnormal}


def _scipy_law(name: str) -> Callable[..., Law]:
    from scipy import stats

    found = getattr(stats, name, None)
    if not isinstance(found, stats.rv_continuous):
        known: Sequence[str] = [*_NAMED, "norm", "gamma", "lognorm", "beta", "expon", "weibull_min", "t"]
        raise named("distribution", name, known)
    make: Callable[..., Law] = found
    return make
