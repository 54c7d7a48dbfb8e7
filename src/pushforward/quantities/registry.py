"""The registered quantities by name, and which of them suit given data."""

from __future__ import annotations

from pushforward.errors import named
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.chaos import DystsFactor
from pushforward.quantities.energy import HenonHeilesEnergy, MechanicalEnergy, SpringChainEnergy
from pushforward.quantities.flows import LorenzRho, LotkaVolterraInvariant
from pushforward.quantities.geometry import Displacement, MeanCurvature, PathLength, Tortuosity, TotalTurning
from pushforward.quantities.impacts import Restitution, TotalKineticEnergy, TotalMomentum
from pushforward.quantities.kinematics import (
    Duration,
    KineticEnergy,
    MaxSpeed,
    MeanAcceleration,
    MeanJerk,
    MeanSpeed,
)
from pushforward.quantities.orbits import Eccentricity, KeplerEnergy
from pushforward.quantities.parameters import LogisticMapR
from pushforward.quantities.positions import positions_of
from pushforward.quantities.regions import MinimumClearance, TimeInRegion
from pushforward.quantities.shapes import ConeHalfAngle
from pushforward.quantities.spectral import DominantFrequency
from pushforward.quantities.spelling import settings_applied, split_call
from pushforward.quantities.storms import AccumulatedCycloneEnergy
from pushforward.trajectories import Trajectories

__all__ = ["QUANTITIES", "default_for", "registered"]

QUANTITIES: dict[str, type[AbstractQuantity]] = {
    quantity.name: quantity
    for quantity in (
        PathLength,
        Displacement,
        Tortuosity,
        TotalTurning,
        MeanCurvature,
        TimeInRegion,
        MinimumClearance,
        Duration,
        MeanSpeed,
        MaxSpeed,
        MeanAcceleration,
        MeanJerk,
        KineticEnergy,
        DominantFrequency,
        AccumulatedCycloneEnergy,
        LogisticMapR,
        ConeHalfAngle,
        MechanicalEnergy,
        HenonHeilesEnergy,
        KeplerEnergy,
        Eccentricity,
        SpringChainEnergy,
        LotkaVolterraInvariant,
        LorenzRho,
        DystsFactor,
        Restitution,
        TotalKineticEnergy,
        TotalMomentum,
    )
}


def registered(text: str) -> AbstractQuantity:
    """The registered quantity spelled `name` or `name(setting=value, ...)`; never imports anything.

    Raises:
        InputError: an unknown name (the valid ones are listed), or settings that do not fit.
    """
    name, settings = split_call(text)
    if name not in QUANTITIES:
        raise named("quantity", name, QUANTITIES)
    return settings_applied(QUANTITIES[name], settings)


def default_for(trajectories: Trajectories) -> list[AbstractQuantity]:
    """What to measure where the user names nothing: the data's own quantity, else its motion.

    The data's own name is only looked up among the registered ones: a file must not choose code to run.

    Raises:
        InputError: the data names a quantity that is not registered.
    """
    if trajectories.quantity_name:
        return [registered(trajectories.quantity_name)]
    chosen: list[AbstractQuantity] = [PathLength(), Displacement(), MeanSpeed()]
    energy = AccumulatedCycloneEnergy()
    if positions_of(trajectories).geographic and energy.applies_to(trajectories):
        chosen.append(energy)
    return chosen
