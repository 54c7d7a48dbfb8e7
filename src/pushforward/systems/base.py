"""What a system is: a known law of motion, making trajectories whose quantity has a wanted distribution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.settings import fit_settings
from pushforward.trajectories import Trajectories

__all__ = ["AbstractSystem", "draw"]

# Values of one block: 64 MB in double precision.
_BLOCK_VALUES = 1 << 23


@dataclass(frozen=True)
class AbstractSystem(ABC):
    """A physical system, a frozen dataclass of its parameters.

    A concrete one declares `name`, `formula`, `source`, `channels`, `units`, `time_unit` and its usual
    `default_T`, `default_dt` and `default_intended` (in the spelling of an intended law) on the class.
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    channels: ClassVar[tuple[str, ...]] = ()
    units: ClassVar[tuple[str, ...]] = ()
    time_unit: ClassVar[str] = "s"
    default_T: ClassVar[int] = 32
    default_dt: ClassVar[float] = 1.0
    default_intended: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Make the parameters fit their declared types.

        Raises:
            InputError: a parameter of another type.
        """
        fit_settings(self, f"system {self.name!r}")

    @property
    @abstractmethod
    def quantity(self) -> AbstractQuantity:
        """The quantity whose law is wanted, as measured from a trajectory alone."""

    @abstractmethod
    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, C) trajectories with the true `quantity` (N,).

        Raises:
            InputError: a quantity that no trajectory of the system can have.
        """

    def simulate_with_conditions(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], Mapping[str, NDArray[np.float64]]]:
        """What `simulate` gives, and what else is known of each trajectory: name -> (N, ...); here nothing.

        Raises:
            InputError: as `simulate`.
        """
        return self.simulate(quantity, T, dt, rng), {}

    @abstractmethod
    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether each single trajectory is plausible: obeys the law within the stated tolerance."""

    def sample(
        self,
        n: int,
        intended: object,
        T: int | None = None,
        dt: float | None = None,
        seed: int = 0,
    ) -> Trajectories:
        """`n` trajectories whose true quantity is drawn from `intended`; it travels with them as `quantity`.

        Args:
            n: how many.
            intended: a law with `sample(n, rng)`, `rvs(size=, random_state=)` or `ppf`; a function of
                (n, rng); or samples, drawn from with replacement.
            T: time steps (default: `default_T`).
            dt: time between steps (default: `default_dt`).
            seed: the same seed gives the same bytes.

        Raises:
            InputError: a law or number that does not fit, or a quantity that the system cannot have.
        """
        return Trajectories.concat(list(self.sample_batches(n, intended, T, dt, seed)))

    def sample_batches(
        self,
        n: int,
        intended: object,
        T: int | None = None,
        dt: float | None = None,
        seed: int = 0,
    ) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, ...)` in batches, in memory that does not grow with n.

        Raises:
            InputError: as `sample`.
        """
        T = self.default_T if T is None else T
        dt = self.default_dt if dt is None else dt
        require(n >= 1, f"system {self.name!r}: got n = {n}; expected at least 1")
        require(T >= 2, f"system {self.name!r}: got T = {T}; expected at least 2")
        require(0 < dt < float("inf"), f"system {self.name!r}: got dt = {dt}; expected a positive number")
        size = max(_BLOCK_VALUES // (T * len(self.channels)), 1)
        for block, start in enumerate(range(0, n, size)):
            # Every block has a stream of its own, so that no block needs those before it.
            rng = np.random.default_rng(seed if block == 0 else [seed, block])
            quantity = draw(intended, min(size, n - start), rng)
            values, conditions = self.simulate_with_conditions(quantity, T, dt, rng)
            yield self._labelled(values, quantity, dt, conditions)

    def _labelled(
        self,
        values: NDArray[np.float64],
        quantity: NDArray[np.float64],
        dt: float,
        conditions: Mapping[str, NDArray[np.float64]],
    ) -> Trajectories:
        lost = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
        if len(lost):
            raise InputError(
                f"system {self.name!r}: the motion diverges for {len(lost)} of {len(values)} trajectories, first for "
                f"{self.quantity.name} = {quantity[lost[0]]:g}; expected a smaller dt, or parameters with finite motion"
            )
        return Trajectories(
            values=values.astype(np.float32),
            dt=dt,
            channels=self.channels,
            units=self.units,
            conditions=conditions,
            quantity=quantity,
            quantity_name=self.quantity.label,
            time_unit=self.time_unit,
        )

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw trajectories on matplotlib `axes`; by default the first channel over time."""
        time = np.arange(trajectories.T) * trajectories.dt
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(time[:steps], values[:steps, 0], linewidth=0.8)
        axes.set_xlabel(f"time ({trajectories.time_unit})")
        unit = trajectories.units[0]
        axes.set_ylabel(f"{trajectories.channels[0]} ({unit})" if unit else trajectories.channels[0])


def draw(intended: Any, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) independent draws from a law: see `AbstractSystem.sample`.

    Raises:
        InputError: something that is no law, or draws that are not finite numbers.
    """
    if hasattr(intended, "sample"):
        drawn = intended.sample(n, rng)
    elif hasattr(intended, "rvs"):
        drawn = intended.rvs(size=n, random_state=rng)
    elif hasattr(intended, "ppf"):
        drawn = intended.ppf(rng.random(n))
    elif callable(intended):
        drawn = intended(n, rng)
    else:
        drawn = _drawn_from_samples(intended, n, rng)
    values = np.asarray(drawn, dtype=np.float64)
    require(values.shape == (n,), f"intended: its draws have shape {values.shape}; expected ({n},)")
    require(
        bool(np.isfinite(values).all()), "intended: its draws hold NaN or infinity; expected finite numbers"
    )
    return values


def _drawn_from_samples(intended: Any, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    expected = "expected a law (such as uniform(3.5, 4)), a function of (n, rng), or samples"
    try:
        samples = np.asarray(intended, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"intended: got {printable(type(intended).__name__)}; {expected}") from None
    require(samples.ndim == 1 and len(samples) > 0, f"intended: got shape {samples.shape}; {expected}")
    chosen: NDArray[np.float64] = rng.choice(samples, size=n)
    return chosen
