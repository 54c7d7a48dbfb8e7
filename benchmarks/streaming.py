"""Measured values streamed from Parquet: memory that does not grow, time that grows with n alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.table import Row

SIZES = (10**6, 10**7, 10**8)
_CHILD = """
import json, resource, sys, time
from pathlib import Path
from pushforward.cli import main
start = time.perf_counter()
code = main(["audit", sys.argv[1], "--against", sys.argv[2], "--quiet", "--json", sys.argv[3]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": time.perf_counter() - start, "megabytes": peak, "code": code}))
"""


def rows() -> list[Row]:
    """`pushforward audit` in a process of its own, on tables of 10⁶, 10⁷ and 10⁸ values against 10⁶."""
    import json

    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        reference = write(Path(folder) / "reference.parquet", 10**6, seed=1)
        for n in SIZES:
            made = write(Path(folder) / f"made-{n}.parquet", n, seed=2)
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            command = [
                sys.executable,
                "-c",
                _CHILD,
                str(made),
                str(reference),
                str(Path(folder) / "audit.json"),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            record = json.loads(done.stdout.splitlines()[-1])
            found.append(
                {
                    "what": f"audit of {n:.0e} values streamed from Parquet ({made.stat().st_size / 1e6:.0f} MB)",
                    "ours": f"{record['seconds']:.2f} s, peak {record['megabytes']:.0f} MB",
                    "peer": "-",
                    "ratio": f"{1e6 * record['seconds'] / n:.3f} µs/value",
                }
            )
            made.unlink()
    return found


def write(path: Path, n: int, seed: int) -> Path:
    """A Parquet file with one column of `n` normal values, written in row groups of 2²⁰."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    schema = pa.schema([("value", pa.float64())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n, 1 << 20):
            values = rng.normal(size=min(1 << 20, n - start))
            writer.write_table(pa.table({"value": values}, schema=schema))
    return path


if __name__ == "__main__":
    from benchmarks.table import table

    began = time.perf_counter()
    print(table(rows()))
    print(f"{time.perf_counter() - began:.0f} s with writing the files", file=sys.stderr)
