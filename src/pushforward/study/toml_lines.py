"""Where each key of a TOML document stands, which `tomllib` does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import final

__all__ = ["TomlLines"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OPEN, _CLOSE = "[{", "]}"
Path = tuple[str | int, ...]


@final
class TomlLines:
    """Line numbers of the tables and keys of a valid TOML document.

    `of(path)` gives the line of the longest known beginning of a path such as `("system", 0, "T")`; arrays of
    tables are counted from 0. Keys of inline tables have the line of their own, also where an array breaks lines.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        for number, statement in _statements(text):
            if statement.startswith("["):
                table = self._table(statement, number)
            else:
                self._keys(table, statement, number)

    def of(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest entry that holds it; None where nothing of it is written down."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    def _table(self, statement: str, number: int) -> Path:
        many = statement.startswith("[[")
        names = _keys_of(statement.strip("[]"))[0]
        path: Path = ()
        for i, name in enumerate(names):
            path = (*path, name)
            if many and i == len(names) - 1:
                index = self._counts[path] = self._counts.get(path, -1) + 1
                self._lines.setdefault(path, number)
                path = (*path, index)
            elif path in self._counts:
                path = (*path, self._counts[path])
        self._lines.setdefault(path, number)
        return path

    def _keys(self, table: Path, statement: str, number: int) -> None:
        names, rest = _keys_of(statement)
        path = table
        for name in names:
            path = (*path, name)
            self._lines.setdefault(path, number)
        self._inner(path, rest.lstrip(" \t=")[:1], rest, number)

    def _inner(self, path: Path, opening: str, value: str, number: int) -> None:
        """Keys of an inline table, and the items of an array that are inline tables."""
        start = value.find(opening) if opening in ("[", "{") else -1
        if start < 0:
            return
        line = number + value[:start].count("\n")
        for i, part in enumerate(_parts(value[start + 1 :])):
            text = part.strip()
            here = line + part[: len(part) - len(part.lstrip())].count("\n")
            if opening == "{" and text:
                self._keys(path, text, here)
            elif text:
                self._lines.setdefault((*path, i), here)
                self._inner((*path, i), text[:1], text, here)
            line += part.count("\n")


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """(line, statement) of every table header and every `key = value`, a value over several lines included."""
    start, depth, line, first = 0, 0, 1, 1
    for kind, begin, end in _tokens(text):
        token = text[begin:end]
        if kind == "newline" and depth == 0:
            if text[start:begin].strip():
                yield first, text[start:begin].strip()
            start, first = end, line + 1
        elif kind == "comment" and depth == 0 and not text[start:begin].strip():
            start = end
        elif kind == "comment" and depth == 0:
            yield first, text[start:begin].strip()
            start = end
        elif kind == "mark":
            depth += (token in _OPEN) - (token in _CLOSE)
        line += token.count("\n")
    if text[start:].strip():
        yield first, text[start:].strip()


_TOKEN = re.compile(
    r'(?P<string>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<mark>[\[\]{},])",
    re.DOTALL,
)


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _TOKEN.finditer(text):
        yield str(match.lastgroup), match.start(), match.end()


def _parts(text: str) -> list[str]:
    """What stands between the commas of an array or inline table, up to its closing bracket; comments blanked."""
    parts: list[str] = []
    depth, start = 0, 0
    for kind, begin, end in _tokens(text):
        token = text[begin:end]
        if kind == "comment":
            text = text[:begin] + " " * (end - begin) + text[end:]
        if kind != "mark":
            continue
        if token in _CLOSE and depth == 0:
            return [*parts, text[start:begin]]
        if token == "," and depth == 0:
            parts.append(text[start:begin])
            start = end
        depth += (token in _OPEN) - (token in _CLOSE)
    return [*parts, text[start:]]


def _keys_of(statement: str) -> tuple[list[str], str]:
    """The names of a dotted key at the start of a statement, and what follows them."""
    names, rest = [], statement.strip()
    while rest:
        string = _TOKEN.match(rest)
        if string is not None and string.lastgroup == "string":
            names.append(string.group()[1:-1])
            rest = rest[string.end() :]
        else:
            bare = _BARE.match(rest)
            if bare is None:
                break
            names.append(bare.group())
            rest = rest[bare.end() :]
        rest = rest.lstrip(" \t")
        if not rest.startswith("."):
            break
        rest = rest[1:].lstrip(" \t")
    return names, rest
