"""Quantities as text: `path-length(unit=km)`, `time-in-region(low=[0,0],high=[1,1])`, `module:function`."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pushforward.errors import InputError, named, printable
from pushforward.quantities.base import AbstractQuantity, Quantity

__all__ = ["call_parts", "parse", "settings_applied", "split_call"]

_LONGEST = 4000
_DEEPEST = 4
_CALL = re.compile(r"\s*(?P<name>[^()\s:]+)\s*(\((?P<settings>.*)\))?\s*", re.DOTALL)
_IMPORT = re.compile(r"\s*(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*(\.[^\W\d]\w*)*)\s*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORD = re.compile(r"[^\s\[\](),='\"]+")
_OPEN, _CLOSE = "[(", "])"


def parse(text: str) -> AbstractQuantity:
    """The quantity that `text` spells.

    `name` or `name(setting=value, ...)` of a registered quantity, values being numbers, words, quoted text or
    lists of them; or `module:function`, imported with the current directory on the path. The function takes
    `Trajectories` and gives (N,) numbers; its attribute `unit`, if any, is the unit. The name after the colon
    may also be a quantity. Only this last form runs code, and only code that the user names.

    Raises:
        InputError: anything else, in one line.
    """
    if _IMPORT.fullmatch(text):
        return _imported(text.strip())
    if ":" in text.partition("(")[0]:
        raise InputError(
            f"quantity {printable(text, 80)!r}: expected module:function, such as energies:potential"
        )
    from pushforward.quantities.registry import registered

    return registered(text)


def split_call(text: str) -> tuple[str, dict[str, Any]]:
    """(name, settings) of `name(setting=value, ...)`; nothing is evaluated."""
    match = _CALL.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise InputError(
            f"quantity {printable(text, 80)!r}: expected a name such as path-length, path-length(unit=km) or "
            "module:function"
        )
    settings: dict[str, Any] = {}
    for part in _split(match["settings"] or "", text):
        key, equals, value = part.partition("=")
        if not equals or not key.strip().isidentifier() or key.strip() in settings:
            raise InputError(
                f"quantity {printable(text, 80)!r}: got {printable(part, 40)!r}; expected setting=value once"
            )
        settings[key.strip()] = _value(value, text, _DEEPEST)
    return match["name"], settings


def call_parts(text: str, kind: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """(name, arguments, settings) of `name(argument, setting=value)`: at most one argument, which comes first.

    What is a call itself, or a sum of names, is kept as text: `select(path-length(unit=km))`, `represent(a + b)`.

    Raises:
        InputError: anything else; `kind` is what it should have been. Nothing is evaluated.
    """
    try:
        match = _CALL.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise InputError(f"quantity {printable(text, 80)!r}: expected a name, or name(setting=value)")
        arguments: list[str] = []
        settings: dict[str, Any] = {}
        for place, part in enumerate(_split(match["settings"] or "", text)):
            key, equals, value = part.partition("=")
            if equals and key.strip().isidentifier() and key.strip() not in settings:
                settings[key.strip()] = _text_or_value(value.strip(), text)
            elif place == 0:
                arguments.append(str(_text_or_value(part.strip(), text)))
            else:
                raise InputError(
                    f"quantity {printable(text, 80)!r}: got {printable(part, 40)!r}; expected setting=value"
                )
    except InputError as error:
        raise InputError(str(error).replace("quantity", kind, 1)) from None
    return match["name"], tuple(arguments), settings


def _text_or_value(text: str, whole: str) -> Any:
    calls = [_CALL.fullmatch(part) for part in text.split("+")]
    if (
        text[:1] not in "'\""
        and all(calls)
        and (len(calls) > 1 or (calls[0] and calls[0]["settings"] is not None))
    ):
        return text
    return text if _IMPORT.fullmatch(text) else _value(text, whole, _DEEPEST)


def settings_applied(kind: type[AbstractQuantity], settings: Mapping[str, Any]) -> AbstractQuantity:
    """An instance of `kind` with `settings`; names that it does not have are refused with the valid ones."""
    valid = [field.name for field in fields(kind)]
    for name in settings:
        if name not in valid:
            raise named(f"setting of quantity {kind.name!r}:", name, valid)
    return kind(**settings)


def _value(text: str, whole: str, depth: int) -> Any:
    """A number, a word, quoted text or a (nested) tuple of them."""
    text = text.strip()
    if text[:1] and text[:1] in _OPEN and text[-1] == _CLOSE[_OPEN.index(text[0])] and depth > 0:
        return tuple(_value(part, whole, depth - 1) for part in _split(text[1:-1], whole))
    if _NUMBER.fullmatch(text):
        return float(text)
    if text[:1] in ("'", '"'):
        return _quoted(text, whole)
    if _WORD.fullmatch(text):
        return text
    raise InputError(
        f"quantity {printable(whole, 80)!r}: got {printable(text, 40)!r}; expected a number, a word or a list"
    )


def _quoted(text: str, whole: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            value = None
    if not isinstance(value, str):
        raise InputError(
            f"quantity {printable(whole, 80)!r}: got value {printable(text, 40)!r}; expected closed quotes"
        )
    return value


def _split(text: str, whole: str) -> list[str]:
    """Parts between the commas that stand outside brackets and quotes; a trailing comma is allowed."""
    parts, depth, quote, start = [], 0, "", 0
    escaped = False
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
        if depth < 0:
            break
    if depth or quote:
        raise InputError(f"quantity {printable(whole, 80)!r}: brackets or quotes that do not close")
    return [*parts, text[start:]] if text[start:].strip() else parts


def _imported(text: str) -> AbstractQuantity:
    module_name, _, path = text.partition(":")
    found: Any = _module(module_name, text)
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            public = [
                name for name in vars(found) if callable(getattr(found, name)) and not name.startswith("_")
            ]
            raise named(f"function in {module_name}:", attribute, public)
        found = getattr(found, attribute)
    if isinstance(found, type) and issubclass(found, AbstractQuantity):
        found = _made(found, text)
    if isinstance(found, AbstractQuantity):
        return found
    if not callable(found):
        raise InputError(
            f"quantity {printable(text)!r}: got {type(found).__name__}; expected a function of Trajectories"
        )
    function: Callable[..., Any] = found
    return Quantity(
        function, name=path.rpartition(".")[2].replace("_", "-"), unit=str(getattr(found, "unit", ""))
    )


def _made(kind: type[AbstractQuantity], text: str) -> AbstractQuantity:
    try:
        return kind()
    except TypeError as error:
        raise InputError(
            f"quantity {printable(text)!r}: {printable(error)}; expected one that needs no settings"
        ) from error


def _module(name: str, text: str) -> Any:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = printable(error.name)
        wanted = f"no module named {missing!r}" + (
            f" (needed by {name})" if error.name != name else f" in {here} or installed"
        )
        raise InputError(f"quantity {printable(text)!r}: {wanted}") from error
    except (Exception, SystemExit) as error:
        raise InputError(
            f"quantity {printable(text)!r}: importing it failed: {type(error).__name__}: {printable(error)}"
        ) from error
    finally:
        if here in sys.path:
            sys.path.remove(here)
