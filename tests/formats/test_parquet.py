"""Parquet: LeRobot v3 folders, long tables of others, our own tables and folders of shards."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pushforward import InputError, Trajectories
from pushforward.formats import read, write


def long_table(**columns):
    rows = {"episode": [0, 0, 1, 1, 1], "time": [0.0, 0.1, 0.0, 0.1, 0.2], "x": [1.0, 2, 3, 4, 5]} | columns
    return pa.table({name: column for name, column in rows.items() if column is not None})


def test_lerobot_episodes_span_files(samples):
    found = read(samples["lerobot"])
    files = sorted((samples["lerobot"] / "data" / "chunk-000").iterdir())
    assert len(files) == 2
    table = pa.concat_tables(pq.read_table(file) for file in files)
    state = np.array(table["observation.state"].to_pylist(), dtype="f4")
    assert found.steps.tolist() == [5, 7, 4]
    assert np.array_equal(found.values[found.mask], state)
    assert (found.channels, found.dt, found.time_unit) == (("shoulder", "elbow"), 1 / 50, "s")
    assert found.groups is None
    assert found.conditions["task_index"].tolist() == [0, 1, 0]


def test_lerobot_features_by_key(samples):
    action = read(samples["lerobot"], key="action")
    assert action.C == 2
    with pytest.raises(InputError, match=r"unknown key 'observation\.image'") as caught:
        read(samples["lerobot"], key="observation.image")
    assert "action, observation.state, timestamp" in str(caught.value)


def test_lerobot_chunks_are_in_numeric_order(tmp_path, makers):
    folder = makers["lerobot"](tmp_path / "set", lengths=(2,) * 24, rows_per_file=2)
    for i in range(12, 24):
        chunk = folder / "data" / f"chunk-{i - 11:03d}"
        chunk.mkdir()
        (folder / "data" / "chunk-000" / f"file-{i:03d}.parquet").rename(chunk / "file-000.parquet")
    (folder / "data" / "chunk-012").rename(folder / "data" / "chunk-1000")
    assert read(folder).conditions["task_index"].tolist() == [0, 1] * 12


def test_lerobot_missing_frames_are_found(tmp_path, makers):
    folder = makers["lerobot"](tmp_path / "set")
    file = folder / "data" / "chunk-000" / "file-000.parquet"
    table = pq.read_table(file)
    pq.write_table(pa.concat_tables([table.slice(0, 2), table.slice(3)]), file)
    with pytest.raises(InputError, match="trajectory 0: times are not regular: step 1 lasts 2; expected 1"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0}, "got fps 0; expected frames per second"),
        ({"fps": "fast"}, "got fps fast"),
        ({"features": [1]}, "expected features by name"),
        ({"features": {}}, "unknown key 'observation.state'"),
        ({"features": {"observation.state": {"dtype": "float32", "shape": [3]}}}, r"expected \(steps, 3\)"),
    ],
)
def test_lerobot_info_is_checked(tmp_path, makers, change, message):
    folder = makers["lerobot"](tmp_path / "set")
    info = json.loads((folder / "meta" / "info.json").read_text())
    (folder / "meta" / "info.json").write_text(json.dumps(info | change))
    with pytest.raises(InputError, match=message) as caught:
        read(folder)
    assert str(folder) in str(caught.value)


def test_lerobot_without_data(tmp_path, makers):
    folder = makers["lerobot"](tmp_path / "set")
    for file in (folder / "data" / "chunk-000").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"holds no data/chunk-\*"):
        read(folder)
    (folder / "meta" / "info.json").write_text("{" * 100_000)
    with pytest.raises(InputError, match="not valid JSON"):
        read(folder)


def test_a_long_table_of_others(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(long_table(group=["a", "a", "b", "b", "b"], note=["hi"] * 5), path)
    found = read(path)
    assert (found.channels, found.dt) == (("x",), 0.1)
    assert found.steps.tolist() == [2, 3]
    assert found.groups.tolist() == ["a", "b"]
    assert found.values[1, :, 0].tolist() == [3, 4, 5]


def test_columns_may_have_any_names(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(long_table().rename_columns(["run", "clock [ms]", "x [m]"]), path)
    with pytest.raises(InputError, match="no id column among run, clock"):
        read(path)
    with pytest.raises(InputError, match="no time column"):
        read(path, id_column="run")
    found = read(path, id_column="run", time_column="clock [ms]")
    assert (found.channels, found.units, found.time_unit) == (("x",), ("m",), "ms")
    with pytest.raises(InputError, match="unknown column 'nun'; did you mean 'run'"):
        read(path, id_column="nun")


def test_dates_and_lists_are_columns_too(tmp_path):
    path = tmp_path / "a.parquet"
    dates = np.array(
        ["2020-01-01T00", "2020-01-01T06", "2021-01-01T00", "2021-01-01T06", "2021-01-01T12"], "M8[ns]"
    )
    pq.write_table(long_table(time=dates, pose=[[1.0, 2.0]] * 5), path)
    found = read(path)
    assert (found.dt, found.time_unit) == (6 * 3600, "s")
    assert found.channels == ("x", "pose[0]", "pose[1]")
    assert read(path, key="pose").channels == ("pose[0]", "pose[1]")
    with pytest.raises(InputError, match="unknown key 'none'; valid: episode, pose, x"):
        read(path, key="none")
    pq.write_table(long_table(pose=[[1.0], [1.0], [1.0], [1.0], [1.0, 2.0]]), path)
    with pytest.raises(InputError, match="its lists have 1 to 2 numbers"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"time": [0.0, 0.1, 0.0, 0.1, 0.3]},
            "trajectory 1: times are not regular: step 1 lasts 0.2; expected 0.1",
        ),
        (
            {"time": [0.0, 0.1, 0.0, 0.2, 0.4]},
            "trajectory 1: times are not regular: step 0 lasts 0.2; expected 0.1",
        ),
        ({"time": [0.1, 0.0, 0.0, 0.1, 0.2]}, "trajectory 0: times are not regular: step 0 lasts -0.1"),
        ({"time": [0.0, None, 0.0, 0.1, 0.2]}, "time is missing or not finite at row 1"),
        ({"episode": [0, 0, 1, 1, 0]}, "rows of trajectory 0 are not together; sort the table"),
        ({"episode": ["a", "b", "a", "a", "a"]}, "rows of trajectory a are not together"),
        ({"episode": ["a", "a", None, "b", "b"]}, "column episode: 1 missing entries"),
        ({"x": ["1", "2", "3", "4", "5"]}, "no numeric column beside"),
        ({"time": ["1", "2", "3", "4", "5"]}, "expected numbers or dates for the time"),
        ({"x": [1.0, None, 2, 3, 4]}, r"hold NaN or infinity, first at index \(0, 1, 0\)"),
    ],
)
def test_faults_of_a_long_table_are_named(tmp_path, columns, message):
    path = tmp_path / "a.parquet"
    pq.write_table(long_table(**columns), path)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_rounded_times_are_regular_and_dt_takes_rows_as_they_come(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(long_table(episode=[0] * 5, time=[0.0, 0.033, 0.067, 0.1, 0.133]), path)
    assert read(path).dt == pytest.approx(0.03325)
    pq.write_table(long_table(time=[0.0, 5, 1, 1, 9]), path)
    assert read(path, dt=2.0).dt == 2.0


def test_ids_in_any_order_are_fine_as_long_as_rows_are_together(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(long_table(episode=[7, 7, -3, -3, -3]), path)
    assert read(path).steps.tolist() == [2, 3]


def test_a_folder_of_shards_is_read_in_the_order_of_names(tmp_path, rich):
    for i, part in enumerate(rich.batches(3)):
        write(tmp_path / f"part-{i}.parquet", part)
    assert read(tmp_path).equals(rich)
    write(tmp_path / "part-9.parquet", Trajectories(np.zeros((1, 2, 1))))
    with pytest.raises(InputError, match=r"part-9.parquet: has other columns than part-0.parquet"):
        read(tmp_path)


def test_a_foreign_trajectory_may_go_on_in_the_next_shard(tmp_path):
    table = long_table()
    pq.write_table(table.slice(0, 3), tmp_path / "a.parquet")
    pq.write_table(table.slice(3), tmp_path / "b.parquet")
    assert read(tmp_path).steps.tolist() == [2, 3]


def test_channel_names_that_clash_with_ours_survive(tmp_path):
    names = ("id", "time", "group", "quantity", "id_", "a.b", "a")
    original = Trajectories(
        np.random.default_rng(0).normal(size=(2, 3, 7)), channels=names, groups=[1, 2], quantity=[1, 2]
    )
    write(tmp_path / "a.parquet", original)
    assert read(tmp_path / "a.parquet").equals(original)


@pytest.mark.parametrize(
    "metadata",
    ["{", "[]", "{}", '{"version": 2}', '{"version": 1, "id": "nowhere"}', "[" * 100_000],
)
def test_damaged_metadata_is_refused(tmp_path, rich, metadata):
    write(tmp_path / "a.parquet", rich)
    table = pq.read_table(tmp_path / "a.parquet").replace_schema_metadata({b"pushforward": metadata.encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"metadata is damaged|layout version 2"):
        read(tmp_path / "a.parquet")


def test_constant_columns_cannot_expand_without_end(tmp_path):
    zeros = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000_000, "i4")), pa.array([0.0]))
    table = pa.table({"id": pa.nulls(20_000_000, pa.int32()).fill_null(0), "time": zeros, "x": zeros})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 500_000
    with pytest.raises(InputError, match="rows: declares 160000000 bytes but the file has"):
        read(tmp_path / "a.parquet")


def test_a_short_list_repeated_without_end_is_refused_by_its_page(tmp_path):
    width = 30_000_000
    zeros = pa.DictionaryArray.from_arrays(pa.array(np.zeros(width, "i4")), pa.array([0.0])).cast(
        pa.float64()
    )
    pose = pa.ListArray.from_arrays(pa.array([0, width], pa.int32()), zeros)
    pq.write_table(
        pa.table({"id": [0], "time": [0.0], "pose": pose}), tmp_path / "a.parquet", compression="zstd"
    )
    assert (tmp_path / "a.parquet").stat().st_size < 200_000
    with pytest.raises(InputError, match=r"declares \d+ bytes but the file has"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_pages_of_any_version_and_compression_are_read(tmp_path, version, compression):
    values = np.random.default_rng(0).normal(size=50_000)
    table = pa.table({"id": np.repeat(np.arange(50), 1000), "t": np.tile(np.arange(1000), 50), "x": values})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, data_page_version=version, compression=compression, row_group_size=7000)
    assert np.array_equal(read(path).values.reshape(-1), values.astype("f4"))
