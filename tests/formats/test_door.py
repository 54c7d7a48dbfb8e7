"""What `ReadSettings` asks holds for every format alike."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward import InputError, Trajectories
from pushforward.formats import ReadSettings, batches, read, write

LAYOUTS = (
    "npz",
    "npy",
    "hdf5",
    "parquet",
    "zarr",
    "d4rl",
    "robomimic",
    "lerobot",
    "minari",
    "csv",
    "hurdat2",
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_are_chosen_by_name_and_order(samples, layout):
    whole = read(samples[layout])
    wanted = whole.channels[::-1][:2]
    assert read(samples[layout], channels=wanted).equals(whole.select_channels(wanted))
    with pytest.raises(InputError, match="unknown channel 'nonsense'") as caught:
        read(samples[layout], channels=("nonsense",))
    assert str(samples[layout]) in str(caught.value)
    assert whole.channels[0] in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dt_lengths_and_cuts(samples, layout):
    whole = read(samples[layout])
    assert read(samples[layout], dt=0.25).dt == 0.25
    assert read(samples[layout], max_length=2).T == 2
    assert np.array_equal(read(samples[layout], max_length=2).steps, np.minimum(whole.steps, 2))
    longest = int(whole.steps.max())
    assert read(samples[layout], min_length=longest).equals(whole.longer_than(longest))
    with pytest.raises(
        InputError, match=f"no trajectory has at least {longest + 1} steps; the longest of {len(whole)}"
    ):
        read(samples[layout], min_length=longest + 1)


@pytest.mark.parametrize("suffix", ["npz", "h5", "zarr", "parquet", "csv"])
def test_invalid_values_are_located_in_the_file_or_dropped_and_counted(tmp_path, suffix):
    path = tmp_path / f"made.{suffix}"
    _write_with_nan(path)
    with pytest.raises(
        InputError, match=r"1 of 1 trajectories hold NaN or infinity, first at index \(3, 2, 1\)"
    ):
        list(batches(path, 1))
    with pytest.raises(
        InputError, match=r"2 of 6 trajectories hold NaN or infinity, first at index \(3, 2, 1\)"
    ):
        read(path)
    kept = read(path, drop_invalid=True)
    assert (len(kept), kept.n_dropped) == (4, 2)
    assert kept.values[:, 0, 0].tolist() == [0, 1, 2, 5]
    parts = list(batches(path, 1, drop_invalid=True))
    assert sum(part.n_dropped for part in parts) == 2
    assert read(path, channels=("x",)).n_dropped == 0


def test_invalid_padding_is_no_matter(tmp_path):
    values = np.ones((2, 4, 1))
    values[0, 2:] = np.nan
    np.savez(tmp_path / "a.npz", values=values, lengths=[2, 4])
    assert read(tmp_path / "a.npz").steps.tolist() == [2, 4]


def test_numbers_beyond_float32_are_invalid(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[[1e300]], [[1.0]]]))
    with pytest.raises(InputError, match=r"first at index \(0, 0, 0\)"):
        read(tmp_path / "a.npy")


def test_nothing_left_is_said(tmp_path):
    np.save(tmp_path / "a.npy", np.full((3, 2, 1), np.nan))
    with pytest.raises(InputError, match="3 trajectories hold NaN or infinity; nothing is left"):
        read(tmp_path / "a.npy", drop_invalid=True)
    np.save(tmp_path / "b.npy", np.zeros((0, 2, 1)))
    with pytest.raises(InputError, match="holds no trajectories; expected at least one"):
        read(tmp_path / "b.npy")


@pytest.mark.parametrize("suffix", ["h5", "zarr", "parquet", "csv", "txt"])
def test_zero_trajectories_are_said(tmp_path, suffix, rich, hurdat2_text):
    path = tmp_path / f"none.{suffix}"
    _write_none(path, rich, hurdat2_text)
    with pytest.raises(InputError, match="holds no trajectories"):
        read(path)


def test_progress_is_told_with_a_total_at_the_end(samples):
    told = []
    read(samples["npz"], progress=lambda done, total=None, note="": told.append((done, total)))
    assert told == [(7, None), (7, 7)]


def test_settings_that_nothing_can_meet_are_refused():
    for wrong in ({"min_length": 0}, {"min_length": 5, "max_length": 4}, {"dt": 0.0}, {"dt": float("nan")}):
        with pytest.raises(InputError, match="expected"):
            ReadSettings(**wrong)


def test_one_long_trajectory_among_short_ones_is_not_padded_into_gigabytes(tmp_path):
    lines = [f"{i},0,1.5" for i in range(3000)] + [f"long,{k},2.5" for k in range(20_000)]
    path = tmp_path / "a.csv"
    path.write_text("id,t,x\n" + "\n".join(lines))
    with pytest.raises(InputError, match="set max_length, or use batches"):
        read(path)
    assert sum(map(len, batches(path, 4096))) == 3001
    assert len(read(path, max_length=10)) == 3001


def _write_with_nan(path):
    values = np.tile(np.arange(6.0)[:, None, None], (1, 3, 2))
    values[3, 2, 1], values[4, 0, 1] = np.nan, np.inf
    if path.suffix == ".npz":
        np.savez(path, values=values, channels=["x", "y"])
    elif path.suffix == ".csv":
        rows = [f"{i},{k},{values[i, k, 0]},{values[i, k, 1]}" for i in range(6) for k in range(3)]
        path.write_text("id,time,x,y\n" + "\n".join(rows))
    else:
        # A writer takes valid trajectories only: write valid ones, then damage what is stored.
        clean = Trajectories(values=np.nan_to_num(values, nan=-7, posinf=-7), channels=("x", "y"))
        write(path, clean)
        {".h5": _spoil_hdf5, ".zarr": _spoil_zarr, ".parquet": _spoil_parquet}[path.suffix](path, values)


def _spoil_hdf5(path, values):
    import h5py

    with h5py.File(path, "a") as file:
        file["values"][:] = values


def _spoil_zarr(path, values):
    import zarr

    zarr.open_group(path, mode="a")["values"][:] = values


def _spoil_parquet(path, values):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    column = pa.array(values[:, :, 1].reshape(-1).astype("f4"))
    pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", column), path)


def _write_none(path, rich, hurdat2_text):
    if path.suffix == ".csv":
        path.write_text("id,time,x\n")
    elif path.suffix == ".txt":
        lines = hurdat2_text.splitlines()
        path.write_text("\n".join([lines[0].replace(" 4,", " 1,"), lines[3]]))
    else:
        write(path, rich)
        {".h5": _empty_hdf5, ".zarr": _empty_zarr, ".parquet": _empty_parquet}[path.suffix](path)


def _empty_hdf5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["values"] = np.zeros((0, 3, 2))


def _empty_zarr(path):
    import zarr

    zarr.create_group(path, overwrite=True, zarr_format=3).create_array("values", shape=(0, 3, 2), dtype="f4")


def _empty_parquet(path):
    import pyarrow.parquet as pq

    pq.write_table(pq.read_table(path).slice(0, 0), path)
