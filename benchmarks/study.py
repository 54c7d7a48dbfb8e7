"""Studies: two processes against one, the engine's own share of the time, a large ledger; what a monitor costs.

`python -m benchmarks.study [throughput overhead ledger monitor]` runs only some parts. The throughput needs a machine
on which nothing else runs; the other figures are shares of the same process' time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.table import Row, fastest, table
from pushforward.measure import AuditSettings, Intended
from pushforward.study.ledger import Ledger
from pushforward.study.local import LocalPool
from pushforward.study.plan import FRESH, GeneratorArm, Plan, SystemData
from pushforward.study.pools import Here
from pushforward.study.records import Record
from pushforward.study.results import Results
from pushforward.study.runs import Run
from pushforward.study.study import Study

_NETWORK = {"widths": (16, 32), "batch_size": 64, "device": "cpu"}
_MANY = 10_000


def rows() -> list[Row]:
    """All parts."""
    return [row for part in PARTS.values() for row in part()]


def _plan(seeds: int, steps: int) -> Plan:
    """2 × seeds runs: a small diffusion model and the control."""
    arm = GeneratorArm(
        name="diffusion", settings={**_NETWORK, "steps": steps}, sampling={"sampler_steps": 10}
    )
    return Plan(
        systems=(SystemData(name="logistic-map", n=2_000, T=64),),
        generators=(arm,),
        seeds=tuple(range(seeds)),
        samples=(1_000,),
        audit=AuditSettings(resamples=199),
    )


def _seconds(plan: Plan, pool: Any) -> tuple[float, Results]:
    with tempfile.TemporaryDirectory() as folder:
        study = Study(plan, Path(folder) / "study")
        started = time.perf_counter()
        ended = study.run(pool)
        seconds = time.perf_counter() - started
        if ended.failed:
            raise RuntimeError(str(ended.failed))
        return seconds, study.results()


def _throughput() -> list[Row]:
    """16 runs with a network and 16 controls, whose imports are part of what is timed."""
    plan = _plan(seeds=16, steps=150)
    one, two = (_seconds(plan, LocalPool(workers))[0] for workers in (1, 2))
    return [
        {
            "what": "study of 16 small runs (and their controls), two processes",
            "ours": f"{two:.1f} s",
            "peer": f"one process {one:.1f} s",
            "ratio": f"{one / two:.2f}",
        }
    ]


def _overhead() -> list[Row]:
    """What a study takes beyond the steps of its runs: locks, heartbeats, records, hashes, tables."""
    plan = _plan(seeds=4, steps=150)
    with tempfile.TemporaryDirectory() as folder:
        study = Study(plan, Path(folder) / "study")
        started = time.perf_counter()
        study.run(Here())
        seconds = time.perf_counter() - started
        records, _ = study.ledger.records()
    within = sum(sum(record.body["timings"].values()) for record in records.values())
    engine = seconds - within
    what = f"engine of a study: share of {len(records)} runs of {within / len(records):.1f} s on average"
    ours = f"{engine / seconds:.2%} ({1000 * engine / len(records):.0f} ms a run)"
    return [{"what": what, "ours": ours, "peer": "-", "ratio": "-"}]


def _ledger() -> list[Row]:
    """Opening is reading, checking and counting every record; building the table of all runs comes on top."""
    with tempfile.TemporaryDirectory() as folder:
        runs = _written(Path(folder), _MANY)
        opened = fastest(lambda: _opened(Path(folder)))
        loaded = fastest(lambda: Results.of(Ledger(folder)))
    timed = {"opened, checksums checked": opened, "all results as rows": loaded}
    return [
        {"what": f"ledger of {runs:,} runs: {what}", "ours": f"{seconds:.2f} s", "peer": "-", "ratio": "-"}
        for what, seconds in timed.items()
    ]


def _opened(folder: Path) -> None:
    ledger = Ledger(folder)
    ledger.study()
    records, damaged = ledger.records()
    if damaged or len(records) != _MANY:
        raise RuntimeError("damaged ledger")


def _written(folder: Path, n: int) -> int:
    """A ledger of n runs, each with the record that a real one left."""
    study = Study(_plan(seeds=1, steps=1), folder / "real")
    study.run(Here())
    records, _ = study.ledger.records()
    body = next(iter(records.values())).body
    runs = [Run({**study.runs[0].content, "seed": seed}, "logistic-map", FRESH) for seed in range(n)]
    ledger = Ledger.make(folder, "", FRESH, runs)
    for run in runs:
        ledger.write(Record.of(run.id, "done", {**body, "content": run.content}))
    return len(runs)


def _monitor() -> list[Row]:
    """A training watched at default settings (every 500 steps, 1,000 samples), beside the same one unwatched."""
    unwatched, _ = _trained(watch=False)
    watched, told = _trained(watch=True)
    return [
        {
            "what": "training of 40,000 steps, watched by DriftMonitor at default settings",
            "ours": f"{watched:.1f} s of processor; {told}",
            "peer": f"unwatched {unwatched:.1f} s",
            "ratio": f"{unwatched / watched:.3f}",
        }
    ]


def _trained(watch: bool) -> tuple[float, str]:
    """Processor seconds of a training of a one-step model of logistic maps, and what its monitor said."""
    import torch

    from pushforward.monitor import DriftMonitor
    from pushforward.systems import create

    torch.manual_seed(0)
    data = create("logistic-map").sample(2_000, Intended.parse("uniform(3.5, 4)"), T=64, seed=0)
    values = torch.from_numpy(data.values.reshape(len(data), -1).copy())
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.SiLU(), torch.nn.Linear(256, 64))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def sample(n: int, seed: int) -> Any:
        noise = torch.randn(n, 64, generator=torch.Generator().manual_seed(seed))
        return model(noise).reshape(n, 64, 1)

    started = time.process_time()
    monitor = DriftMonitor(data, quantities="path-length") if watch else None
    for step in range(1, 40_001):
        batch = values[torch.randint(len(values), (64,))]
        loss = (model(batch + 0.1 * torch.randn_like(batch)) - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.step(step, sample)
    return time.process_time() - started, "" if monitor is None else monitor.told()


PARTS: dict[str, Callable[[], list[Row]]] = {
    "throughput": _throughput,
    "overhead": _overhead,
    "ledger": _ledger,
    "monitor": _monitor,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    chosen = parser.parse_args().parts or list(PARTS)
    print(table([row for part in chosen for row in PARTS[part]()]))
    sys.exit(0)
