"""The page: one self-contained HTML file that says what an audit found, how, and how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from pushforward.errors import InputError, printable
from pushforward.measure.results import Audit, QuantityAudit
from pushforward.report import provenance, reading, references, tables
from pushforward.report.admission import admit
from pushforward.report.notation import confidence, count
from pushforward.report.rendering import Picture, inline_picture, template
from pushforward.trajectories import Trajectories
from pushforward.writing import atomic, write_text

if TYPE_CHECKING:
    from pushforward.explain.results import Explanation
    from pushforward.recommend.results import Recommendation
    from pushforward.report.explanation_page import ExplanationPart
    from pushforward.report.forecast import Ahead, ScoreRow
    from pushforward.report.recommendation_page import RecommendationPart

__all__ = ["LARGEST", "Report", "report"]

Told: TypeAlias = "Ahead | Explanation | Recommendation"

LARGEST = 2_000_000
# Bytes of figures that stop further ones: what the texts of all quantities (about 7 kB each with their line of the
# verdict table) and everything else on the page (trajectories, overview, references) leave.
_TEXT, _REST = 7_500, 500_000


@final
@dataclass(frozen=True, eq=False)
class Report:
    """A finished report. `html` is the whole page; figures can be saved beside it.

    Attributes:
        html: one self-contained page: no script, no external resource, under 2 MB.
        audit: what it is about; None where it only explains or recommends.
    """

    html: str
    audit: Audit | None
    _made: Trajectories | None = field(default=None, repr=False)
    _reference: Trajectories | None = field(default=None, repr=False)
    _ahead: tuple[Ahead, ...] = field(default=(), repr=False)
    _explanations: tuple[Explanation, ...] = field(default=(), repr=False)
    _recommendations: tuple[Recommendation, ...] = field(default=(), repr=False)

    def save(self, path: str | Path) -> Path:
        """Write the page atomically and return its path.

        Raises:
            InputError: the folder is missing or cannot be written.
        """
        write_text(path, self.html)
        return Path(path)

    def save_figures(self, folder: str | Path) -> list[Path]:
        """Every figure as SVG and PNG in `folder` (made when it is missing); returns the files in order.

        Raises:
            InputError: the folder cannot be made or written.
        """
        from pushforward.report import style
        from pushforward.report.figures import every_figure

        folder = Path(folder)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"{printable(folder)}: cannot be made: {error.strerror or error}") from error
        written = []
        for name, figure in every_figure(
            self.audit, self._made, self._reference, self._ahead, self._explanations, self._recommendations
        ):
            vector, raster = folder / f"{name}.svg", folder / f"{name}.png"
            write_text(vector, style.svg(figure))
            with atomic(raster) as temporary:
                temporary.write_bytes(style.png(figure))
            written += [vector, raster]
        return written


def report(
    audit: Audit,
    ahead: Told | Sequence[Told] | None = None,
    *,
    made: Trajectories | None = None,
    reference: Trajectories | None = None,
    settings: Mapping[str, Any] | None = None,
    title: str = "Does the generated motion keep its physics?",
    command: str | None = None,
    citations: Sequence[str] = (),
) -> Report:
    """The report of an audit. The same input gives the same bytes.

    Args:
        audit: what was found.
        ahead: forecasts or dose–responses of quantities of the audit, shown beside what was found, explanations and
            recommendations.
        made, reference: generated and real trajectories, for the panel that shows some of each.
        settings: training and sampling settings, shown as a table; nested ones become dotted names.
        title: the page's heading.
        command: the command line that repeats the measurement.
        citations: further keys of `references.REFERENCES` to cite.

    Raises:
        InputError: an audit with damaged fields, a forecast of something else, an unknown citation, or more than
            fits into 2 MB.
    """
    admit(audit)
    channels = () if reference is None and made is None else (reference or made).channels  # type: ignore[union-attr]
    keys = [*references.used(audit, settings, channels), *citations]
    forecasts, explanations, recommendations = _told(ahead)
    ahead_parts, explained = _ahead_parts(audit, forecasts), _explained(explanations)
    keys += references.EXPLAINED if explained else ()
    drawn = [*(part.pictures for part in ahead_parts), *(part.pictures.values() for part in explained)]
    html = template("template.html.j2").render(
        title=printable(title),
        answer=reading.answer(audit),
        compared=provenance.rows(audit.inputs),
        confidence=confidence(audit.level),
        symbols=reading.SYMBOLS,
        verdict_rows=[tables.verdict_row(quantity, audit.level) for quantity in audit.quantities],
        overview=_overview(audit),
        sections=_sections(audit, sum(len(picture.svg) for pictures in drawn for picture in pictures)),
        ahead=ahead_parts,
        explanations=explained,
        recommendations=_recommended(recommendations),
        panels=_panels(audit, made, reference),
        measured=provenance.measured(audit),
        inputs=provenance.inputs(audit),
        settings=provenance.rows(settings or {}),
        command=None if command is None else printable(command, longest=2000),
        assumptions=provenance.assumptions(audit),
        bibtex=references.cite(keys),
    )
    size = len(html.encode())
    if size > LARGEST:
        raise InputError(
            f"report: the page would have {size:,} bytes; expected at most {LARGEST:,}: audit fewer quantities"
        )
    return Report(html, audit, made, reference, forecasts, explanations, recommendations)


def _overview(audit: Audit) -> Picture | None:
    """Nothing to survey in a single quantity."""
    if len(audit.quantities) < 2:
        return None
    from pushforward.report.overview import overview, overview_text

    caption = (
        f"Every quantity on one scale, the intended standard deviation σ. Left: shift of the mean with its "
        f"{confidence(audit.level)} confidence interval. Right: the distance W1 (mark) beside the noise floor that "
        "sampling alone produces (bar)."
    )
    return inline_picture(overview(audit.quantities), "o", overview_text(audit.quantities), caption)


@dataclass(frozen=True)
class _Section:
    """What the page says about one quantity."""

    key: str
    quantity: tables.Heading
    picture: Picture | None
    sentences: list[str]
    quantiles: list[tables.QuantileRow]
    distances: list[tables.DistanceRow]


def _sections(audit: Audit, taken: int) -> list[_Section]:
    left, sections = LARGEST - _REST - taken - _TEXT * len(audit.quantities), []
    for i, quantity in enumerate(audit.quantities, start=1):
        picture = _distribution(quantity, f"q{i}", audit.level) if left > 0 else None
        left -= len(picture.svg) if picture else 0
        sections.append(
            _Section(
                key=f"q{i}",
                quantity=tables.heading(quantity),
                picture=picture,
                sentences=reading.reading(quantity, audit.level),
                quantiles=tables.quantile_rows(quantity),
                distances=tables.distance_rows(quantity),
            )
        )
    return sections


def _distribution(quantity: QuantityAudit, key: str, level: float) -> Picture:
    from pushforward.report.distribution import distribution

    against = f"the law {printable(quantity.intended, longest=80)}"
    if quantity.n_reference is not None:
        against = f"{count(quantity.n_reference)} of the data"
    name = printable(quantity.name, longest=120)
    caption = f"{name}: {count(quantity.n_made)} generated (line) against {against} (filled)."
    return inline_picture(distribution(quantity), key, reading.described(quantity, level), caption)


@dataclass(frozen=True)
class _AheadPart:
    """What the page says about one forecast."""

    key: str
    name: str
    unit: str
    what: str
    pictures: list[Picture]
    sentences: list[str]
    scores: list[ScoreRow]
    predictors: list[str]


def _told(
    ahead: Told | Sequence[Told] | None,
) -> tuple[tuple[Ahead, ...], tuple[Explanation, ...], tuple[Recommendation, ...]]:
    """The forecasts, the explanations and the recommendations among what was given."""
    if ahead is None:
        return (), (), ()
    from pushforward.explain.results import Explanation
    from pushforward.recommend.results import Recommendation
    from pushforward.report.forecast import as_sequence

    given: list[Any] = list(ahead) if isinstance(ahead, Sequence) else [ahead]
    explanations = tuple(one for one in given if isinstance(one, Explanation))
    recommendations = tuple(one for one in given if isinstance(one, Recommendation))
    others = [one for one in given if not isinstance(one, Explanation | Recommendation)]
    return as_sequence(others), explanations, recommendations


def _recommended(recommendations: tuple[Recommendation, ...]) -> list[RecommendationPart]:
    if not recommendations:
        return []
    from pushforward.report.recommendation_page import recommendation_parts

    return recommendation_parts(recommendations)


def _explained(explanations: tuple[Explanation, ...]) -> list[ExplanationPart]:
    if not explanations:
        return []
    from pushforward.report.explanation_page import explanation_parts

    return explanation_parts(explanations)


def _ahead_parts(audit: Audit, forecasts: tuple[Ahead, ...]) -> list[_AheadPart]:
    if not forecasts:
        return []
    from pushforward.report.forecast import ahead_sections

    parts = []
    for i, section in enumerate(ahead_sections(audit, forecasts), start=1):
        pictures = [
            inline_picture(figure, f"f{i}{chr(97 + j)}", label, caption)
            for j, (figure, label, caption) in enumerate(section.figures)
        ]
        said = (section.name, section.unit, section.what)
        parts.append(
            _AheadPart(f"f{i}", *said, pictures, section.sentences, section.scores, section.predictors)
        )
    return parts


@dataclass(frozen=True)
class _Panels:
    pictures: list[Picture]
    caption: str


def _panels(audit: Audit, made: Trajectories | None, reference: Trajectories | None) -> _Panels | None:
    if made is None and reference is None:
        return None
    from pushforward.report.figures import panels

    figures, caption = panels(made, reference, audit.seed)
    pictures = [inline_picture(figure, f"t{i}", label, "") for i, (label, figure) in enumerate(figures)]
    return _Panels(pictures, caption)
