"""Parts of a deviation: segments of time, channels, frequency bands, noise levels. Parts add to the whole."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pushforward.errors import InputError, named, printable, require
from pushforward.explain.shapley_values import MOST_PARTS
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.trajectories import Trajectories

__all__ = ["NAMES", "AbstractParts", "Channels", "FrequencyBands", "NoiseLevels", "TimeSegments", "parts_for"]

Deviation = NDArray[np.float32]
# Draws δ = x' − x from the same random numbers each time: at the kernel's own scale (None) or at another.
Draw = Callable[[float | None], Deviation]
# Kernels whose scale is a noise level: what they do at σ holds what they do below it.
_NOISE_LEVEL_KERNELS = frozenset({"local-score", "denoise"})


class AbstractParts(ABC):
    """A way to cut deviations into a few parts δ = Σ_k δ_k.

    Class attributes:
        name: how it is named on the command line.
    """

    name: ClassVar[str] = ""

    @abstractmethod
    def labels(self, trajectories: Trajectories) -> tuple[str, ...]:
        """What the parts are, in words; (n,).

        Raises:
            InputError: the data cannot be cut so.
        """

    @abstractmethod
    def split(self, draw: Draw, block: Trajectories) -> Sequence[Deviation]:
        """The n parts (N, T, C) of a block's deviations; their sum is x' − x at every valid step."""


@final
@dataclass(frozen=True)
class TimeSegments(AbstractParts):
    """Equal parts of each trajectory's own duration.

    Attributes:
        count: 1 to 6.
    """

    name: ClassVar[str] = "time"
    count: int = 4

    def __post_init__(self) -> None:
        """Refuse what there are too many coalitions of."""
        _check(self.name, self.count)

    def labels(self, trajectories: Trajectories) -> tuple[str, ...]:
        """Steps where all trajectories are of one length, else shares of the duration."""
        n = min(self.count, trajectories.T)
        if trajectories.lengths is None:
            edges = np.searchsorted(self._segment(trajectories.select(slice(0, 1)))[0], np.arange(n + 1))
            return tuple(
                f"step {a}" if b == a + 1 else f"steps {a}–{b - 1}" for a, b in itertools.pairwise(edges)
            )
        return tuple(f"{100 * k / n:.0f}–{100 * (k + 1) / n:.0f} % of the time" for k in range(n))

    def split(self, draw: Draw, block: Trajectories) -> Sequence[Deviation]:
        """Zero outside the segment."""
        delta, segment = draw(None), self._segment(block)
        n = min(self.count, block.T)
        return [np.where((segment == k)[:, :, None], delta, np.float32(0)) for k in range(n)]

    def _segment(self, block: Trajectories) -> NDArray[np.int64]:
        n = min(self.count, block.T)
        step = np.arange(block.T)[None, :] * n // block.steps[:, None]
        return np.asarray(np.minimum(step, n - 1), dtype=np.int64)


@final
@dataclass(frozen=True)
class Channels(AbstractParts):
    """Each channel by itself; where there are more than six, neighbouring ones together."""

    name: ClassVar[str] = "channels"

    def labels(self, trajectories: Trajectories) -> tuple[str, ...]:
        """The channels' names."""
        named_parts = []
        for part in _even(trajectories.C):
            names = [printable(trajectories.channels[c], 24) for c in part]
            named_parts.append(names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}")
        return tuple(named_parts)

    def split(self, draw: Draw, block: Trajectories) -> Sequence[Deviation]:
        """Zero in the other channels."""
        delta = draw(None)
        parts = []
        for channels in _even(block.C):
            part = np.zeros_like(delta)
            part[:, :, channels] = delta[:, :, channels]
            parts.append(part)
        return parts


@final
@dataclass(frozen=True)
class FrequencyBands(AbstractParts):
    """Octaves of the deviations' cosine transform (DCT-II over time), the lowest with all that is slower.

    Attributes:
        count: 1 to 6.
    """

    name: ClassVar[str] = "frequency"
    count: int = 4

    def __post_init__(self) -> None:
        """Refuse what there are too many coalitions of."""
        _check(self.name, self.count)

    def labels(self, trajectories: Trajectories) -> tuple[str, ...]:
        """Periods in time steps, the slowest first."""
        edges = self._edges(trajectories.T)
        n = len(edges) - 1
        if n == 1:
            return ("all periods",)
        octaves = [f"periods of {2**k}–{2 ** (k + 1)} steps" for k in range(n - 1, 0, -1)]
        return (f"periods over {2**n} steps", *octaves)

    def split(self, draw: Draw, block: Trajectories) -> Sequence[Deviation]:
        """What of the deviation lies in each band; beyond a ragged trajectory's end it is taken as 0."""
        delta = draw(None)
        if block.lengths is not None:
            delta = np.where(block.mask[:, :, None], delta, np.float32(0))
        transform = fft.dct(delta, axis=1, norm="ortho")
        parts = []
        edges = self._edges(block.T)
        for low, high in itertools.pairwise(edges):
            kept = np.zeros_like(transform)
            kept[:, low:high] = transform[:, low:high]
            parts.append(np.asarray(fft.idct(kept, axis=1, norm="ortho", overwrite_x=True), dtype=np.float32))
        return parts

    def _edges(self, T: int) -> list[int]:
        """Coefficient k has a period of 2T/k steps; octaves that would be empty are left out."""
        count = min(self.count, max(T.bit_length(), 1))
        return sorted({0, T, *(math.ceil(T / 2**j) for j in range(1, count))})


@final
@dataclass(frozen=True)
class NoiseLevels(AbstractParts):
    """Between rising noise levels: what the kernel does at a level more than at the one below, from the same noise.

    For kernels whose scale is a noise level σ: noised to σ and brought back. The deviations at level σ_k hold those of
    all finer levels, so that δ(σ_k) − δ(σ_{k−1}) is what the coarser errors add.

    Attributes:
        levels: rising scales, at most six; the last is the kernel's own. None given: σ/8, σ/4, σ/2, σ.
    """

    name: ClassVar[str] = "noise-levels"
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse levels that do not rise."""
        _check(self.name, max(len(self.levels), 1))
        rising = all(a < b for a, b in itertools.pairwise(self.levels))
        require(
            rising and all(0 < level < math.inf for level in self.levels),
            f"noise levels: got {printable(self.levels, 80)}; expected rising numbers above 0",
        )

    @classmethod
    def below(cls, scale: float) -> NoiseLevels:
        """Three octaves below a scale."""
        return cls(tuple(scale / 2**k for k in (3, 2, 1, 0)) if scale > 0 else ())

    def labels(self, trajectories: Trajectories) -> tuple[str, ...]:
        """The levels."""
        self._given()
        shown = [f"{level:.3g}" for level in self.levels]
        return (f"σ up to {shown[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(shown)))

    def split(self, draw: Draw, block: Trajectories) -> Sequence[Deviation]:
        """Differences between neighbouring levels."""
        self._given()
        levels: list[float | None] = [*self.levels[:-1], None]
        found = [draw(level) for level in levels]
        return [found[0], *(b - a for a, b in itertools.pairwise(found))]

    def _given(self) -> None:
        if not self.levels:
            raise InputError(
                "noise levels: got none; expected NoiseLevels((0.1, 0.2, 0.5)) or a kernel with a scale"
            )


NAMES = ("time", "channels", "frequency", "noise-levels")


def parts_for(
    by: Sequence[str | AbstractParts] | None, kernel: AbstractDeviationKernel, C: int
) -> tuple[AbstractParts, ...]:
    """What was asked for; by default all that tells something of this kernel and these channels.

    Raises:
        InputError: an unknown name, or noise levels that end elsewhere than at the kernel's scale.
    """
    if by is None:
        swept = kernel.name in _NOISE_LEVEL_KERNELS and kernel.known_scale > 0
        by = ("time", *["channels"] * (C > 1), "frequency", *["noise-levels"] * swept)
    found = [_parts(one, kernel) for one in ((by,) if isinstance(by, str | AbstractParts) else by)]
    for one in found:
        if (
            isinstance(one, NoiseLevels)
            and one.levels
            and not math.isclose(one.levels[-1], kernel.known_scale)
        ):
            raise InputError(
                f"noise levels: got {one.levels[-1]:g} as the last; expected the kernel's scale {kernel.known_scale:g}"
            )
    return tuple(found)


def _parts(one: str | AbstractParts, kernel: AbstractDeviationKernel) -> AbstractParts:
    if isinstance(one, AbstractParts):
        return one
    known: dict[str, Callable[[], AbstractParts]] = {
        "time": TimeSegments,
        "channels": Channels,
        "frequency": FrequencyBands,
        "noise-levels": lambda: NoiseLevels.below(kernel.known_scale),
    }
    if one not in known:
        raise named("parts", str(one), known)
    return known[one]()


def _even(C: int) -> list[list[int]]:
    return [part.tolist() for part in np.array_split(np.arange(C), min(C, MOST_PARTS))]


def _check(name: str, count: int) -> None:
    require(
        isinstance(count, int) and 1 <= count <= MOST_PARTS,
        f"{name}: got {printable(count, 40)} parts; expected 1 to {MOST_PARTS}",
    )
