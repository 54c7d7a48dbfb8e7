"""`pushforward simulate`: trajectories of a system whose quantity is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import counted
from pushforward.errors import InputError, printable

if TYPE_CHECKING:
    from pushforward.systems import AbstractSystem
    from pushforward.trajectories import Trajectories

__all__ = ["Simulate", "parsed"]

_DRAWN = 12
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Simulate(AbstractCommand):
    """Make trajectories of a system; the true quantity is kept in the file, so that an audit knows what to measure."""

    system: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SYSTEM")]
    """A name from `pushforward list systems`."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """File to write; its suffix tells the format."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 10_000
    """How many trajectories."""
    intended: str | None = None
    """Law of the quantity, such as "uniform(3.5, 4)"; default: the system's own."""
    T: int | None = None
    """Time steps; default: the system's own."""
    dt: float | None = None
    """Time between steps; default: the system's own."""
    set: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    """A parameter of the system, such as burn_in=500; may be given again."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw the first trajectories into FILE (.png or .svg)."""

    def run(self) -> Outcome:
        """Simulate and write."""
        from pushforward.formats import write
        from pushforward.measure import Intended
        from pushforward.systems import create

        parameters = parsed(self.set)
        system = create(self.system, **parameters)
        law = Intended.parse(self.intended or system.default_intended)
        parts = system.sample_batches(self.n, law, T=self.T, dt=self.dt, seed=self.seed)
        if self.plot is not None:
            parts = self._drawn(self.plot, system, parts)
        with self.progress("simulating") as report:
            write(self.output, counted(parts, self.n, report))
        record = {
            "system": self.system,
            "parameters": parameters,
            "n": self.n,
            "intended": law.text,
            "seed": self.seed,
            "file": str(self.output),
        }
        made = f"{printable(self.output)}: {self.n:,} trajectories of {self.system}"
        shown = f"; drawn in {printable(self.plot)}" if self.plot is not None else ""
        return Outcome(f"{made}, {system.quantity.label} ~ {law.text}{shown}", record)

    def _drawn(
        self, path: Path, system: AbstractSystem, parts: Iterator[Trajectories]
    ) -> Iterator[Trajectories]:
        """The same batches; the first trajectories are drawn on the way."""
        from pushforward.report.systems import check_plot, save_plot

        check_plot(path)
        first = next(parts)
        save_plot(path, system, first.select(slice(0, _DRAWN)))
        return chain([first], parts)


def parsed(settings: tuple[str, ...]) -> dict[str, int | float | str]:
    """Parameters by name from `name=value` texts; a value is a whole number, a number or else a word.

    Raises:
        InputError: text without a name and =, or a name given twice.
    """
    found: dict[str, int | float | str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name.isidentifier() and value.strip()):
            raise InputError(f"--set {printable(text, 80)!r}: expected NAME=VALUE, such as burn_in=500")
        if name in found:
            raise InputError(f"--set {printable(text, 80)!r}: {name} was given before; expected it once")
        found[name] = _number_or_word(value.strip())
    return found


def _number_or_word(text: str) -> int | float | str:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
