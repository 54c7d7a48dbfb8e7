"""One forecast, from the data of a run, scored against the audits of all runs that it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError
from pushforward.measure.results import Audit, QuantityAudit
from pushforward.measure.tally import Tally
from pushforward.measure.tally_json import tally_from_json
from pushforward.progress import Progress, silent
from pushforward.study.digests import canonical, seed_for
from pushforward.study.execution import MODEL, Executed, data_of, quantities_of, set_threads
from pushforward.study.ledger import Ledger
from pushforward.study.plain import tuples
from pushforward.study.runs import Run
from pushforward.study.skill_metrics import skill_row
from pushforward.study.work import in_ledger

if TYPE_CHECKING:
    from pushforward.forecast import Forecast
    from pushforward.kernels.base import AbstractDeviationKernel
    from pushforward.trajectories import Trajectories

__all__ = ["recounted", "score_in_ledger", "scored"]


def score_in_ledger(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """Make the forecast of a task {"ledger", "run": the forecast, "of": a run that it is scored against}.

    Gives what `work.run_in_ledger` gives, and keeps it as that does.

    Raises:
        InputError: the ledger cannot be written.
    """
    ledger, of = Ledger(task["ledger"]), Run.from_json(task["of"])
    return in_ledger(ledger, Run.from_json(task["run"]), partial(scored, ledger, of), progress)


def scored(ledger: Ledger, of: Run, asked: Run, folder: Path, progress: Progress = silent) -> Executed:
    """The forecast `asked` for from the data of the run `of`; every quantity is scored in the bins of each audit.

    Raises:
        InputError: data that has changed, a kernel that cannot take them, an audit or a model that is damaged.
    """
    from pushforward.forecast import ForecastSettings, forecast

    progress(0, None, "data")
    data, _ = data_of(of)
    audits = {run: _audit(ledger, run) for run in asked.content["runs"]}
    seed, threads = seed_for(asked.seed, "forecast"), int(of.content["threads"])
    kernel = _kernel(asked, of, ledger, data)
    settings = ForecastSettings(level=float(of.content["audit"]["level"]), threads=threads)
    metrics: list[dict[str, Any]] = []
    made: list[Forecast] = []
    for quantity in quantities_of(of):
        progress(len(made), len(of.content["quantities"]), "forecasting")
        found = forecast(kernel, data, quantity, seed=seed, settings=settings)
        made.append(found)
        metrics += [_row(found, ledger, run, audit, asked) for run, audit in audits.items()]
    about: dict[str, Any] = {"seeds": {"forecast": seed}, "n_data": len(data)}
    account = getattr(kernel, "account", None)
    if account is not None:
        about |= {"pilot_flops": account.flops, "pilot_share": account.share}
    return Executed(metrics, {"forecasts.json": _text(made)}, about)


def recounted(
    second: QuantityAudit, tallies: Mapping[str, Tally], edges: NDArray[np.float64], level: float = 0.05
) -> QuantityAudit:
    """An audit of another seed in the bins `edges` (B + 1,) of this one's, from its tallies `made` and `against`.

    A fine cell that an edge cuts is divided evenly; both sides are divided alike, so that of this error little is left
    in the drift. In equal bins nothing changes.
    """
    from pushforward.forecast.observed import observed_by

    if second.n_groups_made is None and np.array_equal(second.bins.edges, edges):
        return second
    # Clusters are counted as what they are worth: the band, of `level`, that tells it belongs to the bins of before.
    worth = observed_by(second, level)
    made, expected = (_masses(tallies[side], edges) for side in ("made", "against"))
    return replace(
        second,
        n_made=round(worth.n_made),
        n_reference=None if worth.n_reference is None else round(worth.n_reference),
        n_groups_made=None,
        n_groups_reference=None,
        bins=replace(second.bins, edges=edges, made=made, expected=expected),
    )


def _masses(tally: Tally, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B + 2,) mass below the first edge, between edges, above the last one."""
    below = np.cumsum(tally.counts)[:-1] / max(tally.n, 1)
    at_edges = np.interp(edges, tally.grid.cell_edges, below)
    # Rounding must not make a mass negative.
    return np.maximum(np.diff(np.concatenate([[0.0], at_edges, [1.0]])), 0.0)


def _row(found: Forecast, ledger: Ledger, run: str, audit: Audit, asked: Run) -> dict[str, Any]:
    second = asked.content["seconds"].get(run)
    other = None
    if second is not None:
        edges = next(one for one in audit.quantities if one.name == found.name).bins.edges
        other = recounted(*_of_second(ledger, second, found.name), edges, audit.level)
    return skill_row(run, found, found.skill(audit, other))


def _of_second(ledger: Ledger, run: str, quantity: str) -> tuple[QuantityAudit, dict[str, Tally]]:
    audit = _audit(ledger, run)
    sides = _json(ledger.run_folder(run) / "tallies.json")["quantities"][quantity]
    found = next(one for one in audit.quantities if one.name == quantity)
    return found, {side: tally_from_json(record) for side, record in sides.items()}


def _audit(ledger: Ledger, run: str) -> Audit:
    return Audit.from_json(_json(ledger.run_folder(run) / "audit.json"))


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} of run {path.parent.name}: cannot be read: {error}") from error


def _kernel(asked: Run, of: Run, ledger: Ledger, data: Trajectories) -> AbstractDeviationKernel:
    """The kernel, with the run's own model where it needs one."""
    from pushforward.kernels import create, kernel_class

    content = asked.content["forecast"]
    name, settings = str(content["name"]), tuples(content["settings"])
    if not asked.content["of_model"]:
        return create(name, **settings)
    set_threads(int(content["threads"]))
    kind: Any = kernel_class(name)
    if name != "pilot":
        from pushforward.mitigations import load

        fed: AbstractDeviationKernel = kind(**settings, generator=load(ledger.run_folder(of.id) / MODEL))
        return fed
    from pushforward.generators import create as create_generator

    generator = of.content["generator"]
    intended = create_generator(generator["name"], **tuples(generator["settings"]))
    settings |= {"generator": generator["name"], "seed": settings["seed"] + seed_for(asked.seed, "pilot")}
    pilot: AbstractDeviationKernel = kind(**settings, intended=intended).fitted(data)
    return pilot


def _text(made: list[Forecast]) -> bytes:
    from pushforward.forecast.results import finite

    record = {
        "format": "pushforward-study-forecasts",
        "format_version": 1,
        "forecasts": [finite(found.to_json()) for found in made],
    }
    return (canonical(record) + "\n").encode()
