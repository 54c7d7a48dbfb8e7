"""LeRobot v3 dataset folders: `meta/info.json` and `data/chunk-*/file-*.parquet`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._block import Block
from pushforward.formats._long_table import Stretch, table_blocks
from pushforward.formats._parquet_access import column_batches, opened
from pushforward.formats.base import ReadSettings

__all__ = ["INFO", "lerobot_blocks"]

INFO = Path("meta") / "info.json"
_DEFAULT_KEY = "observation.state"
_LARGEST_INFO = 1 << 24


def lerobot_blocks(path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
    """Blocks of episodes of one feature; dt = 1/fps, `task_index` is a condition.

    Files are read in the order of their chunk and file numbers, and an episode may go on in the next file.
    """
    info = _info(path / INFO)
    key = settings.key or _DEFAULT_KEY
    feature = _feature(info, key)
    files = _files(path)
    with opened(files[0]) as file:
        names = file.schema_arrow.names
    for name in (key, "episode_index", "frame_index"):
        if name not in names:
            raise named(f"column in {files[0].name}", name, names)
    task = ["task_index"] if "task_index" in names else []
    channels = _channels(feature, key)

    def stretches() -> Iterator[Stretch]:
        for part in files:
            for columns in column_batches(part, [key, "episode_index", "frame_index", *task]):
                values = columns[key]
                yield Stretch(
                    ids=columns["episode_index"],
                    times=columns["frame_index"],
                    values=values if values.ndim == 2 else values[:, None],
                    conditions={name: columns[name] for name in task},
                )

    stored = sum(part.stat().st_size for part in files)
    like = Block(np.empty((0, 1, len(channels))), channels=channels)
    fps = _fps(info)
    yield from table_blocks(stretches(), like, size, settings, stored, spacing=1.0, dt=1.0 / fps)


def _info(path: Path) -> dict[str, Any]:
    require(path.stat().st_size <= _LARGEST_INFO, f"{INFO}: larger than {_LARGEST_INFO} bytes")
    try:
        info = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{INFO}: not valid JSON: {printable(error)}") from error
    require(
        isinstance(info, dict) and isinstance(info.get("features"), dict),
        f"{INFO}: expected features by name",
    )
    return dict(info)


def _fps(info: dict[str, Any]) -> float:
    fps = info.get("fps")
    good = isinstance(fps, int | float) and 0 < fps < 1e9
    require(good, f"{INFO}: got fps {printable(fps, longest=40)}; expected frames per second")
    return float(fps)  # type: ignore[arg-type]


def _feature(info: dict[str, Any], key: str) -> dict[str, Any]:
    features = {name: found for name, found in info["features"].items() if _is_vector(found)}
    if key not in features:
        raise named("key", key, features)
    return dict(features[key])


def _is_vector(feature: Any) -> bool:
    if not isinstance(feature, dict) or not re.match(r"float|int|uint", str(feature.get("dtype"))):
        return False
    shape = feature.get("shape")
    return (
        isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], int) and 0 < shape[0] < 100_000
    )


def _channels(feature: dict[str, Any], key: str) -> tuple[str, ...]:
    """The feature's own names, where there is a distinct one for each number; else `key[i]`."""
    width, names = feature["shape"][0], feature.get("names")
    if isinstance(names, dict) and len(names) == 1:
        # {"motors": [...]}: the single axis is named, then its entries.
        names = next(iter(names.values()))
    if isinstance(names, list) and len(names) == width and all(isinstance(name, str) for name in names):
        distinct = tuple(dict.fromkeys(names))
        if len(distinct) == width:
            return distinct
    return (key,) if width == 1 else tuple(f"{key}[{i}]" for i in range(width))


def _files(path: Path) -> list[Path]:
    found = [file for file in path.glob("data/chunk-*/*.parquet") if file.is_file()]
    require(len(found) > 0, "holds no data/chunk-*/file-*.parquet; expected at least one")

    def order(file: Path) -> tuple[list[int], list[int], str]:
        return _numbers(file.parent.name), _numbers(file.stem), file.name

    return sorted(found, key=order)


def _numbers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,18}", text)]
