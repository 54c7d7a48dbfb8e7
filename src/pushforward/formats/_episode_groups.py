"""One HDF5 group per episode, as robomimic (`data/demo_3/obs/...`) and Minari (`episode_3/observations`) have it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._block import Block, Episode, gathered
from pushforward.formats._hdf5_access import DatasetRows, attribute, dataset_in, group_in, names_in
from pushforward.formats.base import ReadSettings

__all__ = ["episode_blocks", "episode_names", "robomimic_dt"]

_LARGEST_ENV_ARGS = 1 << 20
_DEEPEST = 4


def episode_names(group: Any, prefix: str) -> list[str]:
    """Names such as `demo_0`, `demo_1`, ..., in the order of their numbers."""
    pattern = re.compile(re.escape(prefix) + r"_(\d{1,15})")
    found = [(int(match[1]), name) for name in names_in(group) if (match := pattern.fullmatch(name))]
    return [name for _, name in sorted(found)]


def episode_blocks(
    parent: Any, prefix: str, default: str, settings: ReadSettings, size: int, stored: int, dt: float = 1.0
) -> Iterator[Block]:
    """Blocks of episodes; the channels of key `k` of width w are `k[0]` ... `k[w-1]`, or `k` where w = 1.

    `default` names the group or dataset of observations. `settings.key` chooses another one: a path within the
    episode (`actions`, `obs/pos`) or within the observations (`pos`).
    """
    names = episode_names(parent, prefix)
    require(len(names) > 0, f"holds no {prefix}_* groups; expected at least one")
    first = group_in(parent, names[0])
    keys = _keys(first, settings.key, default, stored)
    widths = {key: _width(dataset_in(first, key, stored)) for key in keys}
    channels = tuple(channel for key in keys for channel in _channels(key, widths[key], default))

    def episodes() -> Iterator[Episode]:
        for name in names:
            yield Episode(_values(group_in(parent, name), name, keys, widths, stored, settings.max_length))

    like = Block(np.empty((0, 1, len(channels))), dt=dt, channels=channels)
    yield from gathered(episodes(), size, like)


def robomimic_dt(data: Any) -> float:
    """1 / control_freq of the recorded environment, 1 where the file does not say."""
    text = attribute(data, "env_args")
    if not isinstance(text, str | bytes) or len(text) > _LARGEST_ENV_ARGS:
        return 1.0
    try:
        frequency = json.loads(text)["env_kwargs"]["control_freq"]
        return 1.0 / float(frequency) if 0 < float(frequency) < math.inf else 1.0
    except (ValueError, TypeError, KeyError, RecursionError):
        return 1.0


def _keys(episode: Any, key: str | None, default: str, stored: int) -> list[str]:
    """The datasets to concatenate, as paths within the episode."""
    offered = _numeric(episode, stored)
    if key is None:
        # An observation may be one array or a group of arrays; a file without observations has its actions.
        wanted = [name for name in offered if name == default or name.startswith(default + "/")] or [
            name for name in offered if name == "actions"
        ]
        require(
            len(wanted) > 0,
            f"{printable(episode.name)}: no numeric {default} (steps, channels); expected one, or `key` set to one of "
            f"{printable(', '.join(offered)) or 'none'}",
        )
        return wanted
    for path in (key, f"{default}/{key}"):
        under = [name for name in offered if name == path or name.startswith(path + "/")]
        if under:
            return under
    raise named("key", key, offered)


def _numeric(group: Any, stored: int, prefix: str = "") -> list[str]:
    """Paths of all real datasets (steps,) or (steps, channels) below an episode's group."""
    import h5py

    found: list[str] = []
    for name in sorted(names_in(group)):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise InputError(
                f"{printable(prefix + name)}: is a link out of the group; only hard links are followed"
            )
        member = group[name]
        if isinstance(member, h5py.Group) and prefix.count("/") < _DEEPEST:
            found += _numeric(member, stored, f"{prefix}{name}/")
        elif (
            isinstance(member, h5py.Dataset)
            and member.dtype.kind in "fiu"
            and len(member.shape or ()) in (1, 2)
        ):
            found.append(prefix + name)
    return found


def _width(rows: DatasetRows) -> int:
    require(
        len(rows.shape) in (1, 2),
        f"{rows.name}: got shape {rows.shape}; expected (steps, channels) or (steps,)",
    )
    return rows.shape[1] if len(rows.shape) == 2 else 1


def _channels(key: str, width: int, default: str) -> Iterator[str]:
    name = key.removeprefix(f"{default}/")
    return iter([name]) if width == 1 else (f"{name}[{i}]" for i in range(width))


def _values(
    episode: Any, name: str, keys: list[str], widths: dict[str, int], stored: int, cut: int | None
) -> NDArray[Any]:
    parts = []
    for key in keys:
        rows = dataset_in(episode, key, stored)
        got = _width(rows)
        require(got == widths[key], f"{name}/{printable(key)}: got {got} channels; expected {widths[key]}")
        parts.append(rows.rows(0, min(rows.shape[0], cut or rows.shape[0])).reshape(-1, got))
    steps = {len(part) for part in parts}
    require(len(steps) == 1, f"{name}: its arrays have {sorted(steps)} steps; expected one length")
    return np.concatenate(
        parts, axis=1, dtype=np.float64 if any(p.dtype.itemsize > 4 for p in parts) else None
    )
