"""One run, from its data to its audit: the same steps for a generator and for the control beside it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushforward.errors import InputError, printable
from pushforward.measure import Audit, AuditSettings, Grid, Tally, audit_streams
from pushforward.measure.audit import measured_stream
from pushforward.measure.streams import Chunk
from pushforward.measure.tally_json import tally_to_json
from pushforward.progress import Progress, silent
from pushforward.study.digests import canonical, seed_for
from pushforward.study.ledger import set_aside
from pushforward.study.metrics import metrics_of
from pushforward.study.plain import tuples
from pushforward.study.plan import FRESH
from pushforward.study.runs import Run
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.quantities.base import AbstractQuantity

__all__ = ["MODEL", "Executed", "data_of", "execute", "quantities_of", "set_threads"]

MODEL = "model"


@dataclass
class Executed:
    """What a run gave.

    Attributes:
        metrics: a row per quantity; determined by the run's content alone.
        artefacts: `audit.json` and `tallies.json`, likewise.
        about: the seeds used, sizes, device.
        timings: seconds of each phase.
        compact: call it once all else is kept: what only training needs is removed from the model's folder.
    """

    metrics: list[dict[str, Any]]
    artefacts: dict[str, bytes]
    about: dict[str, Any]
    timings: dict[str, float] = field(default_factory=dict)
    compact: Callable[[], None] = lambda: None


def execute(run: Run, folder: Path, progress: Progress = silent) -> Executed:
    """Data, training, samples, audit. `folder` keeps the model; an interrupted training there is gone on with.

    Raises:
        InputError: data that has changed since the plan was read, a training that diverges, an undefined quantity.
    """
    timings: dict[str, float] = {}
    progress(0, None, "data")
    with _timed(timings, "data"):
        data, fresh = data_of(run)
        quantities = quantities_of(run)
        against = list(measured_stream(data, quantities)())
    seeds = {what: seed_for(run.seed, what) for what in ("data", "fit", "sample", "fresh", "audit")}
    about: dict[str, Any] = {"seeds": seeds, "n_data": len(data)}
    model = None
    if run.control:
        made = fresh
    else:
        with _timed(timings, "fit"):
            model = _fitted(run, data, seeds["fit"], folder / MODEL, progress)
        about |= _about(model)
        made = _sampled(run, model, seeds["sample"], progress)
    with _timed(timings, "sample"):
        chunks, n_valid = _measured(run, made, quantities)
    account = getattr(model, "account", None)
    if account is not None:
        about["drawn"] = account.drawn  # of which the mitigations kept as many as were asked for
    progress(0, None, "audit")
    with _timed(timings, "audit"):
        units = {quantity.label: quantity.unit_of(data) for quantity in quantities}
        found = _audited(run, chunks, against, units, seeds["audit"])
        artefacts = {
            "audit.json": (found.to_text() + "\n").encode(),
            "tallies.json": (canonical(_tallies(found, chunks, against)) + "\n").encode(),
        }
    metrics = metrics_of(json.loads(artefacts["audit.json"]), n_valid)
    compact = (lambda: None) if model is None else (lambda: model.save(folder / MODEL))
    return Executed(metrics, artefacts, about, timings, compact)


def data_of(run: Run) -> tuple[Trajectories, Callable[[], Iterator[Trajectories]]]:
    """Training data, and the control: trajectories of the same law that no generator has seen.

    Raises:
        InputError: a file that has changed since the plan was read.
    """
    content = run.content["data"]
    if "system" in content:
        from pushforward.measure import Intended
        from pushforward.systems import create

        system = create(content["system"], **tuples(content["parameters"]))
        law = Intended.parse(content["intended"])
        T, dt = content["T"], content["dt"]
        data = system.sample(content["n"], law, T=T, dt=dt, seed=seed_for(run.seed, "data"))
        seed = seed_for(run.seed, "fresh")
        return data, lambda: system.sample_batches(run.samples, law, T=T, dt=dt, seed=seed)
    from pushforward.formats import read
    from pushforward.formats.base import ReadSettings
    from pushforward.study.digests import file_digest

    path = Path(str(run.path))
    digest = file_digest(path)
    if digest != content["file"]:
        message = (
            f"{printable(path)}: has changed since the plan was read: got SHA-256 {digest[:16]}…; expected "
        )
        raise InputError(f"{message}{content['file'][:16]}…")
    reading = {name: value for name, value in content["read"].items() if name != "format"}
    whole = read(path, content["read"].get("format"), ReadSettings(**tuples(reading)))
    data, held_out = whole.split(1 - content["held_out"], seed=seed_for(run.seed, "data"))
    return data, lambda: iter([held_out])


def quantities_of(run: Run) -> list[AbstractQuantity]:
    """What the run audits."""
    from pushforward.quantities import parse

    return [parse(entry["spelled"]) for entry in run.content["quantities"]]


def _fitted(run: Run, data: Trajectories, seed: int, folder: Path, progress: Progress) -> AbstractGenerator:
    from pushforward.generators import create, generator_class

    generator = run.content["generator"]
    generator_class(generator["name"])
    set_threads(int(run.content["threads"]))

    def fit() -> AbstractGenerator:
        model = create(generator["name"], **tuples(generator["settings"]))
        if generator.get("mitigations"):
            from pushforward.mitigations import mitigate

            model = mitigate(model, generator["mitigations"])
        return model.fit(data, seed=seed, progress=progress, checkpoint=folder, resume=True)

    had_checkpoint = folder.exists()
    try:
        return fit()
    except InputError:
        # A damaged checkpoint costs the time that it held, never the run.
        if not had_checkpoint or set_aside(folder) is None:
            raise
        return fit()


def _about(model: AbstractGenerator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("n_parameters", "trained_steps"):
        value = getattr(model, name, None)
        if isinstance(value, int):
            found[name] = value
    history = getattr(model, "history", None)
    if history and isinstance(getattr(history[-1], "loss", None), float):
        found["loss"] = float(history[-1].loss)
    return found


def _sampled(
    run: Run, model: AbstractGenerator, seed: int, progress: Progress
) -> Callable[[], Iterator[Trajectories]]:
    def source() -> Iterator[Trajectories]:
        done = 0
        for batch in model.sample_batches(run.samples, seed, **tuples(run.content["generator"]["sampling"])):
            done += len(batch)
            progress(done, run.samples, "sampling")
            yield batch

    return source


def _measured(
    run: Run, made: Callable[[], Iterator[Trajectories]], quantities: list[AbstractQuantity]
) -> tuple[list[Chunk], int | None]:
    """The quantities of what was made, and how many of it obey the system's law (None for a file)."""
    system = None
    if "system" in run.content["data"]:
        from pushforward.systems import create

        system = create(run.content["data"]["system"], **tuples(run.content["data"]["parameters"]))
    chunks: list[Chunk] = []
    n_valid = 0
    for batch in made():
        chunks += measured_stream(batch, quantities)()
        n_valid += 0 if system is None else int(system.valid(batch).sum())
    return chunks, None if system is None else n_valid


def _audited(run: Run, made: list[Chunk], against: list[Chunk], units: Mapping[str, str], seed: int) -> Audit:
    settings = dict(run.content["audit"])
    settings["range"] = None if settings["range"] is None else tuple(settings["range"])
    generator, data = run.content["generator"], run.content["data"]
    # Without the plan's labels, so that these bytes, too, are determined by the run's content alone.
    source = f"system {data['system']}" if "system" in data else f"file, sha256 {data['file'][:16]}…"
    return audit_streams(
        lambda: iter(made),
        lambda: iter(against),
        units=units,
        tolerance=run.content["tolerance"],
        settings=AuditSettings(**settings, seed=seed),
        inputs={
            "made": f"{_made_by(generator)}, seed {run.seed}",
            "against": source,
        },
    )


def _made_by(generator: Mapping[str, Any] | None) -> str:
    if generator is None:
        return FRESH
    return " + ".join([generator["name"], *generator.get("mitigations", [])])


def _tallies(found: Audit, made: list[Chunk], against: list[Chunk]) -> dict[str, Any]:
    """Both sides of every quantity, counted on the grid that the audit used."""
    sides: dict[str, dict[str, Any]] = {}
    for quantity in found.quantities:
        low, high = found.grid["ranges"][quantity.name]
        grid = Grid(low, high, found.grid["bins"], found.grid["subdivisions"])
        sides[quantity.name] = {
            side: tally_to_json(_counted(grid, quantity.name, chunks))
            for side, chunks in (("made", made), ("against", against))
        }
    return {"format": "pushforward-tallies", "format_version": 1, "quantities": sides}


def _counted(grid: Grid, name: str, chunks: list[Chunk]) -> Tally:
    tally = Tally.zero(grid)
    for values, groups in chunks:
        tally = tally.add(values[name], groups)
    return tally


def set_threads(threads: int) -> None:
    """Where torch is there, bind it to the plan's number of threads, on which the last bits depend."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[phase] = timings.get(phase, 0.0) + time.perf_counter() - started
