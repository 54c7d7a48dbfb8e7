"""Units of length, angle and time, with products and powers of them such as `km/h` and `m/s²`."""

from __future__ import annotations

import math
import re

from pushforward.errors import InputError, named, printable, require

__all__ = ["UNITS", "converts", "factor", "per", "squared"]

# unit -> (dimension, how many of the dimension's base unit: metre, radian, second).
UNITS: dict[str, tuple[str, float]] = {
    "mm": ("length", 1e-3),
    "cm": ("length", 1e-2),
    "m": ("length", 1.0),
    "km": ("length", 1e3),
    "mi": ("length", 1609.344),
    "nmi": ("length", 1852.0),
    "deg": ("angle", math.pi / 180),
    "rad": ("angle", 1.0),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
}
# Other spellings seen in data files.
_SPELLINGS = {
    "kt": "nmi/h",
    "kts": "nmi/h",
    "kn": "nmi/h",
    "knot": "nmi/h",
    "knots": "nmi/h",
    "mph": "mi/h",
    "Hz": "1/s",
    "degree": "deg",
    "degrees": "deg",
    "°": "deg",
    "degrees_north": "deg",
    "degrees_east": "deg",
    "radian": "rad",
    "radians": "rad",
    "metre": "m",
    "metres": "m",
    "meter": "m",
    "meters": "m",
    "second": "s",
    "seconds": "s",
    "sec": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "hr": "h",
}
_POWERS = {"²": 2, "³": 3, "^2": 2, "^3": 3, "": 1}
_FACTOR = re.compile(r"(?P<unit>[^\W\d²³]+|°)(?P<power>²|³|\^2|\^3|)")


def factor(old: str, new: str) -> float:
    """How many `new` are one `old`: x [old] = factor(old, new) · x [new].

    Raises:
        InputError: a unit that is not known, or units of different dimensions.
    """
    if old == new:
        return 1.0
    require(old != "", f"unit: cannot convert to {printable(new)!r}: the data does not say its own unit")
    (size, dimension), (wanted_size, wanted_dimension) = _parsed(old), _parsed(new)
    if dimension != wanted_dimension:
        raise InputError(
            f"unit: cannot convert {printable(old)!r} ({_spelled(dimension)}) to {printable(new)!r} "
            f"({_spelled(wanted_dimension)})"
        )
    return size / wanted_size


def converts(old: str, new: str) -> bool:
    """Whether `old` is known and of the same dimension as `new`."""
    try:
        factor(old, new)
    except InputError:
        return False
    return True


def per(unit: str, time_unit: str, power: int = 1) -> str:
    """`unit` per `time_unit` to the power: per("km", "h") is "km/h"; "" where the unit is not known."""
    return f"{unit}/{time_unit}{_power(power)}" if unit and time_unit else ""


def squared(unit: str) -> str:
    """The unit's square: squared("m/s") is "m²/s²"; "" where the unit is not known."""
    simple = re.fullmatch(r"([a-zµ]+)/([a-z]+)", unit)
    if simple:
        return f"{simple[1]}²/{simple[2]}²"
    return f"({unit})²" if unit else ""


def _power(power: int) -> str:
    return {1: "", 2: "²", 3: "³"}[power]


def _parsed(text: str) -> tuple[float, dict[str, int]]:
    """(size in base units, powers by dimension) of a product such as `m/s²` or `1/h`."""
    size = 1.0
    dimension: dict[str, int] = {}
    for position, part in enumerate(_SPELLINGS.get(text, text).split("/")):
        sign = -1 if position else 1
        if part == "1" and not position:
            continue
        match = _FACTOR.fullmatch(part)
        unit = "" if match is None else _SPELLINGS.get(match["unit"], match["unit"])
        if match is None or unit not in UNITS:
            raise named("unit", unit or text, UNITS)
        power = sign * _POWERS[match["power"]]
        kind, one = UNITS[unit]
        size *= one**power
        dimension[kind] = dimension.get(kind, 0) + power
    return size, {kind: power for kind, power in dimension.items() if power}


def _spelled(dimension: dict[str, int]) -> str:
    parts = [kind + ("" if power == 1 else f"^{power}") for kind, power in sorted(dimension.items())]
    return " ".join(parts) or "a pure number"
