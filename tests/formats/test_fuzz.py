"""Damaged files of every format: valid trajectories or one clear line, bounded memory, nothing written."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("fuzz_worker.py")
LAYOUTS = (
    *("npz", "deflated", "npy", "hdf5", "d4rl", "robomimic", "zarr"),
    *("parquet", "values", "lerobot", "minari", "csv", "hurdat2"),
)
HANG_SECONDS = 60.0
# Small files may expand to 64 MiB; reading, converting and joining that takes a few copies.
MOST_MIB = 512


def fuzz(sample: Path, folder: Path, first: int, last: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Counts of outcomes and a list of failures; a worker that dies is started again behind the file that killed it."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    while first < last:
        command = [sys.executable, str(WORKER), str(sample), str(folder), str(first), str(last), str(seed)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        ) as worker:
            reached, hung = first, False
            assert worker.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(worker.stdout, selectors.EVENT_READ)
                while True:
                    if not selector.select(HANG_SECONDS):
                        hung = True
                        worker.kill()
                        break
                    line = worker.stdout.readline()
                    if not line:
                        break
                    told = json.loads(line)
                    reached = told["index"]
                    if "result" not in told:
                        continue
                    counts[told["result"] if told["result"] in ("valid", "refused") else "wrong"] += 1
                    if told["result"] not in ("valid", "refused"):
                        failures.append(f"{sample.name} {reached}: {told['result']}")
                    if told["grown_mib"] > MOST_MIB:
                        failures.append(f"{sample.name} {reached}: memory grew by {told['grown_mib']} MiB")
            _, said = worker.communicate()
        if worker.returncode == 0:
            break
        kind = "hung" if hung else f"died with {worker.returncode}"
        counts["hung" if hung else "died"] += 1
        failures.append(f"{sample.name} {reached}: {kind}: {said[-300:]}")
        first = reached + 1
    return counts, failures


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_files_are_read_or_refused(fuzzed, tmp_path, layout):
    counts, failures = fuzz(fuzzed[layout], tmp_path / "work", 0, 120, seed=2026)
    assert failures == []
    assert counts["valid"] + counts["refused"] == 120
    assert counts["refused"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_thousand_damaged_files_of_each_layout(fuzzed, tmp_path, layout):
    counts, failures = fuzz(fuzzed[layout], tmp_path / "work", 1000, 2000, seed=7)
    assert failures == []
    assert counts["valid"] + counts["refused"] == 1000
