"""Reads damaged copies of a valid file or folder and tells what came of each: one JSON line per copy.

Usage: python fuzz_worker.py SAMPLE FOLDER FIRST LAST SEED. It runs as a process of its own, so that a crash or a hang
in a C library is an outcome that the test can count, not the end of the test.
"""

from __future__ import annotations

import json
import shutil
import sys
import traceback
from pathlib import Path

import numpy as np

from pushforward import InputError, Trajectories
from pushforward.formats import read
from pushforward.formats.measurements import value_batches

OWN_FAULTS = (AttributeError, TypeError, IndexError, AssertionError, NameError)


def flip(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 9))):
        array[int(rng.integers(len(array)))] ^= 1 << int(rng.integers(8))


def truncate(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    del array[at:]


def splice(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    array[at:at] = array[int(rng.integers(len(array))) :][:size]


def repeat(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    array[at:at] = array[at : at + size] * int(rng.integers(1, 5))


def scribble(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    block = len(array[at : at + size])
    array[at : at + block] = rng.integers(0, 256, block, dtype=np.uint8).tobytes()


def poke(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    array[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b"9-,\n"]))


def enlarge(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    value = int(rng.choice([0, 1, -1, 1 << 31, (1 << 31) - 1, (1 << 63) - 1, 1 << 40, 1 << 20]))
    array[at : at + 8] = (value % (1 << 64)).to_bytes(8, "little")[: len(array[at : at + 8])]


def cut(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    del array[at : at + size]


def blank(array: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    array[at : at + size] = bytes(len(array[at : at + size]))


DAMAGE = (flip, truncate, splice, repeat, scribble, poke, enlarge, cut, blank)


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to three kinds of damage; headers and footers, which say how the rest is read, more often."""
    array = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if not array:
            return bytes(rng.integers(0, 256, 16, dtype=np.uint8))
        size, at = int(rng.integers(1, min(len(array), 256) + 1)), int(rng.integers(len(array)))
        if rng.random() < 0.4:
            near = int(rng.integers(min(len(array), 512)))
            at = near if rng.random() < 0.5 else len(array) - 1 - near
        DAMAGE[int(rng.integers(len(DAMAGE)))](array, at, size, rng)
    return bytes(array)


def damaged(sample: Path, folder: Path, rng: np.random.Generator) -> Path:
    """A copy of the sample under `folder`, with one file of it damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    target = folder / sample.name
    if sample.is_file():
        target.write_bytes(mutate(sample.read_bytes(), rng))
        return target
    shutil.copytree(sample, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    victim = files[int(rng.integers(len(files)))]
    victim.write_bytes(mutate(victim.read_bytes(), rng))
    return target


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def peak_mib() -> int:
    """This process's largest resident memory; `ru_maxrss` would count that of the process it was started from."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def outcome(path: Path, format: str | None) -> str:
    """`valid`, `refused`, or what went wrong."""
    try:
        if path.name.startswith("values"):
            return _measured(path)
        found = read(path, format=format)
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, OWN_FAULTS):
            last = traceback.extract_tb(cause.__traceback__)[-1]
            if "pushforward" in last.filename:
                return f"own fault: {type(cause).__name__} at {last.filename}:{last.lineno}: {cause}"
        one_line = "\n" not in str(error) and path.name in str(error)
        return "refused" if one_line else f"message: {error!r}"
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    good = isinstance(found, Trajectories) and len(found) > 0 and bool(np.isfinite(found.values).all())
    return "valid" if good else f"not valid: {found!r}"


def _measured(path: Path) -> str:
    return (
        "valid"
        if all(values.dtype == np.float64 for values, _ in value_batches(path, "energy"))
        else "not float64"
    )


def main(sample: Path, folder: Path, first: int, last: int, seed: int) -> None:
    outcome(sample, None)
    baseline = peak_mib()
    formats = {
        ".npz": "npz",
        ".npy": "npy",
        ".hdf5": "hdf5",
        ".h5": "hdf5",
        ".parquet": "parquet",
        ".csv": "csv",
    }
    for index in range(first, last):
        rng = np.random.default_rng([seed, index])
        path = damaged(sample, folder, rng)
        before = contents(folder)
        sys.stdout.write(json.dumps({"index": index}) + "\n")
        sys.stdout.flush()
        result = outcome(path, formats.get(sample.suffix) if index % 2 else None)
        if contents(folder) != before:
            result = "wrote something"
        told = {"index": index, "result": result, "grown_mib": peak_mib() - baseline}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
