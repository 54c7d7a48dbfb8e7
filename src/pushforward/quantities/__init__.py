"""Quantities: named, unit-bearing measurements q = φ(x) of each trajectory."""

from __future__ import annotations

from pushforward.quantities.base import AbstractQuantity, Quantity
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
from pushforward.quantities.regions import MinimumClearance, TimeInRegion
from pushforward.quantities.registry import QUANTITIES, default_for
from pushforward.quantities.shapes import ConeHalfAngle
from pushforward.quantities.spectral import DominantFrequency
from pushforward.quantities.spelling import parse
from pushforward.quantities.storms import AccumulatedCycloneEnergy

__all__ = [
    "QUANTITIES",
    "AbstractQuantity",
    "AccumulatedCycloneEnergy",
    "ConeHalfAngle",
    "Displacement",
    "DominantFrequency",
    "Duration",
    "DystsFactor",
    "Eccentricity",
    "HenonHeilesEnergy",
    "KeplerEnergy",
    "KineticEnergy",
    "LogisticMapR",
    "LorenzRho",
    "LotkaVolterraInvariant",
    "MaxSpeed",
    "MeanAcceleration",
    "MeanCurvature",
    "MeanJerk",
    "MeanSpeed",
    "MechanicalEnergy",
    "MinimumClearance",
    "PathLength",
    "Quantity",
    "Restitution",
    "SpringChainEnergy",
    "TimeInRegion",
    "Tortuosity",
    "TotalKineticEnergy",
    "TotalMomentum",
    "TotalTurning",
    "default_for",
    "parse",
]
