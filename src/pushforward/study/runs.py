"""The runs of a plan: each with all that determines it, and the hash of that."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

from pushforward.errors import InputError, named, printable, require
from pushforward.study.digests import canonical, file_digest, sha256
from pushforward.study.errors import PlanError, within
from pushforward.study.kernels import asked_kernels
from pushforward.study.plain import lists, tuples
from pushforward.study.plan import FRESH, FileData, GeneratorArm, Plan, SystemData
from pushforward.trajectories import Trajectories

__all__ = ["FORMAT", "Run", "expand"]

FORMAT = 1
"""Major version of what a run is; results of another one are not taken for those of this one."""

# Enough draws for a law that a system cannot follow, or a quantity that its data lacks, to show.
_TRIED = 16


@final
@dataclass(frozen=True)
class Run:
    """One line of the study: data, a generator or the control, a number of samples, a seed.

    Attributes:
        content: everything that determines the result, as JSON types.
        data, arm: labels, for the reader; not part of the content.
        path: where the data's file is; None for a system.
        gpus: share of a GPU that it needs.
    """

    content: Mapping[str, Any]
    data: str
    arm: str
    path: str | None = None
    gpus: float = 0.0

    @cached_property
    def id(self) -> str:
        """96 bits of the SHA-256 of the content's canonical JSON."""
        return sha256(canonical(self.content))[:24]

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.content["seed"])

    @property
    def samples(self) -> int:
        """Trajectories to generate."""
        return int(self.content["samples"])

    @property
    def control(self) -> bool:
        """Whether this is the control, a fresh sample of the data."""
        return self.content["generator"] is None

    @property
    def described(self) -> str:
        """One line for the reader."""
        return f"{self.data}, {self.arm}, {self.samples:,} samples, seed {self.seed}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        return cls(**record)


def expand(plan: Plan) -> tuple[Run, ...]:
    """All runs of a plan, seed by seed, the control of each data first; whatever cannot run is refused here.

    Every system is simulated for a few trajectories, every file opened, every quantity measured once and every
    generator and kernel made, so that a bad plan fails before its first run.

    Raises:
        PlanError: unknown names, settings or laws that do not fit, files that cannot be read.
    """
    arms: list[tuple[str, dict[str, Any] | None]] = [(FRESH, None), *_arms(plan)]
    data = list(_data(plan))
    asked_kernels(plan)
    _check_tolerances(plan, [quantities for _, _, _, quantities in data])
    audit = {k: v for k, v in dataclasses.asdict(plan.audit).items() if k != "seed"}
    audit["range"] = None if audit["range"] is None else list(audit["range"])
    runs: dict[str, Run] = {}
    for seed in plan.seeds:
        for (label, content, path, quantities), samples in ((d, s) for d in data for s in plan.samples):
            common = {
                "format": FORMAT,
                "data": content,
                "quantities": quantities,
                "samples": samples,
                "seed": seed,
                "audit": audit,
                "tolerance": {
                    q["label"]: plan.tolerance[q["label"]] for q in quantities if q["label"] in plan.tolerance
                },
            }
            for arm, generator in arms:
                threads = plan.threads if generator is not None else 1
                gpus = plan.gpus if generator is not None else 0.0
                run = Run({**common, "generator": generator, "threads": threads}, label, arm, path, gpus)
                require(
                    run.id not in runs,
                    f"{run.described}: is the same run as {runs.get(run.id, run).described}",
                )
                runs[run.id] = run
    return tuple(runs.values())


def _arms(plan: Plan) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for i, entry in enumerate(plan.generators):
        with within("generator", i), _blaming_grid(entry.grid):
            for variant in entry.variants():
                yield variant.called, _generator(variant)


@contextmanager
def _blaming_grid(grid: Mapping[str, Any]) -> Iterator[None]:
    """Lead errors of what the grid sets to the grid."""
    try:
        yield
    except PlanError as error:
        keys = (key for name in error.path for key in (name, f"sampling.{name}") if key in grid)
        key = next(keys, None)
        raise PlanError(str(error), error.path if key is None else ("grid", str(key))) from error


def _generator(arm: GeneratorArm) -> dict[str, Any]:
    """The generator's content: its name and all of its settings, defaults included."""
    from pushforward.generators import GENERATORS, create

    with within("name"):
        if arm.name not in GENERATORS:
            raise named("generator", arm.name, GENERATORS)
    model = _created(create, arm.name, arm.settings, "settings")
    sampler = getattr(model, "Sampling", None)
    if dataclasses.is_dataclass(sampler):
        _check_sampling(arm.name, sampler, arm.sampling)
    settings = getattr(model, "settings", None)
    resolved = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else dict(arm.settings)  # type: ignore[arg-type]
    content = {"name": arm.name, "settings": lists(resolved), "sampling": lists(dict(arm.sampling))}
    if arm.mitigations:
        content["mitigations"] = _mitigations(arm.mitigations)
    return content


def _mitigations(asked: tuple[str, ...]) -> list[str]:
    """Mitigations as they are spelled, once each is known to be one."""
    from pushforward.mitigations import parse

    with within("mitigations"):
        for text in asked:
            require(isinstance(text, str), f"mitigations: got {printable(repr(text), 40)}; expected texts")
            parse(text)
    return [text.strip() for text in asked]


def _created(create: Callable[..., Any], name: str, settings: Mapping[str, Any], entry: str) -> Any:
    """create(name, **settings); where a single setting is to blame, the error's path leads to it."""
    try:
        return create(name, **tuples(settings))
    except (TypeError, InputError) as error:
        said = printable(error, longest=1000)
    for setting, value in settings.items():
        try:
            create(name, **tuples({setting: value}))
        except (TypeError, InputError) as error:
            if printable(error, longest=1000) == said:
                raise PlanError(f"{name}: {said}", (entry, setting)) from error
    raise PlanError(f"{name}: {said}", (entry,))


def _check_sampling(name: str, sampler: Any, settings: Mapping[str, Any]) -> None:
    """Refuse sampler settings here that the generator would refuse once it is trained."""
    for setting in settings:
        with within("sampling", setting):
            if setting not in sampler.__dataclass_fields__:
                raise named(f"sampler setting of {name}", setting, sampler.__dataclass_fields__)
    _created(lambda _, **given: sampler(**given), name, settings, "sampling")


def _data(plan: Plan) -> Iterator[tuple[str, dict[str, Any], str | None, list[dict[str, Any]]]]:
    """(label, content, path, quantities) of all data."""
    for i, system in enumerate(plan.systems):
        with within("system", i), _blaming_grid(system.grid):
            for variant in system.variants():
                content, tried = _system(variant)
                yield variant.called, content, None, _quantities(variant.quantities, plan, tried)
    for i, file in enumerate(plan.files):
        with within("file", i), _blaming_grid(file.grid):
            for one in file.variants():
                content, tried = _file(one)
                yield one.called, content, str(one.path.resolve()), _quantities(one.quantities, plan, tried)


def _system(data: SystemData) -> tuple[dict[str, Any], Trajectories]:
    from pushforward.measure import Intended
    from pushforward.systems import SYSTEMS, create

    with within("name"):
        if data.name not in SYSTEMS:
            raise named("system", data.name, SYSTEMS)
    system = _created(create, data.name, data.parameters, "parameters")
    with within("intended"):
        law = Intended.parse(data.intended or system.default_intended)
        tried = system.sample(_TRIED, law, T=data.T, dt=data.dt, seed=0)
    content = {
        "system": data.name,
        "parameters": lists(dataclasses.asdict(system)),
        "intended": (data.intended or system.default_intended).strip(),
        "n": data.n,
        "T": tried.T,
        "dt": tried.dt,
    }
    return content, tried


def _file(data: FileData) -> tuple[dict[str, Any], Trajectories]:
    from pushforward.formats import batches
    from pushforward.formats.base import ReadSettings

    valid = {*ReadSettings.__dataclass_fields__, "format"}
    for name in data.read:
        with within("read", name):
            if name not in valid:
                raise named("read setting", name, valid)
    with within("path"):
        require(data.path.exists(), f"{printable(data.path)}: no such file or folder")
        reading = {name: value for name, value in data.read.items() if name != "format"}
        tried = next(batches(data.path, 256, data.read.get("format"), ReadSettings(**reading)))
        digest = file_digest(data.path)
    return {"file": digest, "read": lists(dict(data.read)), "held_out": float(data.held_out)}, tried


def _quantities(own: tuple[str, ...], plan: Plan, tried: Trajectories) -> list[dict[str, Any]]:
    """What to audit: for each its spelling, its label and, for code of the user's own, the code's hash."""
    from pushforward.quantities import default_for, parse

    asked = own or plan.quantities
    with within(*(("quantities",) if own else ())):
        found = [parse(text) for text in asked] if asked else default_for(tried)
        spelled = asked or tuple(quantity.label for quantity in found)
        entries: list[dict[str, Any]] = []
        for text, quantity in zip(spelled, found, strict=True):
            quantity(tried)
            label = quantity.label
            named_before = label in [entry["label"] for entry in entries]
            require(
                not named_before, f"quantity {printable(label, 60)!r}: is named twice; expected each once"
            )
            own_code = ":" in text.partition("(")[0]
            entries.append(
                {
                    "label": label,
                    "spelled": text.strip() if own_code else label,
                    "code": _code(text, own_code),
                }
            )
    return entries


def _code(text: str, own: bool) -> str:
    """The SHA-256 of the file that holds a quantity of the user's own."""
    origin = getattr(sys.modules.get(text.partition(":")[0].strip()), "__file__", None) if own else None
    return file_digest(Path(origin)) if origin and Path(origin).is_file() else ""


def _check_tolerances(plan: Plan, quantities: list[list[dict[str, Any]]]) -> None:
    valid = {entry["label"] for entries in quantities for entry in entries}
    for name, limit in plan.tolerance.items():
        with within("audit", "tolerance", name):
            if name not in valid:
                raise named("quantity", name, valid)
            fits = isinstance(limit, int | float) and 0 < limit < float("inf")
            require(fits, f"tolerance of {name}: got {printable(limit, 40)}; expected a positive number")
