"""The frame of a page about what is ahead: explanations or recommendations, without an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.report import provenance, references
from pushforward.report.page import LARGEST
from pushforward.report.rendering import template

__all__ = ["framed", "several"]


def several(given: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    """One or several of a kind as a tuple.

    Raises:
        InputError: none, or something else; `name` is what was expected.
    """
    found = (given,) if isinstance(given, kind) else tuple(given)
    for one in found:
        if not isinstance(one, kind):
            raise InputError(f"report: got {printable(type(one).__name__)}; expected {name}")
    require(len(found) > 0, f"report: got nothing; expected at least one, {name}")
    return found


def framed(
    *,
    title: str,
    answer: str,
    subject: str,
    inputs: Mapping[str, Any] | None,
    measured: Sequence[tuple[str, str]],
    command: str | None,
    assumptions: Sequence[str],
    cited: Sequence[str],
    explanations: Sequence[Any] = (),
    recommendations: Sequence[Any] = (),
) -> str:
    """The page as HTML.

    Args:
        title: the page's heading.
        answer: the one line under it.
        subject: what `inputs` are.
        inputs: what it is about, as a table.
        measured: settings and versions, as rows.
        command: the command line that repeats it.
        assumptions: sentences.
        cited: keys of `references.REFERENCES`.
        explanations, recommendations: parts of the page.

    Raises:
        InputError: more than fits into 2 MB.
    """
    html: str = template("ahead_page.html.j2").render(
        title=printable(title),
        answer=answer,
        explanations=explanations,
        recommendations=recommendations,
        subject=subject,
        inputs=provenance.rows(inputs or {}),
        measured=measured,
        command=None if command is None else printable(command, longest=2000),
        assumptions=assumptions,
        bibtex=references.cite(cited),
    )
    size = len(html.encode())
    require(
        size <= LARGEST,
        f"report: the page would have {size:,} bytes; expected at most {LARGEST:,}: ask for less",
    )
    return html
