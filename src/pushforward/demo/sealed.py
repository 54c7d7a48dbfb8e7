"""What was foretold before anything was trained: written, time-stamped, and made again to the same numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from pushforward.demo.files import now, read_record, write_record
from pushforward.demo.recorded import Recorded
from pushforward.demo.stages import DEVIATED, Task
from pushforward.errors import InputError, printable, require
from pushforward.forecast.making import forecast
from pushforward.forecast.results import Estimate, Forecast
from pushforward.formats import read
from pushforward.kernels.mixture import Mixture
from pushforward.pilots import Account, Pilot
from pushforward.recommend.results import Candidate, Pilots, Recommendation
from pushforward.trajectories import Trajectories

__all__ = ["Sealed", "recommendation_from_json", "seal"]

_FILE = "forecast.json"


@final
@dataclass(frozen=True, eq=False)
class Sealed:
    """A forecast and a recommendation that were written before the training.

    Attributes:
        forecast: of the pilot.
        recommendation: of the repairs.
        account: what the pilot cost.
        written: when.
        digest: the first 16 digits of the SHA-256 of what was foretold.
    """

    forecast: Forecast
    recommendation: Recommendation
    account: Account
    written: str
    digest: str


def seal(foretell: Task, rank: Task, data: Trajectories) -> Sealed:
    """The forecast from the pilot's deviations and the recommendation, written to the chapter's forecast.json.

    Where that is there already, as after a break, it must hold the same.

    Raises:
        InputError: a stage that is not done, damaged files, or a forecast.json that says something else.
    """
    told, ranked = foretell.record, rank.record
    if told is None or ranked is None:
        raise InputError(f"{printable(foretell.folder)}: its forecast is not made yet")
    found = recommendation_from_json(ranked.get("recommendation"))
    account = _account(told.get("account"))
    ahead = _forecast(foretell, data, account)
    text = json.dumps([json.loads(ahead.to_text()), found.to_json()])
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = foretell.folder / _FILE
    kept = read_record(path, "forecast")
    if kept is None:
        kept = {"written": now(), "digest": digest, "forecast": json.loads(ahead.to_text())}
        write_record(path, "forecast", kept | {"recommendation": found.to_json()})
    require(
        kept.get("digest") == digest,
        f"{printable(path)}: says something else than its stages do; expected an untouched folder: start anew with "
        "another one (-o)",
    )
    return Sealed(ahead, found, account, str(kept.get("written")), digest)


def _forecast(task: Task, data: Trajectories, account: Account) -> Forecast:
    shown = data.select(slice(0, task.budget.n_forecast))
    recorded = Recorded(before=shown, after=read(task.room / DEVIATED), spelled="the pilot's own errors")
    kernel = Pilot(
        steps=task.budget.steps,
        share=task.budget.share,
        mixture=Mixture(kernels=(recorded,)),
        account=account,
    )
    return forecast(kernel, shown, task.chapter.phi, seed=task.seed)


def _account(record: Any) -> Account:
    names = ("flops", "intended_flops", "seconds", "intended_seconds")
    try:
        numbers = {name: float(record[name]) for name in names}
        require(min(numbers.values()) >= 0 and numbers["intended_flops"] > 0, "not positive")
        return Account(**numbers, settings=tuple((str(name), value) for name, value in record["settings"]))
    except (TypeError, KeyError, ValueError):
        raise InputError("the pilot's account is damaged; start anew with another folder (-o)") from None


def recommendation_from_json(record: Any) -> Recommendation:
    """What `Recommendation.to_json` gave.

    Raises:
        InputError: something else.
    """
    try:
        candidates = tuple(_candidate(one) for one in record["candidates"])
        found = Recommendation(
            quantity=str(record["quantity"]),
            unit=str(record["unit"]),
            kernel=str(record["kernel"]),
            intended=str(record["intended"]),
            n=int(record["n"]),
            seed=int(record["seed"]),
            candidates=candidates,
            refused=tuple((str(one["name"]), str(one["why"])) for one in record["refused"]),
            level=float(record["level"]),
            pilots=_pilots(record["pilots"]),
        )
        require(found["identity"].kind == "representation", "no identity")
    except (KeyError, TypeError, ValueError, IndexError):
        raise InputError("the recommendation is damaged; start anew with another folder (-o)") from None
    return found


def _pilots(record: Mapping[str, Any] | None) -> Pilots | None:
    if record is None:
        return None
    share, seconds, training = (float(record[key]) for key in ("share", "seconds", "training_seconds"))
    return Pilots(int(record["n"]), share, seconds, training)


def _candidate(record: Mapping[str, Any]) -> Candidate:
    w1, shift = (record[name] for name in ("w1", "mean_shift"))
    return Candidate(
        name=str(record["name"]),
        kind=str(record["kind"]),
        tv=Estimate(*(_number(record[key]) for key in ("forecast_drift", "low", "high"))),
        w1=Estimate(*(_number(w1[key]) for key in ("value", "low", "high"))),
        mean_shift=Estimate(*(_number(shift[key]) for key in ("value", "low", "high"))),
        error=_number(record["error"]),
        diversity=_number(record["diversity"]),
        validity=None if record["validity"] is None else float(record["validity"]),
        draws=_number(record["draws_per_kept"]),
        cost=str(record["cost"]),
        command=str(record["command"]),
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
