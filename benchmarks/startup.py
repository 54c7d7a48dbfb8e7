"""How long the front door takes to open: fresh processes, the fastest of several."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.table import Row, fastest

_CASES = {
    "import pushforward": ["-c", "import pushforward"],
    "pushforward --help": ["-m", "pushforward", "--help"],
    "pushforward audit --help": ["-m", "pushforward", "audit", "--help"],
}


def rows() -> list[Row]:
    """Beside an empty Python process, which is the limit."""
    empty = fastest(lambda: _run(["-c", "pass"]), repeats=7)
    found: list[Row] = []
    for what, arguments in _CASES.items():
        seconds = fastest(lambda arguments=arguments: _run(arguments), repeats=7)  # type: ignore[misc]
        found.append(
            {
                "what": what,
                "ours": f"{seconds:.3f} s",
                "peer": f"empty Python {empty:.3f} s",
                "ratio": f"{empty / seconds:.2f}×",
            }
        )
    return found


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
