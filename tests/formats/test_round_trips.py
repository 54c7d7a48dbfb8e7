"""What is written is read back: every writer, every field, however it is cut into parts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushforward import InputError, Trajectories
from pushforward.formats import batches, read, write

SUFFIXES = ("npz", "h5", "zarr", "parquet")
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12)
CONDITION = st.text("abcθ -", min_size=1, max_size=6)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def some_trajectories(draw):
    n, steps, width = draw(st.integers(1, 5)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.normal(size=(n, steps, width)).astype(np.float32)
    values[0, 0, 0] = draw(FINITE)
    kind = draw(st.sampled_from(["none", "int", "uint64", "text"]))
    groups = {
        "none": None,
        "int": rng.integers(-(2**62), 2**62, size=n),
        "uint64": np.full(n, 2**64 - 1, dtype=np.uint64),
        "text": np.array(draw(st.lists(TEXT, min_size=n, max_size=n))),
    }[kind]
    shapes = draw(st.dictionaries(CONDITION, st.sampled_from([(), (2,), (2, 3)]), max_size=2))
    return Trajectories(
        values=values,
        dt=draw(st.floats(1e-6, 1e6)),
        channels=tuple(draw(st.lists(TEXT, min_size=width, max_size=width, unique=True))),
        units=tuple(draw(st.lists(st.sampled_from(["", "m", "m/s²", "°"]), min_size=width, max_size=width))),
        lengths=draw(st.none() | st.just(rng.integers(1, steps + 1, size=n))),
        groups=groups,
        conditions={name: rng.normal(size=(n, *shape)) for name, shape in shapes.items()},
        quantity=draw(st.none() | st.just(rng.normal(size=n))),
        quantity_name=draw(st.none() | st.just("path-length")),
        time_unit=draw(st.sampled_from(["s", "h", "µs"])),
        group_name=draw(st.sampled_from(["group", "storm", "Δ"])),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(original=some_trajectories())
def test_a_round_trip_is_exact(suffix, original):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"made.{suffix}"
        write(path, original)
        again = read(path)
        assert again.equals(original)
        assert again.group_name == original.group_name
        assert again.lengths is None or original.lengths is not None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_of_different_lengths_become_one_file(tmp_path, suffix, rich):
    long = replace(rich.with_values(-rich.values), groups=np.array(["a much longer name"] * len(rich)))
    parts = [rich.select([1, 2]).select(slice(0, 1)), long, rich]
    short = replace(parts[0], values=parts[0].values[:, : int(parts[0].steps[0])], lengths=None)
    path = tmp_path / f"made.{suffix}"
    write(path, (part for part in (short, long, rich)))
    assert read(path).equals(Trajectories.concat([short, long, rich]))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_batches_joined_are_the_file(tmp_path, suffix, size, rich):
    path = tmp_path / f"made.{suffix}"
    write(path, rich)
    parts = list(batches(path, size))
    assert [len(part) for part in parts] == [min(size, 7 - start) for start in range(0, 7, size)]
    assert Trajectories.concat(parts).equals(rich)


@pytest.mark.parametrize("layout", ["npy", "d4rl", "robomimic", "lerobot", "minari", "csv", "hurdat2"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches_of_foreign_layouts_joined_are_the_file(samples, layout, size):
    whole = read(samples[layout])
    parts = list(batches(samples[layout], size))
    assert max(map(len, parts)) <= size
    assert Trajectories.concat(parts).equals(whole)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_trajectories_give_the_same_bytes(tmp_path, suffix, rich):
    if suffix == "h5":
        pytest.skip("HDF5 stamps its objects with the time of writing")
    for name in ("a", "b"):
        write(tmp_path / f"{name}.{suffix}", rich)
    first, second = (_contents(tmp_path / f"{name}.{suffix}") for name in "ab")
    assert first == second


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, suffix, rich):
    path = tmp_path / f"made.{suffix}"
    write(path, rich)
    before = _contents(path)

    def failing():
        yield rich
        raise InputError("the source broke")

    with pytest.raises(InputError, match="the source broke"):
        write(path, failing())
    with pytest.raises(InputError, match="differ in dt"):
        write(path, [rich, replace(rich, dt=3.0)])
    with pytest.raises(InputError, match="differ in groups"):
        write(path, [rich, replace(rich, groups=None)])
    with pytest.raises(InputError, match="no trajectories to write"):
        write(path, [])
    assert _contents(path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_space_left_is_one_line_and_leaves_nothing(tmp_path, suffix):
    code = """
import resource, signal, sys
import numpy as np
import pushforward as pf
from pushforward.formats import write
small, large = (pf.Trajectories(np.random.default_rng(0).normal(size=(n, 100, 5))) for n in (1, 2000))
write(sys.argv[1], small)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write(sys.argv[1], large)
except pf.InputError as error:
    print(error)
assert pf.read(sys.argv[1]).equals(small)
"""
    path = tmp_path / f"made.{suffix}"
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(str(path))
    assert found.stdout.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_that_no_file_can_hold_are_refused(tmp_path, suffix, rich):
    with pytest.raises(InputError, match="without NUL"):
        write(tmp_path / f"made.{suffix}", replace(rich, channels=("x", "y", "z\0")))
    assert list(tmp_path.iterdir()) == []


def test_writers_are_listed_where_there_is_none(tmp_path, rich):
    with pytest.raises(
        InputError, match=r"no writer for '.csv'; expected one of .npz, .hdf5, .h5, .zarr, .parquet"
    ):
        write(tmp_path / "made.csv", rich)
    with pytest.raises(InputError, match="read only; expected one of npz, hdf5, zarr, parquet"):
        write(tmp_path / "made.csv", rich, format="csv")
    with pytest.raises(InputError, match="does not exist"):
        write(tmp_path / "none" / "made.npz", rich)
    write(tmp_path / "made.csv", rich, format="npz")
    assert read(tmp_path / "made.csv").equals(rich)


def test_a_folder_that_is_no_zarr_store_is_not_overwritten(tmp_path, rich):
    kept = tmp_path / "precious.zarr"
    kept.mkdir()
    (kept / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is not a Zarr store"):
        write(kept, rich)
    assert (kept / "thesis.txt").read_text() == "years of work"


def _contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(p.relative_to(path)): p.read_bytes() for p in files}
