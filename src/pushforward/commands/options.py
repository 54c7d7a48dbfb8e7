"""Commands whose options depend on what is asked for: the settings of one generator, and of no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar, get_type_hints

from pushforward.errors import named

__all__ = ["given_option", "options_of", "require_options", "with_settings"]

_Command = TypeVar("_Command")


def given_option(arguments: Sequence[str], name: str) -> str | None:
    """The value of `--name VALUE` or `--name=VALUE` in a command line, the last one, or None."""
    found = None
    for i, argument in enumerate(arguments):
        if argument == f"--{name}" and i + 1 < len(arguments):
            found = arguments[i + 1]
        elif argument.startswith(f"--{name}="):
            found = argument.partition("=")[2]
    return found


def with_settings(command: type[_Command], field: str, settings: type[Any], note: str) -> type[_Command]:
    """The command with `field` of this type of settings, whose fields so become its options."""
    return dataclasses.make_dataclass(
        command.__name__,
        [(field, settings, dataclasses.field(default_factory=settings))],
        bases=(command,),
        namespace={"__doc__": f"{command.__doc__}\n\n{note}", "__module__": command.__module__},
        frozen=True,
        kw_only=True,
    )


def require_options(command: type[Any], arguments: Sequence[str], owner: str) -> None:
    """Refuse an option that the command does not have.

    Raises:
        InputError: names the valid ones; `owner` is whose settings they are.
    """
    valid = options_of(command)
    for argument in arguments:
        if not argument.startswith("--") or argument == "--":
            continue
        name = argument[2:].partition("=")[0].replace("_", "-")
        if name not in valid and name != "help":
            raise named(f"option of {owner}", f"--{name}", (f"--{option}" for option in valid))


def options_of(command: type[Any]) -> set[str]:
    """The long options of a command: its fields and those of its settings."""
    hints = get_type_hints(command)
    options: set[str] = set()
    for field in dataclasses.fields(command):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            options |= options_of(kind if isinstance(kind, type) else type(kind))
        else:
            options.add(field.name.replace("_", "-"))
    return options
