"""From the done stages to the page, the last lines and the record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pushforward.demo.recorded import Recorded
from pushforward.demo.sealed import Sealed
from pushforward.demo.stages import DEVIATED, EXPLAINING_NOISE, Task
from pushforward.demo.story import Chaptered
from pushforward.errors import InputError, printable
from pushforward.explain.making import explain
from pushforward.explain.results import Explanation
from pushforward.forecast.results import finite
from pushforward.formats import read
from pushforward.measure.results import Audit
from pushforward.report.admission import admit
from pushforward.report.story import StoryChapter, StoryRepair
from pushforward.report.story_reading import floored, shared
from pushforward.study.skill_metrics import SCORES

__all__ = ["OWN_LINES", "record_of", "summary", "told"]

OWN_LINES = (
    "import pushforward as pf",
    "made, data = pf.read('made.npz'), pf.read('data.npz')",
    "pf.report(pf.audit(made, data, quantities=['path-length']), made=made, reference=data).save('report.html')",
)


def told(one: Chaptered) -> StoryChapter:
    """One chapter, ready to be shown.

    Raises:
        InputError: files that are missing or damaged.
    """
    task, record = one.plain
    system = one.chapter.made_by
    return StoryChapter(
        title=one.chapter.title,
        about=_about(one),
        system=system,
        data=one.data,
        data_valid=None if system is None else float(system.valid(one.data).mean()),
        forecast=one.sealed.forecast,
        foretold=_foretold(one.sealed, record),
        made=read(task.room / "made.npz"),
        audit=_audit(record),
        valid=_share(record.get("valid")),
        explanation=_explanation(one, task),
        explained_by=(
            f"The trained model's own errors: each real trajectory is noised by {EXPLAINING_NOISE:g} standard "
            "deviations and brought back by the model's sampler."
        ),
        recommendation=one.sealed.recommendation,
        repair=_repair(one),
        seed=task.seed,
    )


def _about(one: Chaptered) -> str:
    data, chapter = one.data, one.chapter
    head = f"{len(data):,} trajectories of {data.T} steps, channels {', '.join(data.channels)}"
    if chapter.made_by is None:
        return f"{head}, from {chapter.title}. The quantity is {chapter.phi.label}."
    return f"{chapter.about} {head}, in which it is {chapter.law}: that is the intended law."


def _foretold(sealed: Sealed, record: dict[str, Any]) -> str:
    account = sealed.account
    return (
        f"Written {sealed.written} (sha256 {sealed.digest}…), before the training began at {record.get('began')}. The "
        f"forecast is that of a pilot: a thin model of the same class, trained for {100 * account.share:.1f} % of the "
        f"training's FLOPs ({account.seconds:.0f} s of processor time), whose own errors at half of their size are the "
        "kernel."
    )


def _audit(record: dict[str, Any]) -> Audit:
    return admit(Audit.from_json(record.get("audit")))


def _explanation(one: Chaptered, task: Task) -> Explanation:
    shown = one.data.select(slice(0, task.budget.n_explained))
    kernel = Recorded(
        before=shown,
        after=read(task.room / DEVIATED),
        spelled=f"denoise(scale={EXPLAINING_NOISE:g}) of the trained model",
    )
    return explain(kernel, shown, one.chapter.phi, examples=1, seed=task.seed)


def _repair(one: Chaptered) -> StoryRepair | None:
    if one.repaired is None:
        return None
    task, record = one.repaired
    label = one.sealed.recommendation.best.name
    if "refused" in record:
        return StoryRepair(label, refused=str(record["refused"]))
    return StoryRepair(label, read(task.room / "made.npz"), _audit(record), _share(record.get("valid")))


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value)
    raise InputError("a share of valid trajectories is damaged; start anew with another folder (-o)")


def summary(chapters: Sequence[StoryChapter], page: Path, seconds: float) -> str:
    """One line for each system, the page, and three lines of Python."""
    lines = [_line(one) for one in chapters]
    own = "\n".join(f"             {line}" for line in OWN_LINES).lstrip()
    return "\n".join(
        [
            *lines,
            "",
            f"open         {printable(page)}",
            f"your own     {own}",
            f"took         {seconds:.0f} s",
        ]
    )


def _line(one: StoryChapter) -> str:
    skill, found = one.skill, one.effect
    scores = " / ".join(_two(value.value) for value in (skill.corr, skill.skill, skill.sign_accuracy))
    if one.repair is None:
        repaired = "nothing is recommended"
    elif one.after is None or found is None:
        repaired = f"{one.repair.label} could not be trained"
    else:
        repaired = f"with {one.repair.label} {floored(one.after)}, {found.word}"
    valid = "" if one.valid is None else f"; obey the law {shared(one.valid)}"
    if one.repair is not None and one.repair.valid is not None:
        valid += f", repaired {shared(one.repair.valid)}"
    return (
        f"{printable(one.title, 40)}: drift (TV) {floored(one.before)}; forecast before training corr / skill / signs "
        f"{scores}; {printable(repaired, 200)}{valid}"
    )


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "n/a"


def record_of(
    chapters: Sequence[StoryChapter], done: Sequence[Chaptered], page: Path, seconds: float
) -> dict[str, Any]:
    """The figures of each chapter, as JSON types."""
    rows = [_record(one, source) for one, source in zip(chapters, done, strict=True)]
    found: dict[str, Any] = finite(
        {"format": "pushforward-demo", "report": str(page), "seconds": round(seconds, 1), "chapters": rows}
    )
    return found


def _record(one: StoryChapter, source: Chaptered) -> dict[str, Any]:
    skill, explained = one.skill, one.explanation.forecast.skill(one.audit)
    best = one.recommendation.best
    return {
        "title": one.title,
        "quantity": one.before.name,
        "unit": one.before.unit,
        "n_data": len(one.data),
        "n_made": len(one.made),
        "drift": _drift(one.audit) | {"valid": one.valid},
        "forecast": {
            "kernel": one.forecast.kernel,
            "written": source.sealed.written,
            "training_began": source.plain[1].get("began"),
            "sha256": source.sealed.digest,
            "tv": asdict(one.forecast.tv),
            "share_of_flops": source.sealed.account.share,
            **{name: asdict(getattr(skill, name)) for name in SCORES},
            "floor_corr": asdict(skill.floor.corr),
        },
        "explanation": {
            "kernel": one.explanation.forecast.kernel,
            **{name: asdict(getattr(explained, name)) for name in SCORES},
        },
        "recommended": {
            "name": best.name,
            "forecast_drift": best.tv.value,
            "kernel": one.recommendation.kernel,
        },
        "repaired": _repaired(one),
    }


def _repaired(one: StoryChapter) -> dict[str, Any] | None:
    if one.repair is None:
        return None
    if one.repair.audit is None or one.effect is None:
        return {"name": one.repair.label, "refused": one.repair.refused}
    return {
        "name": one.repair.label,
        **_drift(one.repair.audit),
        "valid": one.repair.valid,
        "change_of_tv": asdict(one.effect.change),
        "word": one.effect.word,
    }


def _drift(audit: Audit) -> dict[str, Any]:
    found = audit.quantities[0]
    return {
        "tv": found.tv.value,
        "tv_null_95": found.tv.null_95,
        "w1": found.w1.value,
        "w1_null_95": found.w1.null_95,
        "mean_shift": asdict(found.mean_shift),
        "verdict": found.verdict,
        "undefined": found.n_invalid,
    }
