"""How figures look, and how they become bytes: colour-blind-safe, deterministic, inert."""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GAIN",
    "INK",
    "INTENDED",
    "LOSS",
    "MUTED",
    "NOISE",
    "PAPER",
    "RULE",
    "WIDTH",
    "inline",
    "png",
    "quiet",
    "styled",
    "svg",
]

# Okabe and Ito's palette for what must be told apart (gain, loss, noise); greys for the rest.
INK, MUTED, RULE, PAPER = "#1b1f24", "#56606b", "#d3d9df", "#ffffff"
INTENDED, GAIN, LOSS, NOISE = "#c2cad2", "#d55e00", "#0072b2", "#8c5b83"

# In the page the same colours are variables, so that a dark page can have light ink.
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    PAPER: "paper",
    INTENDED: "intended",
    GAIN: "gain",
    LOSS: "loss",
    NOISE: "noise",
}

# Inches. Narrow on purpose: at 360 px the text is then still 9 px high.
WIDTH = 4.9

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"

_SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.size": 10.5,
    "hatch.linewidth": 0.7,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "pushforward",
    "text.color": INK,
    # Names come from files: "$" is a dollar sign, never mathematics.
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 10,
}


# Matplotlib's settings and Python's warning filters belong to the whole process.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """This project's look, whatever the user's own matplotlib settings are; these are restored afterwards."""
    import matplotlib

    with _ONE_AT_A_TIME, matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        # A name in a script that the font lacks is not the reader's problem: the SVG keeps it as text.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font", category=UserWarning)
        warnings.filterwarnings(
            "ignore", message=r"Matplotlib currently does not support", category=UserWarning
        )
        yield


def quiet(axes: Axes) -> None:
    """A light horizontal grid behind the data."""
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def svg(figure: Figure) -> str:
    """The figure as an SVG file: the same figure gives the same text."""
    stream = io.StringIO()
    with styled():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as a PNG file: the same figure gives the same bytes."""
    stream = io.BytesIO()
    with styled():
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def inline(figure: Figure, key: str, label: str) -> str:
    """The figure as an `<svg>` element for the page, with `label` as its text for screen readers.

    `key` makes ids unique within the page. The SVG is parsed and written anew, so nothing but elements that
    matplotlib made, and text that is escaped, reaches the page.
    """
    root = ElementTree.fromstring(svg(figure))
    _drop(root)
    for element in root.iter():
        _adapt(element, key)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")


ElementTree.register_namespace("", "http://www.w3.org/2000/svg")


def _drop(root: ElementTree.Element) -> None:
    """Remove metadata and the style sheet, whose `*` would reach the whole page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)


def _adapt(element: ElementTree.Element, key: str) -> None:
    attributes = element.attrib
    if element.tag == f"{_SVG}g":
        attributes.pop("id", None)
    elif "id" in attributes:
        attributes["id"] = f"{key}-{attributes['id']}"
    if _HREF in attributes:
        attributes["href"] = f"#{key}-{attributes.pop(_HREF).removeprefix('#')}"
    for name in ("clip-path", "style", "fill"):
        if name in attributes:
            value = attributes[name].replace("url(#", f"url(#{key}-")
            attributes[name] = _COLOUR.sub(_variable, _FAMILY.sub("", value))
    if "d" in attributes:
        attributes["d"] = (
            _LONG.sub(_two_decimals, attributes["d"]).replace(" \n", "").replace("\n", "").strip()
        )
    element.tail = None
    if element.tag != f"{_SVG}text" and element.tag != f"{_SVG}tspan":
        element.text = None


_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FAMILY = re.compile(r"font-family:[^;]*;? ?")
_LONG = re.compile(r"-?\d+\.\d{3,}")


def _variable(match: re.Match[str]) -> str:
    name = _VARIABLES.get(match.group())
    return f"var(--{name})" if name else match.group()


def _two_decimals(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}"
