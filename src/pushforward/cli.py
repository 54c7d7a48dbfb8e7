"""The command line, thin: find the command, parse its options, run it, show its outcome."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Sequence

from pushforward.commands import COMMANDS
from pushforward.errors import InputError, named

__all__ = ["main"]

_FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 fine, 1 the gate found drift, 2 bad usage, bad input or an interrupt."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except InputError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("interrupted; nothing was half-written (a training goes on with `train ... --resume`)")
    except MemoryError:
        return _failed("out of memory; try fewer trajectories, or --max-length")
    except BrokenPipeError:
        return _reader_gone(0)


def _run(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if given else _failed("no command was given; the commands are listed above")
    if given[0] in ("-V", "--version"):
        from pushforward import __version__

        print(f"pushforward {__version__}")
        return 0
    name = given[0]
    if name not in COMMANDS:
        raise named("command", name, COMMANDS)
    module, _, attribute = COMMANDS[name][0].partition(":")
    kind = getattr(importlib.import_module(module), attribute).chosen(given[1:])
    command = _parsed(kind, name, given[1:])
    if command is None:
        return 0
    outcome = command.run()
    if command.json is not None:
        from pushforward.writing import write_text

        write_text(command.json, json.dumps(outcome.record, indent=1, allow_nan=False) + "\n")
    if outcome.text and not command.quiet:
        try:
            print(outcome.text, flush=True)
        except BrokenPipeError:
            return _reader_gone(outcome.exit_code)
    return int(outcome.exit_code)


def _reader_gone(exit_code: int) -> int:
    """Whoever read the output has gone (`pushforward audit ... | head`): end quietly, the gate's answer stays."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_code


def _parsed(kind, name: str, arguments: list[str]):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    import tyro

    complaint = io.StringIO()
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(kind, prog=f"pushforward {name}", args=arguments, config=config)
    except SystemExit as stopped:
        if stopped.code in (0, None):
            return None
        raise InputError(f"{_one_line(complaint.getvalue())}; see pushforward {name} --help") from None


def _one_line(complaint: str) -> str:
    """A parser's complaint, drawn in a box, as one line without what every complaint says."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", complaint)
    lines = [line.strip("│╭╰╮╯─ \t") for line in text.splitlines()]
    kept = []
    for line in lines:
        if line.startswith("For full helptext"):
            break
        if line and line not in kept:
            kept.append(line)
    # The first line is the box's title, which its text repeats.
    return " ".join(kept[1:] if len(kept) > 1 else kept)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name.ljust(width)}  {about}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(
        [
            "pushforward: know what your generative model does to distance, energy and speed",
            "",
            "usage: pushforward COMMAND ...      pushforward COMMAND --help      pushforward --version",
            "",
            *rows,
            "",
            "try it:  pushforward demo --quick",
            "yours:   pushforward audit made.npz --against data.npz --quantity path-length",
        ]
    )


def _failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
