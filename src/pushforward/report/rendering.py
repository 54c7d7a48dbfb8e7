"""From figures and templates to the page: inline pictures, and the templates that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "inline_picture", "template"]


@dataclass(frozen=True)
class Picture:
    """An inline SVG, and what it shows."""

    svg: str
    caption: str


def inline_picture(figure: Figure, key: str, label: str, caption: str) -> Picture:
    """A figure for the page; `key` makes its ids unique there, `label` is its content as text."""
    from markupsafe import Markup

    from pushforward.report import style

    # Safe: parsed from matplotlib's output and written anew, all text escaped (style.inline).
    return Picture(Markup(style.inline(figure, key, label)), caption)


def template(name: str) -> Any:
    """A template of this folder; everything that it is given is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
