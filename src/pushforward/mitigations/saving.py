"""mitigations.json: what was done around the generator that lies in the same folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.mitigations.base import AbstractMitigation
from pushforward.writing import write_text

__all__ = ["has_mitigations", "read_mitigations", "write_mitigations"]

_FILE = "mitigations.json"
_FORMAT = "pushforward-mitigations"
_LARGEST = 256 * 2**20


def has_mitigations(directory: str | Path) -> bool:
    """Whether a run was trained with mitigations."""
    return (Path(directory) / _FILE).exists()


def write_mitigations(
    directory: str | Path, mitigations: Sequence[AbstractMitigation], trained_on: str
) -> None:
    """Note the mitigations of the model that is trained on the data with this digest.

    Those of another model stay noted: until the new one's first checkpoint it is the other that the folder holds.

    Raises:
        InputError: the folder cannot be written.
    """
    path = Path(directory) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {}
    if path.exists():
        try:
            kept = dict(list(_parsed(path).items())[-1:])
        except InputError:
            kept = {}
    kept.pop(trained_on, None)
    kept[trained_on] = [
        {"mitigation": one.name, "spelled": one.label, "settings": _plain(one), "state": one.state()}
        for one in mitigations
    ]
    write_text(path, json.dumps({"format": _FORMAT, "format_version": 1, "models": kept}) + "\n")


def read_mitigations(
    directory: str | Path, trained_on: str, quantities: Mapping[str, Any]
) -> tuple[AbstractMitigation, ...]:
    """The mitigations of the model that was trained on the data with this digest, innermost first.

    Raises:
        InputError: a missing, damaged or foreign file, one of another model, or a quantity that is not known.
    """
    path = Path(directory) / _FILE
    where = printable(path)
    models = _parsed(path)
    require(trained_on in models, f"{where}: is of another model than the one beside it; train again")
    return tuple(_restored(record, quantities, where) for record in _list(models[trained_on], where))


def _restored(record: Any, quantities: Mapping[str, Any], where: str) -> AbstractMitigation:
    from pushforward.mitigations import mitigation_class

    require(
        isinstance(record, Mapping) and isinstance(record.get("settings"), Mapping),
        f"{where}: is damaged: expected a list of mitigations",
    )
    kind = mitigation_class(str(record.get("mitigation")))
    settings = {str(k): tuple(v) if isinstance(v, list) else v for k, v in record["settings"].items()}
    if "quantity" in settings:
        settings["quantity"] = _quantity(str(settings["quantity"]), quantities, where)
    try:
        made = kind(**settings)
    except TypeError as error:
        raise InputError(f"{where}: is damaged: {printable(error)}") from None
    state = record.get("state")
    require(
        isinstance(state, Mapping),
        f"{where}: is damaged: got state {printable(state, 40)}; expected an object",
    )
    return made.with_state(state, where)


def _quantity(label: str, quantities: Mapping[str, Any], where: str) -> Any:
    """A registered quantity, or one that the caller gave: a file must not choose code to run."""
    from pushforward.quantities.registry import registered

    if label in quantities:
        return quantities[label]
    try:
        return registered(label)
    except InputError as error:
        raise InputError(
            f"{where}: {error}; one of your own is given as load(directory, quantities={{label: quantity}})"
        ) from None


def _plain(one: AbstractMitigation) -> dict[str, Any]:
    """Settings as JSON types: what has a label or a text is spelled."""
    plain: dict[str, Any] = {}
    for name, value in one.settings.items():
        spelled = getattr(value, "label", getattr(value, "text", None))
        plain[name] = value if spelled is None else spelled
    return plain


def _parsed(path: Path) -> dict[str, Any]:
    where = printable(path)
    try:
        size = path.stat().st_size
        require(size <= _LARGEST, f"{where}: got {size:,} bytes; expected at most {_LARGEST:,}")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{where}: is damaged; expected JSON") from None
    good = (
        isinstance(record, dict)
        and record.get("format") == _FORMAT
        and isinstance(record.get("models"), dict)
    )
    require(good, f"{where}: expected the mitigations of a run")
    require(
        record.get("format_version") == 1,
        f"{where}: has version {printable(record.get('format_version'), 20)!r}; expected 1",
    )
    return dict(record["models"])


def _list(value: Any, where: str) -> list[Any]:
    require(isinstance(value, list), f"{where}: is damaged: expected a list of mitigations")
    return list(value)
