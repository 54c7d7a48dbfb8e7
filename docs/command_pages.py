"""A hook of mkdocs: a page with the help of every command, as the terminal shows it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

# Command -> the page that says what it does; the others explain themselves.
PAGES = {
    "demo": "demo.md",
    "audit": "audit.md",
    "forecast": "forecast.md",
    "explain": "explain.md",
    "recommend": "repair.md",
    "simulate": "systems.md",
    "train": "generators.md",
    "sample": "generators.md",
    "study": "studies.md",
    "status": "studies.md",
    "report": "report.md",
    "reproduce": "claims.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `commands.md`."""
    files.append(File.generated(config, "commands.md", content="\n".join(_page())))
    return files


def _page() -> Iterator[str]:
    from pushforward.commands import COMMANDS

    yield "# Commands\n"
    yield "Every command takes `--seed`, `--json FILE` and `--quiet`; exit codes are 0 (fine), 1 (the gate"
    yield "found drift) and 2 (bad usage or bad input).\n\n| command | what it does | read |\n|---|---|---|"
    for name, (_, about) in COMMANDS.items():
        page = (
            f"[{PAGES[name].removesuffix('.md').replace('_', ' ')}]({PAGES[name]})" if name in PAGES else ""
        )
        yield f"| [`{name}`](#{name}) | {about} | {page} |"
    for name in COMMANDS:
        yield f"\n## {name}\n\n```text\n{_help(name)}\n```"


def _help(name: str) -> str:
    from pushforward.cli import main

    # The width of the page, whatever the terminal of the build is.
    os.environ["COLUMNS"] = "92"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        main([name, "--help"])
    return shown.getvalue().strip()
