"""`pushforward list`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.errors import named

__all__ = ["KINDS", "List"]

Rows = list[tuple[str, str]]


def _systems() -> Rows:
    from pushforward.systems import SYSTEMS

    return [
        (name, f"{system.formula}; usual law {system.default_intended}") for name, system in SYSTEMS.items()
    ]


def _quantities() -> Rows:
    from pushforward.quantities import QUANTITIES

    return [(name, quantity.formula) for name, quantity in QUANTITIES.items()]


def _generators() -> Rows:
    from pushforward.generators import ABOUT, GENERATORS

    return [(name, ABOUT[name]) for name in GENERATORS]


def _adapters() -> Rows:
    from pushforward.generators.adapters import ABOUT, ADAPTERS

    return [(name, ABOUT[name]) for name in ADAPTERS]


def _representations() -> Rows:
    from pushforward.representations import REPRESENTATIONS, representation_class

    return [(name, representation_class(name).formula) for name in REPRESENTATIONS]


def _mitigations() -> Rows:
    from pushforward.mitigations import MITIGATIONS, mitigation_class

    kinds = {name: mitigation_class(name) for name in MITIGATIONS}
    return [(name, f"{kind.level}: {kind.formula}") for name, kind in kinds.items()]


def _kernels() -> Rows:
    from pushforward.kernels import KERNELS, kernel_class

    return [(name, kernel_class(name).formula) for name in KERNELS]


def _formats() -> Rows:
    from pushforward.formats import FORMATS, format_named

    rows = []
    for name in FORMATS:
        found = format_named(name)
        rows.append(
            (
                name,
                f"{' '.join(found.suffixes)}{' (reads and writes)' if found.writes else ' (reads)'}".strip(),
            )
        )
    return rows


KINDS: dict[str, Callable[[], Rows]] = {
    "systems": _systems,
    "quantities": _quantities,
    "generators": _generators,
    "adapters": _adapters,
    "kernels": _kernels,
    "representations": _representations,
    "mitigations": _mitigations,
    "formats": _formats,
}


@dataclass(frozen=True, kw_only=True)
class List(AbstractCommand):
    """Show what there is to choose from: systems, quantities, kernels, mitigations, ..."""

    kind: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="KIND")] = "all"
    """systems, quantities, generators, adapters, kernels, representations, mitigations, formats, or all."""

    def run(self) -> Outcome:
        """List one kind, or all."""
        if self.kind != "all" and self.kind not in KINDS:
            raise named("kind", self.kind, [*KINDS, "all"])
        kinds = list(KINDS) if self.kind == "all" else [self.kind]
        found = {kind: KINDS[kind]() for kind in kinds}
        lines = []
        for kind, rows in found.items():
            width = max(len(name) for name, _ in rows)
            lines += [f"{kind}:", *(f"  {name.ljust(width)}  {about}".rstrip() for name, about in rows), ""]
        return Outcome(
            "\n".join(lines).rstrip(), {kind: [name for name, _ in rows] for kind, rows in found.items()}
        )
