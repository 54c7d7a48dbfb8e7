"""The documentation lists exactly what is registered, with the same formulas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pushforward.quantities import QUANTITIES
from pushforward.systems import SYSTEMS

DOCS = Path(__file__).parents[2] / "docs"


def table(page, header):
    """Rows of the table whose header line starts with `header`, as lists of cells."""
    lines = iter((DOCS / page).read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(header):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


QUANTITY_ROWS = {row[0].strip("`"): row for row in table("quantities.md", "| name | formula | unit")}


def test_every_registered_quantity_has_a_row_and_no_other():
    assert list(QUANTITY_ROWS) == list(QUANTITIES)


@pytest.mark.parametrize("name", QUANTITIES)
def test_formulas_agree(name):
    assert QUANTITY_ROWS[name][1].startswith(QUANTITIES[name].formula)
    assert all(QUANTITY_ROWS[name][column] for column in (1, 2, 4))


def test_settings_named_in_the_docs_exist():
    for row in table("quantities.md", "| quantity | settings")[1:]:
        documented = set(re.findall(r"`([a-z_]+)`", row[1])) - {"inf", "vx", "vy", "vz", "interpolated"}
        assert documented <= set(QUANTITIES[row[0].strip("`")].__dataclass_fields__), row[0]


def test_every_system_has_a_row_with_its_law():
    rows = {row[0].strip("`"): row for row in table("systems.md", "| name | law")}
    assert list(rows) == list(SYSTEMS)
    for name, kind in SYSTEMS.items():
        assert rows[name][1].startswith(kind.formula)
