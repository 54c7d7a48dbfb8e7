"""The report's section of a forecast: what was predicted, beside what was observed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pushforward.errors import InputError, printable
from pushforward.forecast.dose import DoseResponse
from pushforward.forecast.observed import quantity_of
from pushforward.forecast.results import Change, Estimate, Forecast
from pushforward.forecast.skill import Skill
from pushforward.measure.results import Audit, QuantityAudit
from pushforward.report.forecast_figures import dose_figure, flow_figure, forecast_figure
from pushforward.report.notation import Precision, count, points, significant, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Ahead", "AheadSection", "ScoreRow", "ahead_figures", "ahead_sections", "as_sequence"]

Ahead = Forecast | DoseResponse
_MOST_RANGES = 3


@dataclass(frozen=True)
class ScoreRow:
    """One score: of the forecast, of a fresh sample of the data and, where there was one, of another run."""

    name: str
    cells: list[tuple[str, str]]


@dataclass(frozen=True)
class AheadSection:
    """What the page says about one forecast or dose–response.

    Attributes:
        name, unit: of the quantity.
        what: the kernel, as it is spelled.
        figures: (figure, its content as text, its caption).
        sentences: the reading.
        scores: the table of scores; empty for a dose–response.
        predictors: what its columns stand for.
    """

    name: str
    unit: str
    what: str
    figures: list[tuple[Figure, str, str]]
    sentences: list[str]
    scores: list[ScoreRow]
    predictors: list[str]


def as_sequence(ahead: Ahead | Sequence[Ahead] | None) -> tuple[Ahead, ...]:
    """None, one or several forecasts as a sequence.

    Raises:
        InputError: something else.
    """
    given = () if ahead is None else (ahead,) if isinstance(ahead, Forecast | DoseResponse) else tuple(ahead)
    for one in given:
        if not isinstance(one, Forecast | DoseResponse):
            raise InputError(
                f"report: got {printable(type(one).__name__)}; expected a forecast or a dose–response"
            )
    return given


def ahead_sections(audit: Audit, ahead: Sequence[Ahead]) -> list[AheadSection]:
    """A section for each forecast.

    Raises:
        InputError: a forecast of a quantity that was not audited, or whose bins cannot be matched.
    """
    return [_forecast(audit, one) if isinstance(one, Forecast) else _dose(audit, one) for one in ahead]


def ahead_figures(audit: Audit, ahead: Sequence[Ahead]) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every figure of forecasts, to be saved beside the page."""
    for one in ahead:
        if isinstance(one, Forecast):
            matched = one.on_bins_of(audit)
            yield f"forecast-{one.name}", forecast_figure(matched, quantity_of(audit, one.name).bins)
            yield f"flow-{one.name}", flow_figure(matched)
        else:
            yield (
                f"dose-{one.forecasts[0].name}",
                dose_figure(one, quantity_of(audit, one.forecasts[0].name).tolerance),
            )


def _forecast(audit: Audit, forecast: Forecast) -> AheadSection:
    quantity, skill, matched = (
        quantity_of(audit, forecast.name),
        forecast.skill(audit),
        forecast.on_bins_of(audit),
    )
    sentences = [_shift(forecast, quantity), *_ranges(matched), _score(skill), *_left_out(forecast)]
    name = printable(forecast.name, longest=120)
    caption = f"{name}: predicted (line) and generated (dots) over the intended law (filled). Below: how they differ."
    flow = (
        "Who loses to whom, as predicted. Area is the share of all trajectories that moves from one range of "
        f"{name} to another."
    )
    return AheadSection(
        name=name,
        unit=printable(forecast.unit, longest=40),
        what=printable(forecast.kernel),
        figures=[
            (
                forecast_figure(matched, quantity.bins),
                " ".join([f"Predicted distribution of {name}.", *sentences]),
                caption,
            ),
            (flow_figure(matched), f"Predicted flow of mass between ranges of {name}.", flow),
        ],
        sentences=sentences,
        scores=_rows(skill),
        predictors=_PREDICTORS[: 2 if skill.ceiling is None else 3],
    )


def _dose(audit: Audit, dose: DoseResponse) -> AheadSection:
    first = dose.forecasts[0]
    quantity = quantity_of(audit, first.name)
    name, unit = printable(first.name, longest=120), printable(first.unit, longest=40)
    lowest, highest = (f"{dose.scales[i]:g}" for i in (0, -1))
    sentences = [
        f"From scale {lowest} to {highest} the predicted distance W1 grows from "
        f"{with_unit(significant(dose.w1s[0].value), unit)} to {with_unit(significant(dose.w1s[-1].value), unit)}."
    ]
    observed = dose.within(quantity.w1.value).value if quantity.w1.value > 0 else None
    if observed is not None:
        distance = with_unit(significant(quantity.w1.value), unit)
        sentences.append(f"The observed W1 of {distance} is what scale {observed:.2g} predicts.")
    if quantity.tolerance is not None:
        largest = dose.within(quantity.tolerance).value
        said = f"at all of these scales, up to {highest}" if largest is None else f"up to scale {largest:.2g}"
        sentences.append(
            f"The tolerance of {with_unit(significant(quantity.tolerance), unit)} is kept {said}."
        )
    caption = f"{name}: predicted drift over the scale of the local errors, with its limits."
    figure = (dose_figure(dose, quantity.tolerance), " ".join(sentences), caption)
    return AheadSection(name, unit, printable(first.kernel.partition("(")[0]), [figure], sentences, [], [])


def _shift(forecast: Forecast, quantity: QuantityAudit) -> str:
    predicted, observed, unit = forecast.mean_shift, quantity.mean_shift, printable(forecast.unit, longest=40)
    halves = [(one.high - one.low) / 2 for one in (predicted, observed) if one.high > one.low]
    precision = Precision.of(min(halves, default=math.nan), max(abs(predicted.value), abs(observed.value)))
    spelled = [
        f"{with_unit(precision.number(one.value, signed=True), unit)} "
        f"[{precision.number(one.low, signed=True)}, {precision.number(one.high, signed=True)}]"
        for one in (predicted, observed)
    ]
    repeats = f"{forecast.repeats} deviation{'s'[: forecast.repeats > 1]}"
    return (
        f"From {count(forecast.n)} trajectories, {repeats} of each, the mean is predicted to shift by {spelled[0]}; "
        f"observed was {spelled[1]}."
    )


def _ranges(forecast: Forecast) -> list[str]:
    width = (forecast.grid.high - forecast.grid.low) / forecast.grid.bins
    precision = Precision.of(width, max(abs(forecast.grid.low), abs(forecast.grid.high)))
    unit, sentences = printable(forecast.unit, longest=40), []
    for word, changes in (("▲ Predicted to gain", forecast.gains), ("▼ Predicted to lose", forecast.losses)):
        largest = sorted(changes, key=lambda change: -abs(change.mass))[:_MOST_RANGES]
        if largest:
            shown = "; ".join(_spelled(change, precision, unit) for change in largest)
            more = len(changes) - len(largest)
            sentences.append(f"{word}: {shown}{f'; and {more} smaller' if more else ''}.")
    return sentences or ["No range is predicted to gain or to lose more than noise."]


def _spelled(change: Change, precision: Precision, unit: str) -> str:
    low, high = precision.number(change.low), precision.number(change.high)
    if math.isinf(change.low):
        where = f"below {with_unit(high, unit)}"
    elif math.isinf(change.high):
        where = f"above {with_unit(low, unit)}"
    else:
        where = f"{low} to {with_unit(high, unit)}"
    return f"{where} ({points(change.mass)} points)"


def _score(skill: Skill) -> str:
    if not math.isfinite(skill.skill.value):
        return "The observed drift does not exceed its noise, so that no forecast of it can be scored."
    text = (
        f"Skill {_limited(skill.skill)}, where 1 is a perfect forecast and 0 one of no drift; correlation with the "
        f"observed drift {_limited(skill.corr)}, corrected for noise {_limited(skill.corr_corrected)}."
    )
    if skill.n_significant and math.isfinite(skill.sign_accuracy.value):
        right = round(skill.sign_accuracy.value * skill.n_significant)
        text += (
            f" Gain or loss is right in {right} of the {skill.n_significant} bins that significantly changed."
        )
    return text


def _left_out(forecast: Forecast) -> list[str]:
    said = []
    if forecast.n_undefined or forecast.n_lost:
        lost = f"{count(forecast.n_undefined)} trajectories and {count(forecast.n_lost)} deviations"
        said.append(f"Left out, as not defined: {lost}.")
    if forecast.uncovered > 0:
        share = f"{100 * forecast.uncovered:.2g}\u202f%"
        said.append(f"{share} of the intended law has no data near it and is taken to stay where it is.")
    return said


def _rows(skill: Skill) -> list[ScoreRow]:
    columns = [skill.scores, skill.floor, *([] if skill.ceiling is None else [skill.ceiling])]
    return [
        ScoreRow(
            name, [(_number(one), _interval(one)) for one in (getattr(scores, key) for scores in columns)]
        )
        for key, name in _SCORES.items()
    ]


_PREDICTORS = ["This forecast", "A fresh sample of the data", "Another run of the model"]
_SCORES = {
    "corr": "Correlation",
    "corr_corrected": "corrected for noise",
    "skill": "Skill",
    "sign_accuracy": "Gain or loss right",
}


def _number(estimate: Estimate) -> str:
    return Precision(2).number(estimate.value)


def _interval(estimate: Estimate) -> str:
    if not (math.isfinite(estimate.value) and math.isfinite(estimate.low)):
        return ""
    return f"[{Precision(2).number(estimate.low)},\u00a0{Precision(2).number(estimate.high)}]"


def _limited(estimate: Estimate) -> str:
    return f"{_number(estimate)}\u00a0{_interval(estimate)}".rstrip("\u00a0")
