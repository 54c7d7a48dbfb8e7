"""What a representation is: an invertible change of coordinates z = ψ(x) to train in, decoded after sampling."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.positions import positions_of
from pushforward.quantities.settings import fit_settings
from pushforward.trajectories import Trajectories
from pushforward.validation import owned

__all__ = ["AbstractRepresentation", "Channels", "Space"]

_Array = NDArray[np.float64]
Channels = tuple[tuple[str, ...], tuple[str, ...]]
"""Names and units."""

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class Space:
    """The coordinates that a representation was fitted on and returns to.

    Attributes:
        channels: names of x's channels.
        units: their units.
        quantity_name: the quantity that belongs to x.
        spread: standard deviation of each channel over valid steps, the scale of round-trip errors.
        start: of codes whose first step is of another kind than the others: (4, D) mean and spread of the first
            step, then of the others; else empty.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    quantity_name: str | None
    spread: tuple[float, ...]
    start: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class AbstractRepresentation(ABC):
    """An invertible, batched change of coordinates ψ: decode(encode(x)) = x to rounding.

    A concrete one is a frozen dataclass of its settings in one file. It declares the names below, its codes'
    channels, and ψ and ψ⁻¹ on float64 blocks; what it learns from data (means, axes) are fields with
    `metadata={"learned": True}` that `learn` fills. Call `fitted` before anything else.

    Class attributes:
        name: in kebab-case, as in the registry.
        formula: ψ in one line.
        source: where it is from.
        marks_start: whether the first step of the codes holds x_0 itself, unlike all later ones. It is then moved
            to the mean and spread of the others, so that a model sees one scale.
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = "pushforward"
    marks_start: ClassVar[bool] = False

    space: Space | None = field(default=None, kw_only=True, metadata={"learned": True})

    def __post_init__(self) -> None:
        """Make the settings fit their declared types.

        Raises:
            InputError: a setting of another type.
        """
        fit_settings(self, f"representation {self.name!r}")

    @abstractmethod
    def codes(self, space: Space) -> Channels:
        """Names and units of the codes of `space`.

        Raises:
            InputError: the representation does not apply to these channels.
        """

    @abstractmethod
    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """ψ: (n, T, C) to (n, T, D). Beyond `steps` (n,) the values do not matter, but are finite."""

    @abstractmethod
    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """ψ⁻¹: (n, T, D) to (n, T, C), defined for every z that a model may make."""

    def learn(self, trajectories: Trajectories, space: Space) -> Self:
        """The same representation with what it takes from the data."""
        return self

    def settled(
        self, z: NDArray[np.float32], trajectories: Trajectories, space: Space
    ) -> NDArray[np.float32]:
        """Codes (N, T, D) corrected where decoding would enlarge their rounding; most need nothing."""
        return z

    def fitted(self, trajectories: Trajectories) -> Self:
        """The representation of data like `trajectories`.

        Raises:
            InputError: no trajectories, or channels that it does not apply to.
        """
        require(len(trajectories) > 0, f"{self._owner}: got no trajectories; expected at least one")
        spread = np.sqrt(_moments(trajectories.values, trajectories.mask)[1])
        space = Space(
            trajectories.channels, trajectories.units, trajectories.quantity_name, tuple(spread.tolist())
        )
        self.codes(space)
        learned = replace(self.learn(trajectories, space), space=space)
        if not self.marks_start:
            return learned
        z = learned._blockwise(trajectories, learned.forward)
        later = trajectories.mask.copy()
        later[:, 0] = False
        # What has no code is found when it is encoded.
        with np.errstate(all="ignore"):
            (m_0, v_0), (m, v) = _moments(z, ~later & trajectories.mask), _moments(z, later)
        # A channel that is constant at either has no spread to move to: rounding is not motion.
        spread_0, spread = np.sqrt(v_0), np.sqrt(v)
        alike = (spread_0 <= 1e-6 * np.abs(m_0)) | (spread <= 1e-6 * np.abs(m)) | (spread_0 * spread == 0)
        spread_0, spread = np.where(alike, 1.0, spread_0), np.where(alike, 1.0, spread)
        rows = (m_0, spread_0, m, spread)
        start = tuple(tuple(float(v) for v in row) for row in rows)
        return replace(learned, space=replace(space, start=start))

    def fitted_after(
        self, parts: tuple[AbstractRepresentation, ...], data: Trajectories, codes: Trajectories
    ) -> Self:
        """The representation of `codes`, which `parts` made of `data`: most need not know where they come from."""
        return self.fitted(codes)

    def encode(self, trajectories: Trajectories) -> Trajectories:
        """The codes of trajectories: as many, as long, with the codes' channels and units.

        Raises:
            InputError: not fitted, other channels than those fitted on, or a trajectory that has no code (named by
                its index).
        """
        space = self.known_space
        require(
            trajectories.channels == space.channels,
            f"{self._owner}: got channels {printable(', '.join(trajectories.channels))}; expected "
            f"{printable(', '.join(space.channels))}",
        )
        z = self._blockwise(trajectories, self.forward)
        bad = np.flatnonzero(~np.isfinite(z).all(axis=(1, 2)))
        if len(bad):
            raise InputError(
                f"{self._owner}: trajectory {bad[0]} has no code ({len(bad)} of {len(trajectories)}); "
                f"expected values where {self.formula} is defined"
            )
        rounded = self.settled(self.aligned(z, 0, 2).astype(np.float32), trajectories, space)
        channels, units = self.codes(space)
        return replace(
            trajectories,
            values=owned(rounded),
            channels=channels,
            units=units,
            quantity_name=None,
        )

    def decode(self, codes: Trajectories) -> Trajectories:
        """The trajectories that codes stand for, with the names, units and quantity of the data.

        Raises:
            InputError: not fitted, or channels that are not those of the codes.
        """
        space = self.known_space
        expected, _ = self.codes(space)
        require(
            codes.channels == expected,
            f"{self._owner}: got codes of channels {printable(', '.join(codes.channels))}; expected "
            f"{printable(', '.join(expected))}",
        )

        def back(z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
            return self.backward(self.aligned(z, 2, 0), steps, space)

        x = self._blockwise(codes, back)
        return replace(
            codes,
            values=owned(x.astype(np.float32)),
            channels=space.channels,
            units=space.units,
            quantity_name=space.quantity_name,
        )

    def round_trip_error(self, trajectories: Trajectories) -> _Array:
        """(N,) largest |x − decode(encode(x))| of each trajectory, in standard deviations of the channel.

        Longitudes a full turn apart are the same place.
        """
        again = self.decode(self.encode(trajectories))
        spread = np.asarray(self.known_space.spread)
        difference = again.values - trajectories.values
        turn = _turn(trajectories)
        if turn is not None:
            east = difference[:, :, turn[0]]
            difference[:, :, turn[0]] = np.remainder(east + turn[1] / 2, turn[1]) - turn[1] / 2
        error = np.abs(difference) / np.where(spread > 0, spread, 1.0)
        return np.asarray(
            np.where(trajectories.mask[:, :, None], error, 0.0).max(axis=(1, 2)), dtype=np.float64
        )

    def checked(self, trajectories: Trajectories, tolerance: float = 1e-3) -> Self:
        """Fitted on the data and found invertible there.

        Raises:
            InputError: a trajectory that does not come back within `tolerance` standard deviations; names the first.
        """
        found = self.fitted(trajectories)
        error = found.round_trip_error(trajectories)
        bad = np.flatnonzero(~(error <= tolerance))
        if len(bad):
            raise InputError(
                f"{self._owner}: is not invertible on the data: trajectory {bad[0]} comes back {error[bad[0]]:.2g} "
                f"standard deviations off ({len(bad)} of {len(trajectories)}); expected at most {tolerance:g}"
            )
        return found

    @property
    def known_space(self) -> Space:
        """The fitted space.

        Raises:
            InputError: not fitted yet.
        """
        if self.space is None:
            raise InputError(f"{self._owner}: is not fitted yet; call fitted(trajectories) first")
        return self.space

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, without what was learned."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get("learned")}

    @property
    def label(self) -> str:
        """How it is shown and spelled: the name, and the settings that differ from the defaults."""
        given = [
            f"{f.name}={getattr(self, f.name)}"
            for f in fields(self)
            if not f.metadata.get("learned") and getattr(self, f.name) != f.default
        ]
        return self.name + (f"({', '.join(given)})" if given else "")

    @property
    def _owner(self) -> str:
        return f"representation {self.name!r}"

    def aligned(self, z: _Array, source: int, target: int) -> _Array:
        """z with its first step moved from the mean and spread of row `source` of `start` to those of `target`."""
        start = np.asarray(self.known_space.start)
        if not len(start):
            return z
        moved = z.copy()
        moved[:, 0] = (z[:, 0] - start[source]) / start[source + 1] * start[target + 1] + start[target]
        return moved

    def _blockwise(self, trajectories: Trajectories, change: Any) -> _Array:
        space, size = self.known_space, max(1, _BLOCK_VALUES // (trajectories.T * trajectories.C))
        with np.errstate(all="ignore"):
            parts = [
                change(part.values.astype(np.float64), part.steps, space)
                for part in trajectories.batches(size)
            ]
        return np.concatenate(parts) if len(parts) > 1 else np.asarray(parts[0])


def _turn(trajectories: Trajectories) -> tuple[int, float] | None:
    """Place of the longitude and its full turn, of positions on the Earth."""
    names = [name.lower() for name in trajectories.channels]
    if not any(name.startswith("lon") or name == "lng" for name in names):
        return None
    position = positions_of(trajectories)
    return (position.index[1], 2 * np.pi / position.to_radians) if position.geographic else None


def _moments(values: NDArray[Any], mask: NDArray[np.bool_]) -> tuple[_Array, _Array]:
    """(C,) mean and variance over the steps of `mask`."""
    count = max(int(mask.sum()), 1)
    mean = np.einsum("ntc,nt->c", values, mask, dtype=np.float64) / count
    square = np.einsum("ntc,nt->c", np.square(values - mean), mask, dtype=np.float64) / count
    return mean, square
