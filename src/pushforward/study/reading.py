"""Plans from TOML files; every complaint names the file and the line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pushforward.errors import InputError, named, printable, require
from pushforward.measure import AuditSettings
from pushforward.study.errors import PlanError, within
from pushforward.study.plan import FileData, GeneratorArm, KernelForecast, Plan, SystemData
from pushforward.study.rooms import ROOMS, refuse
from pushforward.study.runs import Run, expand
from pushforward.study.toml_lines import TomlLines

__all__ = ["read_plan", "read_runs"]

_LARGEST = 4 << 20
_TOP = ("title", "seeds", "samples", "quantities", "control")
_SECTIONS: dict[str, type[Any]] = {
    "system": SystemData,
    "file": FileData,
    "generator": GeneratorArm,
    "kernel": KernelForecast,
}
_NEEDED = {FileData: "path", KernelForecast: "kernel"}
_TABLES = ("audit", "resources")
_RESOURCES = ("threads", "gpus")
_Entry = TypeVar("_Entry")


def read_plan(path: str | Path) -> Plan:
    """The plan that a TOML file describes. Files that it names are relative to its own folder.

    Raises:
        InputError: not TOML, unknown keys, or values that do not fit; names the line.
    """
    return _read(Path(path), expanded=False)[0]


def read_runs(path: str | Path) -> tuple[Plan, tuple[Run, ...]]:
    """The plan and its runs, see `expand`.

    Raises:
        InputError: as `read_plan`, and for everything that `expand` refuses; names the line.
    """
    return _read(Path(path), expanded=True)


def _read(path: Path, expanded: bool) -> tuple[Plan, tuple[Run, ...]]:
    where = printable(path)
    try:
        size = path.stat().st_size
        require(size <= _LARGEST, f"{where}: got {size:,} bytes; expected a plan of at most {_LARGEST:,}")
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise InputError(
            f"{where}: cannot be read: {error.strerror or error}; expected a plan (TOML)"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{where}: is not TOML: {printable(error)}") from error
    try:
        plan = _plan(document, path.parent)
        return plan, expand(plan) if expanded else ()
    except PlanError as error:
        _located(error, where, TomlLines(text))


def _located(error: PlanError, where: str, lines: TomlLines) -> NoReturn:
    line = lines.of(error.path)
    raise InputError(f"{where}{'' if line is None else f', line {line}'}: {error}") from error


def _plan(document: Mapping[str, Any], folder: Path) -> Plan:
    for name in document:
        if name not in (*_TOP, *_SECTIONS, *_TABLES, *ROOMS):
            with within(name):
                raise named("entry of a plan", name, (*_TOP, *_SECTIONS, *_TABLES))
    for name in ROOMS:
        if name in document:
            refuse(name, _tables(document, name))
    systems, files, generators, kernels = (
        tuple(_entry(name, i, table, folder) for i, table in enumerate(_tables(document, name)))
        for name in _SECTIONS
    )
    top = {name: document[name] for name in _TOP if name in document}
    for name in ("title", "control"):
        with within(name):
            require(
                isinstance(top.get(name, ""), str),
                f"{name}: got {printable(top.get(name), 40)}; expected text",
            )
    if isinstance(top.get("samples"), int):
        top["samples"] = [top["samples"]]
    for name in ("seeds", "samples", "quantities"):
        if name in top:
            top[name] = _list(name, top[name])
    audit, tolerance = _audit(_table(document, "audit"))
    resources = _table(document, "resources")
    with within("resources"):
        _known("resource", resources, _RESOURCES)
    return Plan(
        systems=systems,
        files=files,
        generators=generators,
        kernels=kernels,
        audit=audit,
        tolerance=tolerance,
        **top,
        **resources,
    )


def _entry(section: str, i: int, table: Mapping[str, Any], folder: Path) -> Any:
    kind = _SECTIONS[section]
    with within(section, i):
        valid = [entry.name for entry in fields(kind)]
        _known(f"entry of [[{section}]]:", table, valid)
        name = _NEEDED.get(kind, "name")
        if name not in table:
            raise InputError(f"[[{section}]]: {name} is missing")
        values = {name: _typed(section, name, value, kind) for name, value in table.items()}
        if kind is FileData:
            values["path"] = folder / Path(values["path"]).expanduser()
        return kind(**values)


def _typed(section: str, name: str, value: Any, kind: type[Any]) -> Any:
    """The value, once it has the type that the entry needs; numbers are judged by the entry itself."""
    hint = str(next(entry.type for entry in fields(kind) if entry.name == name))
    with within(name):
        expected, fits = "", True
        if hint.startswith("Mapping"):
            expected, fits = "a table", isinstance(value, dict)
        elif hint.startswith("tuple"):
            return _list(name, value)
        elif hint in ("str", "Path"):
            expected, fits = "text", isinstance(value, str)
        elif hint.startswith("float"):
            expected, fits = "a number", isinstance(value, int | float) and not isinstance(value, bool)
        require(fits, f"[[{section}]] {name}: got {printable(repr(value), 40)}; expected {expected}")
    return value


def _list(name: str, value: Any) -> tuple[Any, ...]:
    with within(name):
        text = name in ("quantities", "mitigations", "arms")
        fits = isinstance(value, list) and all(isinstance(item, str) or not text for item in value)
        require(
            fits, f"{name}: got {printable(repr(value), 40)}; expected a list" + (" of texts" if text else "")
        )
    return tuple(value)


def _audit(table: Mapping[str, Any]) -> tuple[AuditSettings, Mapping[str, float]]:
    valid = [entry.name for entry in fields(AuditSettings) if entry.name != "seed"]
    with within("audit"):
        _known("setting of [audit]:", table, [*valid, "tolerance"])
        tolerance = table.get("tolerance", {})
        with within("tolerance"):
            require(
                isinstance(tolerance, dict),
                f'tolerance: got {printable(tolerance, 40)}; expected a table such as {{ "path-length" = 0.05 }}',
            )
        settings: dict[str, Any] = {}
        for name in table:
            with within(name):
                if name != "tolerance":
                    settings[name] = _range(table[name]) if name == "range" else table[name]
                    # By itself first, so that the line of the setting at fault is known.
                    replace(AuditSettings(), **{name: settings[name]})
        return AuditSettings(**settings), tolerance


def _range(value: Any) -> tuple[float, float]:
    fits = (
        isinstance(value, list) and len(value) == 2 and all(isinstance(item, int | float) for item in value)
    )
    require(fits, f"range: got {printable(value, 40)}; expected two numbers")
    return float(value[0]), float(value[1])


def _tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = document.get(name, [])
    with within(name):
        fits = isinstance(found, list) and all(isinstance(table, dict) for table in found)
        require(fits, f"{name}: expected tables, each headed by [[{name}]]")
    return list(found)


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name, {})
    with within(name):
        require(isinstance(found, dict), f"{name}: expected a table, headed by [{name}]")
    return dict(found)


def _known(kind: str, table: Mapping[str, Any], valid: list[str] | tuple[str, ...]) -> None:
    for name in table:
        if name not in valid:
            with within(name):
                raise named(kind, name, valid)
