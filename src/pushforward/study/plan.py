"""The plan of a study: which data, which generators, how many seeds. It says everything that decides the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, final

from pushforward.errors import named, printable, require
from pushforward.measure import AuditSettings
from pushforward.study.errors import PlanError, within

__all__ = ["FRESH", "FileData", "GeneratorArm", "KernelForecast", "Plan", "SystemData"]

FRESH = "fresh sample of the data"
_LARGEST_N = 10**9
_Entry = TypeVar("_Entry", bound="_Varied")


@dataclass(frozen=True, kw_only=True)
class _Varied:
    """An entry of a plan whose `grid` stands for one entry per combination of its values.

    Attributes:
        grid: name -> values to take in turn.
        label: how the entry is called in tables; default: its name and what varies.
    """

    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    label: str = ""

    # Field that a name of the grid that is no field of the entry itself goes into.
    _inside: ClassVar[str] = ""

    @property
    def called(self) -> str:
        """The label, or what serves as one."""
        return self.label

    def variants(self) -> tuple[Self, ...]:
        """The entries that this one stands for, without grids.

        Raises:
            PlanError: a grid without values, or one that names what the entry also sets by itself.
        """
        for name, values in self.grid.items():
            with within("grid", name):
                listed = isinstance(values, Sequence) and not isinstance(values, str)
                require(listed, f"grid of {name}: got {printable(values, 40)!r}; expected a list of values")
                require(len(values) > 0, f"grid of {name}: is empty; expected at least one value")
                require(
                    not self._states(name),
                    f"grid of {name}: {name} is also set by itself; expected one of the two",
                )
        names = list(self.grid)
        return tuple(
            self._with(dict(zip(names, values, strict=True))) for values in product(*self.grid.values())
        )

    def _own(self) -> set[str]:
        return {entry.name for entry in fields(self)} - {"grid", "label", self._inside}

    def _states(self, name: str) -> bool:
        if name in self._own():
            default = next(entry.default for entry in fields(self) if entry.name == name)
            return bool(getattr(self, name) != default)
        return name in getattr(self, self._inside, {})

    def _with(self, values: Mapping[str, Any]) -> Self:
        own = {name: value for name, value in values.items() if name in self._own()}
        inner = {name: value for name, value in values.items() if name not in own}
        changes: dict[str, Any] = {"grid": {}, **own}
        if inner:
            changes[self._inside] = {**getattr(self, self._inside), **inner}
        varied = " ".join(f"{name}={_spelled(value)}" for name, value in values.items())
        changes["label"] = f"{self.called} {varied}".strip()
        with within("grid"):
            return replace(self, **changes)


@final
@dataclass(frozen=True, kw_only=True)
class SystemData(_Varied):
    """Data simulated anew for every seed.

    Attributes:
        name: a registered system.
        intended: law of the system's quantity, such as `uniform(3.5, 4)`; default: the system's own.
        n: training trajectories.
        T: time steps; default: the system's own.
        dt: time between steps; default: the system's own.
        parameters: of the system.
        quantities: what to audit; default: the plan's, else the system's own quantity.
        grid: names are `intended`, `n`, `T`, `dt` or parameters of the system.

    Raises:
        PlanError: a number that is out of range.
    """

    name: str
    intended: str = ""
    n: int = 20_000
    T: int | None = None
    dt: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    quantities: tuple[str, ...] = ()

    _inside: ClassVar[str] = "parameters"

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        object.__setattr__(self, "quantities", tuple(self.quantities))
        _whole("n", self.n, 2, _LARGEST_N)
        if self.T is not None:
            _whole("T", self.T, 2, _LARGEST_N)

    @property
    def called(self) -> str:
        """The label, or the system's name."""
        return self.label or self.name


@final
@dataclass(frozen=True, kw_only=True)
class FileData(_Varied):
    """Data of a file. One part trains the generators; the rest, held out, is the control.

    The parts are drawn anew for every seed; a group never falls into both.

    Attributes:
        path: a file or folder of any known format.
        read: settings of reading (`channels`, `min_length`, ...), and `format` where the content does not tell it.
        held_out: share of the trajectories that is held out.
        quantities: what to audit; default: the plan's, else what the data's channels suggest.
        grid: names are `held_out` or settings of reading.

    Raises:
        PlanError: a share outside (0, 1).
    """

    path: Path
    read: Mapping[str, Any] = field(default_factory=dict)
    held_out: float = 0.5
    quantities: tuple[str, ...] = ()

    _inside: ClassVar[str] = "read"

    def __post_init__(self) -> None:
        """Refuse a share out of range."""
        object.__setattr__(self, "path", Path(self.path))
        object.__setattr__(self, "quantities", tuple(self.quantities))
        with within("held_out"):
            share = self.held_out
            fits = isinstance(share, int | float) and 0 < share < 1
            require(fits, f"held_out: got {printable(share, 40)}; expected a share between 0 and 1")

    @property
    def called(self) -> str:
        """The label, or the file's name."""
        return self.label or printable(self.path.name, 60)


@final
@dataclass(frozen=True, kw_only=True)
class GeneratorArm(_Varied):
    """A generator with its settings: one arm of the study.

    Attributes:
        name: a registered generator.
        settings: of the generator.
        sampling: of its sampler.
        mitigations: around it, the innermost first, as `mitigations.parse` spells them.
        grid: names are settings or `mitigations`; those that start with `sampling.` belong to the sampler.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    mitigations: tuple[str, ...] = ()

    _inside: ClassVar[str] = "settings"

    def __post_init__(self) -> None:
        """Take lists for tuples."""
        object.__setattr__(self, "mitigations", tuple(self.mitigations))

    @property
    def called(self) -> str:
        """The label, or the generator's name with its mitigations."""
        return self.label or " + ".join([self.name, *self.mitigations])

    def _own(self) -> set[str]:
        return {"mitigations"}

    def _states(self, name: str) -> bool:
        if name == "mitigations":
            return len(self.mitigations) > 0
        _, dotted, inner = name.partition("sampling.")
        return inner in self.sampling if dotted else name in self.settings

    def _with(self, values: Mapping[str, Any]) -> Self:
        varied = super()._with(values)
        prefix = "sampling."
        sampling = {
            name.removeprefix(prefix): v for name, v in varied.settings.items() if name.startswith(prefix)
        }
        settings = {name: v for name, v in varied.settings.items() if not name.startswith(prefix)}
        return replace(varied, settings=settings, sampling={**varied.sampling, **sampling})


@final
@dataclass(frozen=True, kw_only=True)
class KernelForecast(_Varied):
    """A deviation kernel whose forecasts are scored against the audits of the arms.

    Attributes:
        kernel: as `kernels.parse` spells it, such as `gaussian(scale=0.02)`.
        settings: further settings of the kernel.
        arms: labels of arms, or names of generators, that it is scored against; default: all.
        grid: names are settings of the kernel.
    """

    kernel: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[str, ...] = ()

    _inside: ClassVar[str] = "settings"

    def __post_init__(self) -> None:
        """Take lists for tuples."""
        object.__setattr__(self, "arms", tuple(self.arms))

    @property
    def called(self) -> str:
        """The label, or the kernel as it is spelled."""
        return self.label or self.kernel

    def _own(self) -> set[str]:
        return set()

    def _states(self, name: str) -> bool:
        return name in self.settings


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study: every generator on all data, for every number of samples and every seed, and the control beside them.

    Everything random in a run comes from its seed. The control, a fresh sample of the data (of a file its held-out
    part), is audited exactly as the generated trajectories, on all data and for every seed.

    Attributes:
        systems, files: the data.
        generators: the arms.
        kernels: whose forecasts of the arms' drift, from the data of each run, are scored against its audit.
        seeds: one run of every combination for each; intervals are over seeds.
        samples: trajectories generated by a run.
        quantities: what to audit where the data says nothing else.
        control: label of the arm that the others are compared with, pair by pair; default: the fresh sample.
        tolerance: accepted drift (W1) by quantity, in its unit.
        audit: settings of the audits; their seed comes from the run's.
        threads: threads of one run. Results are the same to the bit only for the same number.
        gpus: share of a GPU that a run needs, on Ray.
        title: for the reader.

    Raises:
        PlanError: no data, no generator, no seed, labels that are used twice, an unknown control, numbers out of range.
    """

    systems: tuple[SystemData, ...] = ()
    files: tuple[FileData, ...] = ()
    generators: tuple[GeneratorArm, ...] = ()
    kernels: tuple[KernelForecast, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    samples: tuple[int, ...] = (10_000,)
    quantities: tuple[str, ...] = ()
    control: str = FRESH
    tolerance: Mapping[str, float] = field(default_factory=dict)
    audit: AuditSettings = field(default_factory=AuditSettings)
    threads: int = 1
    gpus: float = 0.0
    title: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot become a grid of runs."""
        for name in ("systems", "files", "generators", "kernels", "seeds", "samples", "quantities"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        require_plan(
            len(self.systems) + len(self.files) > 0,
            "system",
            "the plan names no data: expected a system or a file",
        )
        require_plan(
            len(self.generators) > 0, "generator", "the plan names no generator; expected at least one"
        )
        for name, low in (("seeds", 0), ("samples", 2)):
            values = getattr(self, name)
            require_plan(len(values) > 0, name, f"{name}: is empty; expected at least one")
            for value in values:
                _whole(name, value, low, _LARGEST_N)
            require_plan(
                len(set(values)) == len(values),
                name,
                f"{name}: the same one is named twice; expected each once",
            )
        with within("resources"):
            _whole("threads", self.threads, 1, 4096)
        with within("resources", "gpus"):
            fits = isinstance(self.gpus, int | float) and 0 <= self.gpus <= 64
            require(fits, f"gpus: got {printable(self.gpus, 40)}; expected 0 to 64")
        self._check_labels()

    def _check_labels(self) -> None:
        arms = _labels("generator", self.generators, {FRESH})
        seen = _labels("system", self.systems, set())
        _labels("file", self.files, seen)
        _labels("kernel", self.kernels, set())
        if self.control != FRESH and self.control not in arms:
            with within("control"):
                raise named("control arm", self.control, {*arms, FRESH})


def require_plan(condition: bool, key: str, message: str) -> None:
    """Raise `PlanError` for the top-level entry `key` unless `condition` holds."""
    if not condition:
        raise PlanError(message, (key,))


def _labels(section: str, entries: Sequence[_Varied], taken: set[str]) -> set[str]:
    """All labels of a section's variants; refuses one that is taken."""
    found = set(taken)
    for i, entry in enumerate(entries):
        with within(section, i):
            for variant in entry.variants():
                label = variant.called
                require(
                    label not in found,
                    f"{section} {printable(label, 60)!r}: the label is used twice; give it a label of its own",
                )
                found.add(label)
    return found - (taken if section == "generator" else set())


def _whole(name: str, value: object, low: int, high: int) -> None:
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if not fits:
        message = f"{name}: got {printable(repr(value), 40)}; expected a whole number, {low:,} to {high:,}"
        raise PlanError(message, (name,)) from None


def _spelled(value: object) -> str:
    if isinstance(value, list | tuple):
        return "(" + ",".join(map(_spelled, value)) + ")"
    return printable(value, 40)
