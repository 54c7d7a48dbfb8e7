"""The demo's page: chapter by chapter what was foretold, what was made, why it drifts and what a repair did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from pushforward.errors import printable, require
from pushforward.forecast.results import Forecast
from pushforward.forecast.skill import Skill
from pushforward.measure.results import Audit, QuantityAudit
from pushforward.recommend.results import Recommendation
from pushforward.report import provenance, reading, references, tables
from pushforward.report.distribution import distribution
from pushforward.report.explanation import ExplanationSection, explanation_section
from pushforward.report.forecast import AheadSection, ahead_sections
from pushforward.report.notation import Precision, confidence
from pushforward.report.page import LARGEST, Report
from pushforward.report.recommendation import RecommendationSection, recommendation_section
from pushforward.report.rendering import Picture, inline_picture, template
from pushforward.report.story_figures import before_and_after, motion
from pushforward.report.story_reading import Effect, effect, floored, shared
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pushforward.explain.results import Explanation
    from pushforward.systems.base import AbstractSystem

__all__ = ["StoryChapter", "StoryRepair", "answer", "outcome", "story_page"]

_SENTENCES = 4
# A change of the share of valid trajectories that is worth a sentence.
_TOLD = 0.05


@final
@dataclass(frozen=True, eq=False)
class StoryRepair:
    """The recommended repair, trained.

    Attributes:
        label: what it is.
        made, audit, valid: of its model; None where it was refused.
        refused: why it could not be trained or sampled; "" where it could.
    """

    label: str
    made: Trajectories | None = None
    audit: Audit | None = None
    valid: float | None = None
    refused: str = ""


@final
@dataclass(frozen=True, eq=False)
class StoryChapter:
    """All that is told of one system.

    Attributes:
        title: the chapter's.
        about: what the data are, in a sentence.
        system: that made them; None where they are the user's own.
        data: trained on.
        data_valid: share of the data that obeys the system's law; None without one.
        forecast: made before training.
        foretold: when and at what cost, in a sentence.
        made, audit, valid: of the model as it is.
        explanation: of its drift.
        explained_by: by which errors, in a sentence.
        recommendation: made before training.
        repair: trained; None where nothing was recommended.
        seed: of the pictures.
    """

    title: str
    about: str
    system: AbstractSystem | None
    data: Trajectories
    data_valid: float | None
    forecast: Forecast
    foretold: str
    made: Trajectories
    audit: Audit
    valid: float | None
    explanation: Explanation
    explained_by: str
    recommendation: Recommendation
    repair: StoryRepair | None
    seed: int

    @property
    def before(self) -> QuantityAudit:
        """The audit of the model as it is."""
        return self.audit.quantities[0]

    @property
    def after(self) -> QuantityAudit | None:
        """The audit of the repaired one."""
        return None if self.repair is None or self.repair.audit is None else self.repair.audit.quantities[0]

    @property
    def price(self) -> float:
        """By how much the share that obeys the system's law fell with the repair; 0 where it is not known."""
        if self.valid is None or self.repair is None or self.repair.valid is None:
            return 0.0
        return self.valid - self.repair.valid

    @cached_property
    def skill(self) -> Skill:
        """How well the forecast met the drift."""
        return self.forecast.skill(self.audit)

    @cached_property
    def effect(self) -> Effect | None:
        """What the repair did."""
        return None if self.after is None else effect(self.before, self.after, self.seed)


@dataclass(frozen=True)
class _Row:
    """A line of the table at the top."""

    key: str
    title: str
    quantity: tables.Heading
    before: str
    corr: str
    skill: str
    sign: str
    repair: str
    after: str
    change: str
    valid: str
    valid_after: str


@dataclass(frozen=True)
class _Part:
    """What the page says about one chapter."""

    key: str
    title: str
    about: str
    foretold: str
    ahead: AheadSection
    ahead_picture: Picture
    motion: list[Picture]
    motion_caption: str
    quantity: tables.Heading
    distribution: Picture
    reading: list[str]
    explanation: ExplanationSection
    flows: Picture
    profile: Picture
    parts: Picture | None
    explained: str
    recommended: RecommendationSection
    ranking: Picture
    outcome: str
    compared: Picture | None


def story_page(
    chapters: Sequence[StoryChapter],
    *,
    settings: Mapping[str, Any],
    lines: Sequence[str],
    command: str,
    title: str = "From data to a repaired model: a demonstration",
) -> Report:
    """The page of a demo. The same input gives the same bytes.

    Args:
        chapters: at least one.
        settings: of the demo, shown as a table.
        lines: of Python, for the reader's own data.
        command: the command line that repeats it.
        title: the page's heading.

    Raises:
        InputError: no chapters, or more than fits into 2 MB.
    """
    require(len(chapters) > 0, "report: got no chapters; expected at least one")
    channels = [name for one in chapters for name in one.data.channels]
    keys = [key for one in chapters for key in references.used(one.audit, settings, channels)]
    html = template("story.html.j2").render(
        title=printable(title),
        answer=answer(chapters),
        rows=[_row(f"c{i}", one) for i, one in enumerate(chapters, start=1)],
        parts=[_part(f"c{i}", one) for i, one in enumerate(chapters, start=1)],
        confidence=confidence(chapters[0].audit.level),
        lines="\n".join(printable(line, 200) for line in lines),
        command=printable(command, longest=2000),
        settings=provenance.rows(settings),
        measured=provenance.measured(chapters[0].audit),
        assumptions=_ASSUMPTIONS + provenance.assumptions(chapters[0].audit),
        bibtex=references.cite([*keys, *references.EXPLAINED, "karras2022edm"]),
    )
    size = len(html.encode())
    require(size <= LARGEST, f"report: the page would have {size:,} bytes; expected at most {LARGEST:,}")
    return Report(html, chapters[0].audit)


def answer(chapters: Sequence[StoryChapter]) -> str:
    """The page's one sentence."""
    drifted = sum(one.before.verdict == "drift" for one in chapters)
    repairs = [one.effect for one in chapters]
    fewer = sum(found is not None and found.word == "less drift" for found in repairs)
    if len(chapters) == 1:
        name = printable(chapters[0].before.name, 80)
        first = f"The distribution of {name} drifted" if drifted else f"No drift of {name} was found"
        price = ", but fewer of its trajectories obey the law of motion" if chapters[0].price > _TOLD else ""
        return f"{first}; {_in_short(chapters[0])}{price}."
    total = len(chapters)
    first = f"{drifted} of {total} models drift" if drifted < total else f"All {total} models drift"
    text = f"{first}; the recommended repair leaves less drift in {fewer} of {total}"
    costly = sum(one.price > _TOLD for one in chapters)
    return text + (
        f", and in {costly} makes fewer trajectories that obey the law of motion." if costly else "."
    )


def _in_short(one: StoryChapter) -> str:
    if one.repair is None:
        return "no repair is recommended"
    if one.effect is None:
        return "the recommended repair could not be trained"
    return {
        "less drift": "the recommended repair leaves less of it",
        "more drift": "the recommended repair makes it worse",
        "no clear difference": "the recommended repair makes no clear difference",
    }[one.effect.word]


def _row(key: str, one: StoryChapter) -> _Row:
    skill, found = one.skill, one.effect
    return _Row(
        key=key,
        title=printable(one.title, 80),
        quantity=tables.heading(one.before),
        before=floored(one.before),
        corr=_two(skill.corr.value),
        skill=_two(skill.skill.value),
        sign=_two(skill.sign_accuracy.value),
        repair="nothing" if one.repair is None else printable(one.repair.label, 60),
        after="–" if one.after is None else floored(one.after),
        change="" if found is None else found.word,
        valid=shared(one.valid),
        valid_after="–" if one.repair is None else shared(one.repair.valid),
    )


def _part(key: str, one: StoryChapter) -> _Part:
    section = ahead_sections(one.audit, [one.forecast])[0]
    explained, recommended = explanation_section(one.explanation), recommendation_section(one.recommendation)
    pictures, caption = motion(one.system, _sides(one), one.seed)
    level = one.audit.level
    against = f"{printable(one.before.name, 120)}: generated (line) against the data (filled)."
    return _Part(
        key=key,
        title=printable(one.title, 80),
        about=printable(one.about, 600),
        foretold=printable(one.foretold, 600),
        ahead=section,
        ahead_picture=_inline(section.figures[0], f"{key}f"),
        motion=[
            inline_picture(figure, f"{key}m{i}", label, "") for i, (label, figure) in enumerate(pictures)
        ],
        motion_caption=f"{caption}{_shares(one)}",
        quantity=tables.heading(one.before),
        distribution=inline_picture(
            distribution(one.before), f"{key}d", reading.described(one.before, level), against
        ),
        reading=reading.reading(one.before, level)[:_SENTENCES],
        explanation=explained,
        flows=_inline(explained.figures["net-flows"], f"{key}n"),
        profile=_inline(explained.figures["bias-and-spread"], f"{key}b"),
        parts=_inline(explained.figures["attribution"], f"{key}a")
        if "attribution" in explained.figures
        else None,
        explained=f"{printable(one.explained_by, 400)} {_explained(one)}",
        recommended=recommended,
        ranking=_inline(recommended.figure, f"{key}r"),
        outcome=outcome(one),
        compared=_compared(key, one),
    )


def _inline(figure: tuple[Figure, str, str], key: str) -> Picture:
    return inline_picture(figure[0], key, figure[1], figure[2])


def _sides(one: StoryChapter) -> list[tuple[str, Trajectories]]:
    sides = [("data", one.data), ("generated", one.made)]
    if one.repair is not None and one.repair.made is not None:
        sides.append(("generated, repaired", one.repair.made))
    return sides


def _shares(one: StoryChapter) -> str:
    if one.valid is None:
        return ""
    text = (
        f" Of all, {shared(one.data_valid)} of the data and {shared(one.valid)} of the generated ones obey it"
    )
    if one.repair is not None and one.repair.valid is not None:
        text += f", and {shared(one.repair.valid)} of the repaired model's"
    return f"{text}."


def _explained(one: StoryChapter) -> str:
    """How much of the observed drift the explaining errors make."""
    found = one.explanation.forecast.skill(one.audit)
    if found.corr.value != found.corr.value:
        return "The observed drift does not exceed its noise, so that there is little to explain."
    freed = found.corr_corrected.value
    noise = f" ({_two(freed)} freed of the noise of both)" if math.isfinite(freed) else ""
    return (
        f"The drift that these errors make correlates {_two(found.corr.value)} with the observed one{noise}, skill "
        f"{_two(found.skill.value)}: what is shown here explains that much of it and no more."
    )


def outcome(one: StoryChapter) -> str:
    """What became of the recommended repair, plainly."""
    if one.repair is None:
        return (
            "Nothing is recommended: no candidate is forecast to drift less than training as it is, beyond its "
            "uncertainty. So nothing was trained, and the drift above stays."
        )
    label = printable(one.repair.label, 80)
    if one.after is None or one.effect is None:
        return f"{label} was recommended and could not be trained: {printable(one.repair.refused, 300)}."
    change = one.effect.change
    precision = Precision(3)
    numbers = (
        f"total variation {floored(one.before)} before and {floored(one.after)} after, a change of "
        f"{precision.number(change.value, signed=True)} [{precision.number(change.low, signed=True)}, "
        f"{precision.number(change.high, signed=True)}]"
    )
    said = {
        "less drift": f"Trained with {label}, the model drifts less: {numbers}.",
        "more drift": f"The recommendation was wrong here: trained with {label}, the model drifts more: {numbers}.",
        "no clear difference": f"Trained with {label}, the drift is not clearly different: {numbers}.",
    }[one.effect.word]
    if one.after.verdict == "no drift found":
        said += " Of the repaired model no drift is found at this sample size."
    if abs(one.price) > _TOLD:
        word = "Its price" if one.price > 0 else "Beside it"
        said += (
            f" {word}: {shared(one.repair.valid)} of its trajectories obey the law of motion, where "
            f"{shared(one.valid)} did before."
        )
    return said


def _compared(key: str, one: StoryChapter) -> Picture | None:
    if one.repair is None or one.after is None:
        return None
    label = printable(one.repair.label, 40)
    caption = (
        f"{printable(one.before.name, 120)}: the data (filled), the model as it is (dashed), trained with {label} "
        "(line). Below: how both differ from the data."
    )
    return inline_picture(
        before_and_after(one.before, one.after, label),
        f"{key}c",
        f"Before and after. {outcome(one)}",
        caption,
    )


def _two(value: float) -> str:
    return Precision(2).number(value)


_ASSUMPTIONS = [
    "Every model was trained for a few hundred steps only, so that the demo is quick: drifts are larger and motion "
    "less true than those of a training in full. What is compared was trained alike.",
    "One training seed each: a change that is clear beyond sampling noise may still differ with another seed.",
]
