"""HURDAT2, the best-track text files of the U.S. National Hurricane Center (read).

Source: C. W. Landsea and J. L. Franklin, 2013, Atlantic Hurricane Database Uncertainty and Presentation of a New
Database Format, Monthly Weather Review 141, 3576-3592.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.formats._block import Block, Episode, gathered
from pushforward.formats.base import AbstractFormat, ReadSettings

__all__ = ["Hurdat2", "Storm", "longest_run", "storms"]

_HEADER = re.compile(r"([A-Z]{2}\d{6}),([^,]*),\s*(\d{1,6}),?\s*")
_LONGEST_LINE = 4096
_SYNOPTIC = ("0000", "0600", "1200", "1800")
# Both basins of the data base lie around here, so that this turn of the globe holds each of them in one piece.
_MIDDLE_LONGITUDE = -100.0
_HOURS = 6.0
_LIKE = Block(
    np.empty((0, 1, 3)),
    dt=_HOURS,
    channels=("latitude", "longitude", "wind"),
    units=("deg", "deg", "knots"),
    time_unit="h",
    group_name="storm",
)


@dataclass(frozen=True)
class Storm:
    """One storm's records at 0000, 0600, 1200 and 1800 UTC.

    Attributes:
        name: its identifier, such as `EP011949`.
        hours: (n,) hours since 1970-01-01 UTC.
        values: (n, 3) latitude and longitude in degrees (north and east positive), wind in knots (NaN: missing).
    """

    name: str
    hours: NDArray[np.float64]
    values: NDArray[np.float64]


@final
class Hurdat2(AbstractFormat):
    """Six-hourly latitude, longitude and maximum sustained wind, one trajectory per storm, groups = storm ids.

    Records off the synoptic hours are left out. Where six-hourly records are missing, the longest run without a
    gap is kept (the first of equals). Longitude is continuous across the date line and on
    one branch for all storms (medians in [-280, 80)): neighbours are never a turn apart. A missing
    wind makes the storm invalid: see `drop_invalid`.
    """

    name: ClassVar[str] = "hurdat2"
    suffixes: ClassVar[tuple[str, ...]] = (".txt",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """A first line such as `EP011949,            UNNAMED,      7,`."""
        line = head.split(b"\n", 1)[0].strip().decode("utf-8", "replace")
        return _HEADER.fullmatch(line) is not None

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Blocks of storms, in the file's order."""
        with path.open("rb") as stream:
            found = (longest_run(storm) for storm in storms(stream))
            episodes = (Episode(storm.values, group=storm.name) for storm in found if len(storm.hours))
            yield from gathered(episodes, size, _LIKE, settings.max_length)


def storms(stream: IO[bytes]) -> Iterator[Storm]:
    """All storms of an open file, those without synoptic records included.

    Raises:
        InputError: a line that is neither a header nor a record; names the line.
    """
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        text = _decoded(line, number).strip()
        if not text:
            continue
        header = _HEADER.fullmatch(text)
        if header is None:
            raise InputError(
                f"line {number}: got {printable(text, longest=60)!r}; expected a header such as EP011949, NAME, 7,"
            )
        hours, values = [], []
        for _ in range(int(header[3])):
            line = stream.readline(_LONGEST_LINE)
            number += 1
            require(
                bool(line),
                f"line {number}: the file ends within storm {header[1]}; expected {header[3]} records",
            )
            record = _record(_decoded(line, number), number)
            if record is not None:
                hours.append(record[0])
                values.append(record[1:])
        yield Storm(header[1], np.array(hours, dtype=np.float64), np.array(values).reshape(-1, 3))


def longest_run(storm: Storm) -> Storm:
    """The storm's longest run of six-hourly records; its longitude has no jump of more than half a turn."""
    breaks = np.flatnonzero(np.diff(storm.hours) != _HOURS) + 1
    edges = np.concatenate([[0], breaks, [len(storm.hours)]])
    best = int(np.argmax(np.diff(edges)))
    kept = slice(int(edges[best]), int(edges[best + 1]))
    values = storm.values[kept].copy()
    longitude = np.unwrap(values[:, 1], period=360.0)
    turns = np.round((np.median(longitude) - _MIDDLE_LONGITUDE) / 360.0)
    values[:, 1] = longitude - 360.0 * turns
    return Storm(storm.name, storm.hours[kept], values)


def _decoded(line: bytes, number: int) -> str:
    require(len(line) < _LONGEST_LINE, f"line {number}: longer than {_LONGEST_LINE} bytes")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"line {number}: not UTF-8 text") from None


def _record(text: str, number: int) -> tuple[float, float, float, float] | None:
    """Hours, latitude, longitude and wind; None off the synoptic hours."""
    fields = [part.strip() for part in text.split(",")]
    require(len(fields) >= 7, f"line {number}: got {len(fields)} fields; expected at least 7")
    if fields[1] not in _SYNOPTIC:
        require(
            fields[1].isdecimal() and len(fields[1]) == 4, f"line {number}: got time {printable(fields[1])!r}"
        )
        return None
    try:
        when = datetime.strptime(fields[0] + fields[1], "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"line {number}: got date {printable(fields[0])!r}; expected YYYYMMDD") from None
    latitude = _degrees(fields[4], "NS", 90.0, number)
    longitude = _degrees(fields[5], "EW", 360.0, number)
    return when.timestamp() / 3600.0, latitude, (longitude + 180.0) % 360.0 - 180.0, _wind(fields[6], number)


def _degrees(text: str, signs: str, largest: float, number: int) -> float:
    """Degrees with a hemisphere's letter: the first of `signs` is positive."""
    if (
        re.fullmatch(r"-?\d{1,3}(\.\d{1,6})?[A-Z]", text)
        and text[-1] in signs
        and abs(float(text[:-1])) <= largest
    ):
        return float(text[:-1]) * (1.0 if text[-1] == signs[0] else -1.0)
    raise InputError(
        f"line {number}: got {printable(text, longest=40)!r}; expected degrees with {signs[0]} or {signs[1]}"
    )


def _wind(text: str, number: int) -> float:
    if text in ("", "-99", "-999"):
        return float("nan")
    if re.fullmatch(r"\d{1,3}", text):
        return float(text)
    raise InputError(
        f"line {number}: got wind {printable(text, longest=40)!r}; expected knots, or -99 or -999 where missing"
    )
