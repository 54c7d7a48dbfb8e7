"""Settings of quantities and systems as callers give them, made to fit their declared types."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pushforward.errors import InputError, printable

__all__ = ["fit_settings"]


def fit_settings(instance: Any, owner: str) -> None:
    """Make every field of a frozen dataclass fit its declared type; `owner` is how errors call it.

    Lists become tuples, one value alone a tuple of one, whole numbers floats. Types other than str, bool,
    float, int, Literal and (nested) tuples of them are left alone.

    Raises:
        InputError: a value that does not fit.
    """
    hints = get_type_hints(type(instance))
    for field in fields(instance):
        value = _fitted(f"{owner}, setting {field.name!r}", getattr(instance, field.name), hints[field.name])
        object.__setattr__(instance, field.name, value)


def _fitted(where: str, value: Any, hint: Any) -> Any:
    if get_origin(hint) is Literal:
        if not (isinstance(value, str | int) and value in get_args(hint)):
            raise _refusal(where, value, "one of " + ", ".join(map(str, get_args(hint))))
    elif get_origin(hint) is tuple and get_args(hint)[1:] == (...,):
        return _tuple(where, value, get_args(hint)[0])
    elif hint is bool:
        return _truth(where, value)
    elif hint is str and not isinstance(value, str):
        raise _refusal(where, value, "a word")
    elif hint in (float, int):
        number = _number(where, value)
        if hint is float:
            return number
        if not number.is_integer():
            raise _refusal(where, value, "a whole number")
        return int(number)
    return value


def _tuple(where: str, value: Any, inner: Any) -> tuple[Any, ...]:
    items = tuple(value) if isinstance(value, list | tuple) else (value,)
    # circles=[0,0,1] is one circle.
    if get_origin(inner) is tuple and items and not isinstance(items[0], list | tuple):
        items = (items,)
    return tuple(_fitted(where, item, inner) for item in items)


def _number(where: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise _refusal(where, value, "a number")
    return number


def _truth(where: str, value: Any) -> bool:
    words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    word = str(value).lower()
    if word not in words:
        raise _refusal(where, value, "true or false")
    return words[word]


def _refusal(where: str, value: Any, expected: str) -> InputError:
    return InputError(f"{where}: got {printable(value, 80)!r}; expected {expected}")
