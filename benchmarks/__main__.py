"""`python -m benchmarks [NAME ...]`: run the benchmarks and print one table."""

from __future__ import annotations

import argparse
import importlib
import platform
import sys

from benchmarks.table import Row, table

MODULES = ("audit", "streaming", "quantities", "startup", "generators", "systems", "forecast_speed", "study")


def main() -> int:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *MODULES], help=f"of {', '.join(MODULES)}; default: all"
    )
    names = parser.parse_args().names or MODULES
    rows: list[Row] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").rows()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
