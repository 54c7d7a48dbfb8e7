"""`pushforward forecast`: which values of a quantity will a model class over- and under-produce?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import FileOptions, distinct, existing, stream
from pushforward.errors import InputError, printable, require
from pushforward.forecast.dose import DoseResponse, dose_response
from pushforward.forecast.making import forecast
from pushforward.forecast.results import Forecast
from pushforward.forecast.settings import ForecastSettings
from pushforward.measure.table import number
from pushforward.progress import silent

if TYPE_CHECKING:
    from pushforward.kernels.base import AbstractDeviationKernel
    from pushforward.measure.results import Audit
    from pushforward.quantities.base import AbstractQuantity
    from pushforward.trajectories import Trajectories

__all__ = ["ForecastFile"]

_LARGEST_AUDIT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class ForecastFile(AbstractCommand):
    """Which values of a quantity will a model class over- and under-produce, before it is trained?

    Every trajectory is deviated as the kernel says and measured before and after, in constant memory. Without a scale
    the forecast is a dose–response: the predicted drift over the size of the local errors.
    """

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """The trajectories that a model would be trained on: a file or folder of any known format."""
    quantity: str | None = None
    """What to measure: a name from `pushforward list quantities`, with settings as in "path-length(unit=km)", or your
    own "module:function". Default: the data's own quantity, else the path length."""
    kernel: str = "gaussian"
    """The local errors of the model class: a name from `pushforward list kernels`, with settings as in
    "spectral(correlation=8)"."""
    run_folder: Annotated[Path | None, tyro.conf.arg(metavar="RUN", name="run")] = None
    """Of a kernel that asks a trained model (denoise, rollout, reconstruction): the folder made by `train -o`."""
    generator: str | None = None
    """Of the kernel pilot: the class that is to be trained, a name from `pushforward list generators`."""
    scale: float | None = None
    """Size of the errors: relative to each channel's standard deviation, unless the kernel says otherwise."""
    scales: Annotated[tuple[float, ...], tyro.conf.arg(metavar="SCALE ...")] = ()
    """Several sizes: the predicted drift over them. Default without --scale: the kernel's own."""
    tolerance: float | None = None
    """Accepted drift (Wasserstein distance) in the quantity's unit: which scale stays within it?"""
    intended: str | None = None
    """The intended law, such as "uniform(1, 2)"; default: the data's own."""
    repeats: int | None = None
    """Deviations of each trajectory; default: the kernel's own number."""
    group: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What makes trajectories dependent: the file's groups by default, "none", or a recorded condition."""
    bins: int = 32
    """Bins of the predicted masses."""
    range: tuple[float, float] | None = None
    """Range of the bins, in the quantity's unit; found from data and deviations by default."""
    level: float = 0.05
    """Error level of bands and tests."""
    audit: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Score the forecast against what was made: a file written by `pushforward audit --json`."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw it into FILE (.png or .svg)."""
    files: FileOptions = FileOptions()

    def run(self) -> Outcome:
        """Forecast, and write what was asked for."""
        from pushforward.kernels import parse

        existing(self.data)
        distinct([self.json, self.plot], [self.data, self.audit])
        if self.plot is not None:
            from pushforward.report.systems import check_plot

            check_plot(self.plot)
        kernel = parse(self.kernel, **self._of_kernel())
        kernel = kernel if self.scale is None else kernel.with_scale(self.scale)
        sweep = bool(self.scales) or kernel.scale is None
        self._check(sweep)
        found = self._audit()
        kernel = self._piloted(kernel)
        with self.progress("forecasting") as report:
            source = stream(self.data, self.files, report)
            arguments = (kernel, source, self._quantity(source))
            if not sweep:
                outcome = self._one(forecast(*arguments, **self._settings()), found)
            else:
                outcome = self._several(dose_response(*arguments, self.scales or None, **self._settings()))
        return _with_account(outcome, kernel)

    def _check(self, sweep: bool) -> None:
        require(self.scale is None or not self.scales, "--scale and --scales: got both; expected one of them")
        require(
            self.tolerance is None or sweep,
            "--tolerance: asks for the largest scale; expected --scales, or no scale at all",
        )
        require(self.audit is None or not sweep, "--audit: scores one forecast; expected --scale")

    def _of_kernel(self) -> dict[str, Any]:
        """Settings of the kernel that have options of their own."""
        told: dict[str, Any] = {} if self.run_folder is None else {"run": str(existing(self.run_folder))}
        return told if self.generator is None else told | {"generator": self.generator}

    def _piloted(self, kernel: AbstractDeviationKernel) -> AbstractDeviationKernel:
        """The kernel with its pilots trained, where it has any: that takes minutes, and has a progress of its own."""
        from pushforward.forecast.pushing import learned_from
        from pushforward.pilots import Pilot

        if not isinstance(kernel, Pilot):
            return kernel
        source = stream(self.data, self.files, silent)
        self._quantity(source)  # refused before, not after
        with self.progress("training a pilot") as report:
            return learned_from(replace(kernel, report=report), source)

    def _settings(self) -> dict[str, Any]:
        return {
            "intended": self.intended,
            "group": self.group,
            "seed": self.seed,
            "settings": ForecastSettings(
                level=self.level, repeats=self.repeats, bins=self.bins, range=self.range, seed=self.seed
            ),
        }

    def _quantity(self, source: Callable[[], Any]) -> AbstractQuantity:
        from pushforward.forecast.pushing import first_batch
        from pushforward.quantities import default_for, parse

        if self.quantity is not None:
            return parse(self.quantity)
        first: Trajectories = first_batch(source)
        return default_for(first)[0]

    def _audit(self) -> Audit | None:
        if self.audit is None:
            return None
        from pushforward.measure.results import Audit

        where = printable(existing(self.audit))
        require(
            self.audit.is_file() and self.audit.stat().st_size <= _LARGEST_AUDIT,
            f"{where}: expected an audit's JSON",
        )
        try:
            return Audit.from_json(json.loads(self.audit.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, InputError) else "not JSON"
            raise InputError(f"{where}: {said}; expected a file made by `audit --json`") from None

    def _one(self, made: Forecast, found: Audit | None) -> Outcome:
        lines, record = [str(made)], json.loads(made.to_text())
        bins = None
        if found is not None:
            from pushforward.report.admission import admit

            skill = made.skill(admit(found))
            lines.append(str(skill))
            record["skill"] = skill.to_json()
            made, bins = made.on_bins_of(found), found[made.name].bins
        if self.plot is not None:
            from pushforward.report.forecast_figures import forecast_figure

            lines.append(self._drawn(forecast_figure(made, bins)))
        return Outcome("\n".join(lines), record)

    def _several(self, dose: DoseResponse) -> Outcome:
        lines, record = [str(dose)], json.loads(dose.to_text())
        if self.tolerance is not None:
            largest = dose.within(self.tolerance)
            record["tolerance"] = asdict(largest)
            if largest.value is None:
                said = f"kept at all of these scales, up to {dose.scales[-1]:g}"
            else:
                said = f"kept up to scale {number(largest.value)}"
            lines.append(f"tolerance {number(self.tolerance)}: {said}")
        if self.plot is not None:
            from pushforward.report.forecast_figures import dose_figure

            lines.append(self._drawn(dose_figure(dose, self.tolerance)))
        return Outcome("\n".join(lines), record)

    def _drawn(self, figure: Any) -> str:
        from pushforward.report import style
        from pushforward.writing import atomic

        path = self.plot
        assert path is not None
        with atomic(path) as temporary:
            if path.suffix == ".svg":
                temporary.write_text(style.svg(figure), encoding="utf-8")
            else:
                temporary.write_bytes(style.png(figure))
        return f"drawn in {printable(path)}"


def _with_account(outcome: Outcome, kernel: AbstractDeviationKernel) -> Outcome:
    """What was said, and what the kernel's pilots cost where it has any."""
    account = getattr(kernel, "account", None)
    if account is None:
        return outcome
    record = {**outcome.record, "pilot": {**asdict(account), "share": account.share}}
    return Outcome(f"{outcome.text}\n{account}", record, outcome.exit_code)
