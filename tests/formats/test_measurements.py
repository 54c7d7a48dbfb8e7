"""Tables of measured values: one row per trajectory, streamed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pushforward import InputError
from pushforward.formats.measurements import is_measurements, value_batches, value_columns, value_units


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    groups = np.array([f"g{i // 10}" for i in range(1000)])
    return {"energy": rng.normal(size=1000), "length": rng.normal(size=1000).astype("f4"), "group": groups}


def joined(path, column=None, size=97):
    parts = list(value_batches(path, column, size))
    assert all(1 <= len(values) <= size and values.dtype == np.float64 for values, _ in parts)
    groups = None if parts[0][1] is None else np.concatenate([groups for _, groups in parts])
    return np.concatenate([values for values, _ in parts]), groups


def test_parquet(tmp_path, table):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(table), path, row_group_size=300)
    assert value_columns(path) == ("energy", "length")
    values, groups = joined(path, "length")
    assert np.array_equal(values, table["length"].astype("f8"))
    assert np.array_equal(groups, table["group"])


def test_csv(tmp_path, table):
    path = tmp_path / "a.csv"
    rows = [f"{e!r},{g}" for e, g in zip(table["energy"].tolist(), table["group"], strict=True)]
    path.write_text("energy,group\n" + "\n".join(rows))
    values, groups = joined(path)
    assert np.array_equal(values, table["energy"])
    assert np.array_equal(groups, table["group"])
    path.write_text("energy\n1.5\n\n2.5\n")
    assert joined(path)[0].tolist() == [1.5, 2.5]


def test_npy(tmp_path, table):
    np.save(tmp_path / "a.npy", table["length"])
    assert value_columns(tmp_path / "a.npy") == ("value",)
    assert np.array_equal(joined(tmp_path / "a.npy")[0], table["length"].astype("f8"))


def test_integer_groups_and_missing_values(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"v": [1.0, None, 3.0], "group": [1, 1, 2]}), path)
    ((values, groups),) = value_batches(path)
    assert np.array_equal(values, [1, np.nan, 3], equal_nan=True)
    assert groups.tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("speed [m/s]", "speed", "m/s"),
        ("speed (m/s)", "speed", "m/s"),
        ("speed[m/s] ", "speed", "m/s"),
        ("cyclone energy [10⁻⁴ kt²]", "cyclone energy", "10⁻⁴ kt²"),
        ("speed", "speed", ""),
        ("speed (of the hand)", "speed (of the hand)", ""),
        ("speed []", "speed []", ""),
        ("[m/s]", "[m/s]", ""),
        ("v(t) [m/s]", "v(t)", "m/s"),
        ("speed [" + "m" * 21 + "]", "speed [" + "m" * 21 + "]", ""),
        ("s" * 300 + " [m]", "s" * 300 + " [m]", ""),
    ],
)
def test_a_bracket_at_the_end_of_a_header_is_the_unit(tmp_path, header, name, unit):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({header: [1.0, 2.0], "other": [3.0, 4.0]}), path)
    assert value_units(path) == {name: unit, "other": ""}
    assert joined(path, name)[0].tolist() == [1, 2]
    (tmp_path / "a.csv").write_text(f"{header}\n1\n2\n")
    assert list(value_units(tmp_path / "a.csv").values()) == [unit]
    assert joined(tmp_path / "a.csv")[0].tolist() == [1, 2]


@pytest.mark.parametrize("other", ["speed [km/h]", "speed"])
def test_columns_that_differ_in_their_unit_alone_stay_apart(tmp_path, other):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"speed [m/s]": [1.0], other: [3.6]}), path)
    assert value_columns(path) == ("speed [m/s]", other)
    assert joined(path, "speed [m/s]")[0].tolist() == [1.0]
    assert joined(path, other)[0].tolist() == [3.6]


def test_trajectories_are_not_measurements(samples, tmp_path, table):
    assert [name for name, path in samples.items() if is_measurements(path)] == []
    for name in ("parquet", "csv", "npz", "hdf5", "lerobot", "zarr"):
        with pytest.raises(InputError, match=r"not a table of measurements|holds no numeric column"):
            value_columns(samples[name])
    assert not is_measurements(tmp_path / "missing.csv")
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    assert is_measurements(tmp_path / "a.parquet")
    assert is_measurements(tmp_path)


def test_faults_are_named(tmp_path, table):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(table), path)
    with pytest.raises(InputError, match="unknown column 'energi'; did you mean 'energy'"):
        value_batches(path, "energi")
    with pytest.raises(InputError, match="has the columns energy, length; expected one to be chosen"):
        value_batches(path)
    with pytest.raises(InputError, match="batch size: got 0"):
        value_batches(path, "energy", 0)
    pq.write_table(pa.table(table).slice(0, 0), path)
    with pytest.raises(InputError, match="holds no rows"):
        list(value_batches(path, "energy"))
    (tmp_path / "a.csv").write_text("v\n1\ntwo\n")
    with pytest.raises(InputError, match="line 3, column 'v': got 'two'; expected a number"):
        list(value_batches(tmp_path / "a.csv"))
    with pytest.raises(InputError, match="no such file"):
        value_batches(tmp_path / "none.csv")


def test_damaged_tables_are_refused_wherever_they_end(tmp_path, table):
    pq.write_table(pa.table(table), tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    path = tmp_path / "a.parquet"
    for end in range(8, len(data), len(data) // 40):
        path.write_bytes(data[:end])
        with pytest.raises(InputError, match=r"a\.parquet"):
            list(value_batches(path, "energy"))
