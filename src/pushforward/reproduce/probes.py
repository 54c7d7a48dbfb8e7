"""Probes: a run's own samples made again, something done to them, and audited as the run's were.

A probe has a record of its own beside those of the runs, as a forecast has, so that none is made twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from pushforward.progress import Progress, silent
from pushforward.reproduce.posterior import exact_below
from pushforward.reproduce.projection import on_the_map
from pushforward.study.digests import seed_for
from pushforward.study.execution import MODEL, Executed, data_of, quantities_of, set_threads
from pushforward.study.ledger import Ledger
from pushforward.study.metrics import metrics_of
from pushforward.study.plain import tuples
from pushforward.study.runs import Run
from pushforward.study.work import in_ledger
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.measure import Audit

__all__ = ["PROBES", "Looked", "Probe", "probe_in_ledger", "probes_of"]

FORMAT = 1
"""Major version of what a probe's record is."""

# Fewer trajectories than this say nothing about a law.
LEAST = 100


@final
@dataclass(frozen=True)
class Probe:
    """What is asked of the runs of some arms.

    Attributes:
        name: one of `PROBES`.
        settings: of the probe.
        arms: labels of the arms; empty for all but the control.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Looked:
    """What a probe has to look at.

    Attributes:
        system: whose trajectories they are.
        data: training data.
        fresh: as many trajectories of the data's law as were made, which no generator has seen.
        made: the run's own samples, as its audit saw them.
        more: any number of further trajectories of that law, the same ones for every run of a seed.
        weighted: the demonstrations as the generator's mitigations dealt them to training.
        settings: of the probe.
        seed: of anything random that the probe does.
    """

    system: Any
    data: Trajectories
    fresh: Trajectories
    made: Trajectories
    more: Callable[[int], Trajectories]
    weighted: Callable[[], Trajectories]
    settings: Mapping[str, Any]
    seed: int


Sets = dict[str, tuple[Trajectories, str | None]]
"""Label -> trajectories to audit, and the law to audit them against; None: the data's."""


def _valid(looked: Looked) -> Sets:
    """The trajectories that obey the system's law, one by one."""
    return {"only the valid": (_obeying(looked, looked.made), None)}


def _projected(looked: Looked) -> Sets:
    """Each trajectory of the logistic map replaced by the nearest one that obeys the map exactly, for some r.

    Beside it the same done to fresh trajectories, and to these with white errors of a known size.
    """
    noise = np.random.default_rng(looked.seed).standard_normal(looked.fresh.values.shape, dtype=np.float32)
    erring = looked.fresh.with_values(looked.fresh.values + np.float32(looked.settings["scale"]) * noise)
    return {
        "put back on the map": (on_the_map(looked.made), None),
        "fresh data put back on the map": (on_the_map(looked.fresh), None),
        "fresh data with white errors": (erring, None),
        "fresh data with white errors put back on the map": (on_the_map(erring), None),
    }


def _stated(looked: Looked) -> Sets:
    """Samples, and the demonstrations that were trained on, against a stated law."""
    law = str(looked.settings["intended"])
    return {
        "against the intended law": (looked.made, law),
        "its demonstrations against the intended law": (looked.weighted(), law),
    }


def _exact(looked: Looked) -> Sets:
    """Samples, and fresh data, noised and taken back by the exact law; see `posterior.exact_below`."""
    rng = np.random.default_rng(looked.seed)
    bank = looked.more(int(looked.settings["bank"]))
    sets: Sets = {}
    for scale in looked.settings["scales"]:
        sets[f"exact below {scale:g}"] = (exact_below(looked.made, bank, scale, rng), None)
        sets[f"fresh data, exact below {scale:g}"] = (exact_below(looked.fresh, bank, scale, rng), None)
    return sets


PROBES: dict[str, Callable[[Looked], Sets]] = {
    "valid": _valid,
    "projected": _projected,
    "exact": _exact,
    "stated": _stated,
}


def probes_of(runs: Iterable[Run], asked: Sequence[Probe]) -> list[tuple[Run, Run]]:
    """(probe, run that it looks at) of all that is asked for."""
    found = []
    for probe in asked:
        for run in runs:
            if run.control or (probe.arms and run.arm not in probe.arms):
                continue
            content = {
                "format": FORMAT,
                "probe": probe.name,
                "settings": dict(probe.settings),
                "generator": None,
                "samples": run.samples,
                "seed": run.seed,
                "run": run.id,
            }
            found.append((Run(content, run.data, f"{run.arm}, {probe.name}"), run))
    return found


def probe_in_ledger(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """Make the probe of a task {"ledger", "run": the probe, "of": the run that it looks at}.

    Gives what `work.run_in_ledger` gives, and keeps it as that does.

    Raises:
        InputError: the ledger cannot be written.
    """
    ledger, of = Ledger(task["ledger"]), Run.from_json(task["of"])
    return in_ledger(ledger, Run.from_json(task["run"]), partial(_probed, ledger, of), progress)


def _probed(ledger: Ledger, of: Run, asked: Run, folder: Path, progress: Progress) -> Executed:
    looked = _looked(ledger, of, asked, progress)
    metrics: list[dict[str, Any]] = []
    for label, (trajectories, law) in PROBES[asked.content["probe"]](looked).items():
        if len(trajectories) < LEAST:
            continue
        progress(0, None, f"audit of {label}")
        found = _audited(of, trajectories, looked.data, law)
        n_valid = int(looked.system.valid(trajectories).sum())
        metrics += [{**row, "set": label} for row in metrics_of(json.loads(found.to_text()), n_valid)]
    return Executed(metrics, {}, {"n_made": len(looked.made)})


def _looked(ledger: Ledger, of: Run, asked: Run, progress: Progress) -> Looked:
    from pushforward.mitigations import load
    from pushforward.systems import create

    progress(0, None, "data")
    data, fresh = data_of(of)
    set_threads(int(of.content["threads"]))
    model = load(ledger.run_folder(of.id) / MODEL)
    made = []
    sampling = tuples(of.content["generator"]["sampling"])
    for batch in model.sample_batches(of.samples, seed_for(of.seed, "sample"), **sampling):
        made.append(batch)
        progress(sum(map(len, made)), of.samples, "sampling")
    system = create(of.content["data"]["system"], **tuples(of.content["data"]["parameters"]))
    whole = Trajectories.concat(made)
    return Looked(
        system=system,
        data=data,
        fresh=Trajectories.concat(list(fresh())),
        made=whole,
        more=partial(_more, of),
        weighted=partial(_weighted, of, data),
        settings=asked.content["settings"],
        seed=seed_for(of.seed, "probe"),
    )


def _more(of: Run, n: int) -> Trajectories:
    from pushforward.measure import Intended
    from pushforward.systems import create

    content = of.content["data"]
    system = create(content["system"], **tuples(content["parameters"]))
    law, seed = Intended.parse(content["intended"]), seed_for(of.seed, "bank")
    return system.sample(n, law, T=content["T"], dt=content["dt"], seed=seed)


def _weighted(of: Run, data: Trajectories) -> Trajectories:
    """The demonstrations as the run's mitigations dealt them to training, from the seed of the training."""
    from pushforward.mitigations import parse

    for text in of.content["generator"].get("mitigations", []):
        data, _ = parse(text).fitted(data).training(data, seed_for(of.seed, "fit"))
    return data


def _audited(of: Run, made: Trajectories, data: Trajectories, law: str | None) -> Audit:
    from pushforward.measure import AuditSettings, audit

    settings = dict(of.content["audit"])
    settings["range"] = None if settings["range"] is None else tuple(settings["range"])
    return audit(
        made,
        data if law is None else None,
        quantities=quantities_of(of),
        intended=law,
        seed=seed_for(of.seed, "audit"),
        settings=AuditSettings(**settings),
    )


def _obeying(looked: Looked, trajectories: Trajectories) -> Trajectories:
    return trajectories.select(np.flatnonzero(looked.system.valid(trajectories)))
