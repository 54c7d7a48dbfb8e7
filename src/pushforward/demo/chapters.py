"""The chapters: what each is about, and where its trajectories come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from pushforward.errors import InputError, printable, require
from pushforward.measure import Intended

if TYPE_CHECKING:
    from pushforward.quantities.base import AbstractQuantity
    from pushforward.systems.base import AbstractSystem
    from pushforward.trajectories import Trajectories

__all__ = ["CHAPTERS", "OWN", "Chapter", "own_chapter", "own_data"]

OWN = "own"
_FEWEST = 50
_CHOICE = 0xDE40


@final
@dataclass(frozen=True)
class Chapter:
    """One system, or the user's own data.

    Attributes:
        key: names its folder.
        title: its heading.
        about: what moves and what is measured, in a sentence.
        quantity: φ, as it is spelled; "" for the system's own.
        system: a registered system; "" for the user's own data.
        settings: of the system.
        law: the intended law, simulated exactly; "" for the user's own data.
        T, dt: time steps and the time between them; 0 for the system's own.
        candidates: representations that are ranked; none named: all registered ones.
    """

    key: str
    title: str
    about: str = ""
    quantity: str = ""
    system: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    law: str = ""
    T: int = 32
    dt: float = 0.0
    candidates: tuple[str, ...] = ()

    @property
    def made_by(self) -> AbstractSystem | None:
        """The system; None for the user's own data."""
        if not self.system:
            return None
        from pushforward.systems import create

        return create(self.system, **self.settings)

    @property
    def phi(self) -> AbstractQuantity:
        """The quantity that is to keep its law."""
        from pushforward.quantities import parse

        system = self.made_by
        return parse(self.quantity) if system is None else system.quantity

    @property
    def representations(self) -> tuple[str, ...]:
        """What is ranked."""
        from pushforward.representations import REPRESENTATIONS

        return self.candidates or tuple(REPRESENTATIONS)

    def simulated(self, n: int, seed: int) -> Trajectories:
        """The system's trajectories."""
        system = self.made_by
        if system is None:
            raise InputError("demo: own data are not simulated")
        return system.sample(n, Intended.parse(self.law), T=self.T, dt=self.dt or None, seed=seed)

    def to_json(self) -> dict[str, Any]:
        """As a worker gets it."""
        record = asdict(self)
        return record | {"settings": dict(self.settings), "candidates": list(self.candidates)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(**{**record, "candidates": tuple(record["candidates"])})


CHAPTERS = (
    Chapter(
        key="logistic-map",
        title="Logistic map",
        about="Populations that follow x → r x (1 − x), each with an r of its own, which is measured.",
        system="logistic-map",
        law="uniform(3.5, 4)",
        candidates=("map-parameter", "increments", "reference-path", "cosines", "whitened"),
    ),
    Chapter(
        key="maze",
        title="Maze",
        about="A ball that a controller drives through a maze. The length of its path is measured.",
        system="maze",
        settings={"layout": "umaze"},
        law="uniform(1, 8)",
        candidates=("speed-heading", "increments", "reference-path", "cosines", "whitened"),
    ),
    Chapter(
        key="double-pendulum",
        title="Double pendulum",
        about="Two masses that hang from each other and swing chaotically. Their mechanical energy is measured.",
        system="double-pendulum",
        law="uniform(-20, 20)",
        candidates=("energy-phase", "unwrapped-angle", "increments", "cosines", "whitened"),
    ),
)


def own_data(found: Trajectories, n: int, seed: int) -> Trajectories:
    """At most n of the user's trajectories, by chance, without those that are too short to learn from.

    Raises:
        InputError: fewer than 50 of at least two steps.
    """
    kept = found if found.lengths is None else found.longer_than(2)
    usable = len(kept) if kept.T >= 2 else 0
    require(
        usable >= _FEWEST,
        f"demo: got {usable} trajectories of at least 2 steps; expected at least {_FEWEST} to train on",
    )
    if len(kept) <= n:
        return kept
    rows = np.sort(np.random.default_rng([seed, _CHOICE]).choice(len(kept), size=n, replace=False))
    return kept.select(rows)


def own_chapter(path: Path, data: Trajectories, quantity: str | None) -> Chapter:
    """The chapter of the user's own data.

    Raises:
        InputError: a quantity that is unknown, does not apply, is not defined on half of the data, or never varies.
    """
    from pushforward.quantities import default_for, parse

    spelled = quantity if quantity is not None else default_for(data)[0].label
    values = parse(spelled)(data)
    defined = np.isfinite(values)
    name = printable(spelled, 60)
    require(
        2 * int(defined.sum()) >= len(values),
        f"quantity {name!r}: is defined on {int(defined.sum())} of {len(values)} trajectories; expected at least half",
    )
    require(
        float(np.ptp(values[defined])) > 0,
        f"quantity {name!r}: is {values[defined][0]:g} on every trajectory; expected one that varies",
    )
    return Chapter(key=OWN, title=printable(path.name, 60), quantity=spelled, T=data.T, dt=data.dt)
