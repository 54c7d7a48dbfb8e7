"""The errors that users meet: one line, naming what was wrong, what was got and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["InputError", "named", "printable", "require"]

_LONGEST = 200


class InputError(ValueError):
    """Bad usage or bad input. The command line prints its one line and exits with code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, longest=2000))


def printable(text: object, longest: int = _LONGEST) -> str:
    """Text that is safe on one line of a terminal: control characters escaped, length bounded.

    Files from others choose channel names and paths; a terminal must never interpret them.
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"


def require(condition: bool, message: str) -> None:
    """Raise `InputError(message)` unless `condition` holds."""
    if not condition:
        raise InputError(message)


def named(kind: str, name: str, valid: Iterable[str]) -> InputError:
    """The error for an unknown name: lists the valid ones and suggests the closest."""
    choices = sorted(valid)
    close = difflib.get_close_matches(name, choices, n=1)
    hint = f"; did you mean {printable(close[0], longest=40)!r}?" if close else ";"
    shown = [printable(choice, longest=40) for choice in choices]
    listed = ", ".join(shown[:40]) + (", …" if len(shown) > 40 else "")
    return InputError(f"unknown {kind} {printable(name, longest=60)!r}{hint} valid: {listed}")
