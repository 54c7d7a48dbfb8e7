"""The pendulum of many links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from pushforward.errors import require
from pushforward.quantities.energy import MechanicalEnergy
from pushforward.systems.pendulum_base import AbstractPendulum
from pushforward.systems.pendulum_chain import PendulumChain

__all__ = ["NLinkPendulum"]

_MOST_LINKS = 12


@final
@dataclass(frozen=True)
class NLinkPendulum(AbstractPendulum):
    """d point masses on massless rods in a plane, each hanging from the one before; the quantity is the energy.

    M(θ)ω̇ is solved for all trajectories at once. Initial states are uniform on the energy surface, as
    `PendulumChain.on_energy_surface` derives. By default three links of 1 kg and 1 m: at rest they have −58.86 J.

    Attributes:
        links: d, from 1 to 12.
        masses: in kg from the pivot outwards; one alone holds for all.
        lengths: in m; one alone holds for all.
        g: gravity in m/s².
        tolerance: see `valid`.
    """

    links: int = 3
    masses: tuple[float, ...] = (1.0,)
    lengths: tuple[float, ...] = (1.0,)
    g: float = 9.81
    tolerance: float = 0.05

    name: ClassVar[str] = "n-link-pendulum"
    formula: ClassVar[str] = "H = ½ Σ_ij M_ij(θ) ω_i ω_j − Σ_i w_i cos θ_i"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 1.6 and 8.1"
    channels: ClassVar[tuple[str, ...]] = (
        *(f"{f}_theta{i}" for i in (1, 2, 3) for f in ("sin", "cos")),
        *(f"omega{i}" for i in (1, 2, 3)),
    )
    units: ClassVar[tuple[str, ...]] = ("",) * 6 + ("rad/s",) * 3
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.05
    default_intended: ClassVar[str] = "uniform(-40, 20)"

    def __post_init__(self) -> None:
        """Refuse what does not fit, and name the channels of as many links as there are."""
        super().__post_init__()
        d = self.links
        angles = [f"{f}_theta{i + 1}" for i in range(d) for f in ("sin", "cos")]
        object.__setattr__(self, "channels", (*angles, *(f"omega{i + 1}" for i in range(d))))
        object.__setattr__(self, "units", ("",) * (2 * d) + ("rad/s",) * d)

    @property
    def chain(self) -> PendulumChain:
        """The pendulums' mechanics."""
        require(1 <= self.links <= _MOST_LINKS, f"got {self.links} links; expected 1 to {_MOST_LINKS}")
        for setting in ("masses", "lengths"):
            given = len(getattr(self, setting))
            require(given in (1, self.links), f"got {given} {setting}; expected one, or {self.links}")
        masses = self.masses if len(self.masses) > 1 else self.masses * self.links
        lengths = self.lengths if len(self.lengths) > 1 else self.lengths * self.links
        return PendulumChain(masses, lengths, self.g)

    @property
    def quantity(self) -> MechanicalEnergy:
        """The mean energy of the states."""
        return MechanicalEnergy(masses=self.masses, lengths=self.lengths, g=self.g)
