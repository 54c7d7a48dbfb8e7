"""Memory is bounded by the batch, not by the file: measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PEAK = """
from pathlib import Path
def peak():
    # ru_maxrss would count the process that started this one.
    return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) / 1024
"""
MAKE = """
import sys, numpy as np
from pushforward import Trajectories
from pushforward.formats import write
rng = np.random.default_rng(0)
def parts():
    for _ in range({parts}):
        values = rng.normal(size=(1000, 100, 5)).astype('f4')
        yield Trajectories(values, groups=np.arange(1000), quantity=rng.normal(size=1000))
"""
# A first small file loads the libraries, and what they import themselves where it is installed.
WRITE = (
    PEAK
    + MAKE
    + (
        "write(sys.argv[2], next(iter(parts()))); before = peak(); write(sys.argv[1], parts()); print(peak() - before)"
    )
)
READ = (
    PEAK
    + """
import sys
from pushforward.formats import batches
first = next(batches(sys.argv[1], 1024)); before = peak()
n = sum(len(part) for part in batches(sys.argv[1], 1024))
print(n, peak() - before)
"""
)
VALUES = (
    PEAK
    + """
import sys
from pushforward.formats.measurements import value_batches
print(sum(len(values) for values, _ in value_batches(sys.argv[1], 'v')), peak())
"""
)
MAKE_VALUES = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
rng = np.random.default_rng(0)
with pq.ParquetWriter(sys.argv[1], pa.schema([('v', pa.float64())])) as writer:
    for _ in range({millions}):
        writer.write_table(pa.table({{'v': rng.normal(size=1_000_000)}}))
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")


def run(code: str, *arguments: object) -> list[float]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return [float(number) for number in found.stdout.split()]


@pytest.mark.parametrize("suffix", ["npz", "h5", "parquet", "zarr"])
def test_a_file_of_forty_megabytes_passes_in_little_memory(tmp_path, suffix):
    _pass_through(tmp_path / f"a.{suffix}", parts=20, most_mib=30)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["npz", "h5", "parquet", "zarr"])
def test_a_file_of_two_hundred_megabytes_passes_in_no_more(tmp_path, suffix):
    _pass_through(tmp_path / f"a.{suffix}", parts=100, most_mib=30)


def test_ten_million_values_stream_from_parquet(tmp_path):
    run(MAKE_VALUES.format(millions=10), tmp_path / "a.parquet")
    n, peak = run(VALUES, tmp_path / "a.parquet")
    assert n == 10_000_000
    assert peak < 200


@pytest.mark.slow
def test_a_hundred_million_values_stream_from_parquet_in_the_same_memory(tmp_path):
    run(MAKE_VALUES.format(millions=100), tmp_path / "a.parquet")
    n, peak = run(VALUES, tmp_path / "a.parquet")
    assert n == 100_000_000
    assert peak < 200


def _pass_through(path, parts, most_mib):
    (written,) = run(WRITE.format(parts=parts), path, path.with_name(f"first{path.suffix}"))
    n, grown = run(READ, path)
    assert n == parts * 1000
    assert grown < most_mib
    # Libraries keep buffers for writing: more than for reading, and as many for any size.
    assert written < 100
