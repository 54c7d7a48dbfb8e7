"""`pushforward recommend`: which repair, before training?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome, command_line
from pushforward.commands.files import FileOptions, described, distinct, existing
from pushforward.errors import InputError, printable
from pushforward.recommend.making import recommend

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pushforward.generators.base import AbstractGenerator
    from pushforward.quantities.base import AbstractQuantity
    from pushforward.recommend.results import Recommendation
    from pushforward.trajectories import Trajectories

__all__ = ["RecommendForFile"]


@dataclass(frozen=True, kw_only=True)
class RecommendForFile(AbstractCommand):
    """Which coordinates to train in, and on which demonstrations, so that a quantity keeps its law?

    Every candidate is forecast: local errors are made in its own codes, decoded and measured. The best comes first,
    with the command that applies it. With --generator the errors are those of thin models of that class, one trained in
    each candidate's codes: it takes minutes, and ranks better than errors of one size.
    """

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """The trajectories to train on: a file or folder of any known format."""
    quantity: str | None = None
    """What has to keep its law: a name from `pushforward list quantities`, with settings as in "path-length(unit=km)",
    or your own "module:function". Default: the data's own quantity, else the path length."""
    generator: str | None = None
    """What is to be trained: a name from `pushforward list generators`."""
    steps: int | None = None
    """Of that training; default: the class's own number."""
    batch_size: int | None = None
    """Of that training; default: the class's own."""
    share: float | None = None
    """The most that each thin model takes of that training's FLOPs; default with --generator: 0.1."""
    kernel: str | None = None
    """Local errors relative to the codes instead: a kernel with its scale. Default without --generator:
    "gaussian(scale=0.04)", errors of one size."""
    intended: str | None = None
    """The intended law, such as "uniform(1, 2)"; default: the data's own."""
    representation: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME")] = ()
    """One to try, such as speed-heading or "increments + whitened"; may be given several times. Default: all."""
    mitigation: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME")] = ()
    """A further one to try with --generator: match, jacobian, "spectral-norm(4)", ...; may be given several times.
    Default: guide."""
    system: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A name from `pushforward list systems` whose own check tells which trajectories are valid, for that column."""
    group: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What makes trajectories dependent: the file's groups by default, "none", or a recorded condition."""
    repeats: int = 2
    """Deviations of each trajectory."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """Also write it as a page with a figure."""
    files: FileOptions = FileOptions()

    def run(self) -> Outcome:
        """Forecast every candidate and rank them."""
        from pushforward.formats import read

        existing(self.data)
        distinct([self.json, self.output], [self.data])
        generator = self._generator()
        trajectories = read(self.data, self.files.format, self.files.reading)
        with self.progress("forecasting candidates") as report:
            found = recommend(
                trajectories,
                self._quantity(trajectories),
                generator=generator,
                share=self.share,
                kernel=self.kernel,
                intended=self.intended,
                representations=self.representation or None,
                mitigations=self.mitigation or None,
                valid=self._valid(),
                group=self.group,
                repeats=self.repeats,
                seed=self.seed,
                data=printable(self.data),
                progress=report,
            )
        lines = [str(found)]
        if self.output is not None:
            lines.append(self._page(found, self.output))
        return Outcome("\n\n".join(lines), found.to_json())

    def _page(self, found: Recommendation, path: Path) -> str:
        from pushforward.report.recommendation_page import recommendation_page

        page = recommendation_page(found, inputs={"data": described(self.data)}, command=command_line())
        page.save(path)
        return f"report in {printable(path)}"

    def _generator(self) -> AbstractGenerator | None:
        told = {"steps": self.steps, "batch_size": self.batch_size}
        changes = {name: value for name, value in told.items() if value is not None}
        if self.generator is None:
            for name, value in {**told, "share": self.share}.items():
                if value is not None:
                    raise InputError(
                        f"--{name.replace('_', '-')}: belongs to --generator, which was not given"
                    )
            return None
        from pushforward.generators import create

        return create(self.generator, **changes)

    def _valid(self) -> Callable[[Trajectories], NDArray[np.bool_]] | None:
        if self.system is None:
            return None
        from pushforward.systems import create

        return create(self.system).valid

    def _quantity(self, trajectories: Trajectories) -> AbstractQuantity:
        from pushforward.quantities import default_for, parse

        return parse(self.quantity) if self.quantity is not None else default_for(trajectories)[0]
