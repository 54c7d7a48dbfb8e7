"""`pushforward demo`: the whole story, on embedded systems or on one's own trajectories."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pushforward.commands.base import AbstractCommand, Outcome, command_line
from pushforward.commands.files import FileOptions, described, existing
from pushforward.demo.budgets import FULL, QUICK, Budget
from pushforward.errors import InputError, printable, require

if TYPE_CHECKING:
    from pushforward.demo.story import Chaptered, Story
    from pushforward.report.story import StoryChapter
    from pushforward.study.pools import AbstractPool

__all__ = ["Demo"]

_LAST = "report.html"


@dataclass(frozen=True, kw_only=True)
class Demo(AbstractCommand):
    """Forecast a drift, train, find it, explain it, train the recommended repair: on three systems, from nothing.

    The logistic map, a maze and the double pendulum, a chapter each; or one chapter on your own trajectories. The
    forecast and the recommendation are written before anything is trained. About 400 s of processor time, on all
    cores; with `--quick` about 90 s.
    """

    data: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="FILE")] = None
    """Your own trajectories: a file or folder of any known format. Default: three embedded systems."""
    quantity: str | None = None
    """With FILE: what is to keep its law: a name from `pushforward list quantities`, with settings as in
    "path-length(unit=km)", or your own "module:function". Default: the data's own quantity, else the path length."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = Path("pushforward-demo")
    """Folder for the data, the models, the samples and the report."""
    quick: bool = False
    """A sixth of the training steps, on half as large batches: larger drifts, sooner."""
    resume: bool = False
    """Go on with a demo that was interrupted."""
    files: FileOptions = field(default_factory=FileOptions)

    def run(self) -> Outcome:
        """Tell the story."""
        require(
            self.data is not None or self.quantity is None,
            "--quantity: belongs to FILE; the embedded systems have their own",
        )
        require(0 <= self.seed < 2**32, f"--seed: got {self.seed}; expected 0 to 2^32 - 1")
        started = time.monotonic()
        budget = QUICK if self.quick else FULL
        story = self._story(budget)
        try:
            done = story.run(self.resume)
        except KeyboardInterrupt:
            raise InputError(
                "interrupted; what is done is kept: go on with the same command and --resume"
            ) from None
        from pushforward.demo.telling import record_of, summary

        chapters, place = self._page(done, budget)
        story.finish()
        seconds = time.monotonic() - started
        return Outcome(summary(chapters, place, seconds), record_of(chapters, done, place, seconds))

    def _page(self, done: list[Chaptered], budget: Budget) -> tuple[list[StoryChapter], Path]:
        """The chapters as they are told, and where their page is."""
        from pushforward.demo.telling import OWN_LINES, told
        from pushforward.report.story import story_page

        chapters = []
        with self.progress("explaining and drawing") as report:
            for i, one in enumerate(done, start=1):
                chapters.append(told(one))
                report(i, len(done) + 1, one.chapter.title)
            page = story_page(
                chapters, settings=self._settings(budget), lines=OWN_LINES, command=command_line()
            )
            place = page.save(self.output / _LAST).resolve()
            report(len(done) + 1, len(done) + 1, "")
        return chapters, place

    def _story(self, budget: Budget) -> Story:
        from pushforward.demo import chapters
        from pushforward.demo.story import Story
        from pushforward.formats import read

        common: dict[str, Any] = {
            "folder": self.output,
            "budget": budget,
            "seed": self.seed,
            "reporting": self.progress,
            "pool": _pool(),
        }
        if self.data is None:
            return Story(**common, chapters=chapters.CHAPTERS)
        require(
            not self.data.resolve().is_relative_to(self.output.resolve()),
            f"{printable(self.data)}: lies in the folder of the demo, which it would overwrite; expected another -o",
        )
        found = read(existing(self.data), self.files.format, self.files.reading)
        data = chapters.own_data(found, budget.n_data, self.seed)
        own = chapters.own_chapter(self.data, data, self.quantity)
        return Story(**common, chapters=(own,), own=data)

    def _settings(self, budget: Budget) -> dict[str, Any]:
        given = {} if self.data is None else {"data": described(self.data)}
        return {
            **given,
            "seed": self.seed,
            "generator": "diffusion",
            "budget of each chapter": asdict(budget),
        }


def _pool() -> AbstractPool:
    """As many processes of one thread as there are cores: small networks gain little from several threads."""
    from pushforward.study.local import LocalPool

    return LocalPool()
