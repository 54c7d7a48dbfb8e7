"""`pushforward explain`: why will a quantity drift, where, and through which errors?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pushforward.commands.base import AbstractCommand, Outcome, command_line
from pushforward.commands.files import FileOptions, described, distinct, existing, stream
from pushforward.errors import printable, require
from pushforward.explain.making import explain
from pushforward.explain.parts import NAMES
from pushforward.forecast.settings import ForecastSettings

if TYPE_CHECKING:
    from pushforward.explain.results import Explanation
    from pushforward.kernels.base import AbstractDeviationKernel
    from pushforward.quantities.base import AbstractQuantity

__all__ = ["ExplainFile"]

_EXAMPLES = 6


@dataclass(frozen=True, kw_only=True)
class ExplainFile(AbstractCommand):
    """Why will a quantity drift under a model class's local errors, where, and through which of them?

    Where mass is pushed (bias) and spread, who loses to whom, which steps, channels and frequencies of the errors do
    it, and which trajectories move most.
    """

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """The trajectories that a model would be trained on: a file or folder of any known format."""
    quantity: str | None = None
    """What to measure: a name from `pushforward list quantities`, with settings as in "path-length(unit=km)", or your
    own "module:function". Default: the data's own quantity, else the path length."""
    kernel: str = "gaussian"
    """The local errors of the model class: a name from `pushforward list kernels`, with settings as in
    "spectral(correlation=8)"."""
    scale: float | None = None
    """Size of the errors: relative to each channel's standard deviation, unless the kernel says otherwise."""
    by: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PART ...")] = ()
    """Attribute the drift to parts of the errors: time, channels, frequency, noise-levels; or none. Default: all that
    this kernel and data have."""
    intended: str | None = None
    """The intended law, such as "uniform(1, 2)"; default: the data's own."""
    repeats: int | None = None
    """Deviations of each trajectory; default: the kernel's own number."""
    group: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What makes trajectories dependent: the file's groups by default, "none", or a recorded condition."""
    sample: int = 8192
    """Trajectories that attributions and examples look at."""
    bins: int = 32
    """Bins of the quantity."""
    range: tuple[float, float] | None = None
    """Range of the bins, in the quantity's unit; found from data and deviations by default."""
    level: float = 0.05
    """Error level of limits and tests."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """Also write it as a page with figures."""
    files: FileOptions = FileOptions()

    def run(self) -> Outcome:
        """Explain, and write what was asked for."""
        existing(self.data)
        distinct([self.json, self.output], [self.data])
        by = self._by()
        kernel = self._kernel()
        with self.progress("explaining") as report:
            source = stream(self.data, self.files, report)
            made = explain(
                kernel,
                source,
                self._quantity(source),
                by=by,
                intended=self.intended,
                group=self.group,
                sample=self.sample,
                examples=_EXAMPLES,
                seed=self.seed,
                settings=ForecastSettings(
                    level=self.level, repeats=self.repeats, bins=self.bins, range=self.range, seed=self.seed
                ),
            )
        lines = [str(made)]
        if self.output is not None:
            lines.append(self._page(made, self.output))
        return Outcome("\n\n".join(lines), json.loads(made.to_text()))

    def _by(self) -> tuple[str, ...] | None:
        if self.by == ("none",):
            return ()
        for one in self.by:
            require(
                one in NAMES,
                f"--by: got {printable(one, 40)}; expected any of {', '.join(NAMES)}, or none alone",
            )
        return self.by or None

    def _kernel(self) -> AbstractDeviationKernel:
        from pushforward.kernels import parse

        kernel = parse(self.kernel)
        kernel = kernel if self.scale is None else kernel.with_scale(self.scale)
        require(kernel.scale is not None, f"--scale: {kernel.name} has none; expected the size of its errors")
        return kernel

    def _quantity(self, source: Callable[[], Any]) -> AbstractQuantity:
        from pushforward.forecast.pushing import first_batch
        from pushforward.quantities import default_for, parse

        return parse(self.quantity) if self.quantity is not None else default_for(first_batch(source))[0]

    def _page(self, made: Explanation, path: Path) -> str:
        from pushforward.report.explanation_page import explanation_page

        page = explanation_page(made, inputs={"data": described(self.data)}, command=command_line())
        page.save(path)
        return f"report in {printable(path)}"
