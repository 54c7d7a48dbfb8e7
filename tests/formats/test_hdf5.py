"""HDF5: the layouts of D4RL and robomimic, and files that reach outside themselves."""

from __future__ import annotations

import zlib

import h5py
import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import read


def test_d4rl_episodes_end_at_terminals_and_timeouts(samples):
    found = read(samples["d4rl"])
    with h5py.File(samples["d4rl"]) as file:
        observations, qpos = file["observations"][:], file["infos/qpos"][:]
    assert found.steps.tolist() == [10, 10, 10, 10]
    assert found.channels == tuple(f"observations[{i}]" for i in range(4))
    assert np.array_equal(found.values.reshape(-1, 4), observations)
    assert np.array_equal(read(samples["d4rl"], key="infos/qpos").values.reshape(-1, 2), qpos.astype("f4"))


def test_d4rl_episodes_cross_the_reader_s_stretches(tmp_path):
    ends = np.zeros(40_000, dtype=bool)
    ends[[7, 20_000, 39_989]] = True
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["observations"], file["timeouts"] = np.arange(40_000.0), ends
    found = read(tmp_path / "a.h5")
    assert found.steps.tolist() == [8, 19_993, 19_989, 10]
    assert found.channels == ("observations",)
    assert found.values[1, :3, 0].tolist() == [8, 9, 10]


def test_robomimic_demos_in_numeric_order_with_named_channels(samples):
    found = read(samples["robomimic"])
    assert found.channels == ("eef_pos[0]", "eef_pos[1]", "eef_pos[2]", "gripper")
    assert found.steps.tolist() == [10, 11, 12]
    assert found.values[:, 0, 0].tolist() == [0, 1, 10]
    assert found.dt == 1 / 20
    assert read(samples["robomimic"], key="eef_pos").C == 3
    assert read(samples["robomimic"], key="obs/gripper").channels == ("gripper",)
    assert read(samples["robomimic"], key="actions").C == 7
    with pytest.raises(InputError, match="unknown key 'agentview'; valid: actions, obs/eef_pos, obs/gripper"):
        read(samples["robomimic"], key="agentview")


def test_robomimic_demos_must_agree(tmp_path, makers):
    path = makers["robomimic"](tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        del file["data/demo_1/obs/eef_pos"]
        file["data/demo_1/obs/eef_pos"] = np.zeros((11, 4))
    with pytest.raises(InputError, match="demo_1/obs/eef_pos: got 4 channels; expected 3"):
        read(path)
    with h5py.File(path, "a") as file:
        del file["data/demo_1/obs/eef_pos"]
        file["data/demo_1/obs/eef_pos"] = np.zeros((5, 3))
    with pytest.raises(InputError, match=r"demo_1: its arrays have \[5, 11\] steps"):
        read(path)
    with h5py.File(path, "a") as file:
        del file["data/demo_1/obs/eef_pos"]
    with pytest.raises(InputError, match="unknown HDF5 name 'eef_pos'"):
        read(path)


def test_a_plain_file_by_hand(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = np.zeros((2, 3, 2))
        file["groups"] = ["α", "b"]
        file["condition/goal"] = np.ones((2, 4))
        file.attrs.update({"dt": 0.5, "channels": ["x", "y"], "units": ["m", "m"], "time_unit": "h"})
    found = read(tmp_path / "a.h5")
    assert (found.channels, found.units, found.dt, found.time_unit) == (("x", "y"), ("m", "m"), 0.5, "h")
    assert found.groups.tolist() == ["α", "b"]
    assert found.conditions["goal"].shape == (2, 4)


def test_an_unknown_layout_lists_the_known_ones(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = np.zeros((2, 3, 2))
    with pytest.raises(InputError, match=r"no known HDF5 layout among tracks; expected values"):
        read(tmp_path / "a.h5")
    assert len(read(tmp_path / "a.h5", key="tracks")) == 2


def test_links_out_of_the_file_are_refused(tmp_path, samples):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = h5py.ExternalLink(str(samples["hdf5"]), "values")
    with pytest.raises(InputError, match="ExternalLink"):
        read(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["real"] = np.zeros((2, 3, 2))
        file["values"] = h5py.SoftLink("/real")
    with pytest.raises(InputError, match="SoftLink"):
        read(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["data/demo_0/obs/a"] = h5py.ExternalLink(str(samples["hdf5"]), "values")
    with pytest.raises(InputError, match="link out of the group"):
        read(tmp_path / "c.h5")


def test_virtual_and_external_storage_are_refused(tmp_path, samples):
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    layout = h5py.VirtualLayout(shape=(7, 9, 3), dtype="f4")
    layout[:] = h5py.VirtualSource(str(samples["hdf5"]), "values", shape=(7, 9, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("values", layout)
    with pytest.raises(InputError, match="is a virtual dataset"):
        read(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        external = [(str(tmp_path / "secret.bin"), 0, 48)]
        file.create_dataset("values", shape=(2, 3, 2), dtype="f4", external=external)
    with pytest.raises(InputError, match="lies in external files"):
        read(tmp_path / "b.h5")


def test_huge_declared_shapes_are_refused_before_anything_is_allocated(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("values", shape=(10**6, 10**6, 100), dtype="f4", chunks=(10, 10, 10))
    with pytest.raises(InputError, match="values: declares 400000000000000 bytes but the file has"):
        read(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset(
            "values", shape=(10, 1000, 1), maxshape=(None, None, 1), chunks=(1000, 400_000, 1)
        )
    with pytest.raises(InputError, match=r"values \(one chunk\): declares"):
        read(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("observations", shape=(10**12, 3), dtype="f4", chunks=(10, 3))
        file.create_dataset("terminals", shape=(10**12,), dtype="?", chunks=(10,))
    with pytest.raises(InputError, match="observations: declares"):
        read(tmp_path / "c.h5")


def test_one_long_text_shared_by_many_rows_does_not_multiply(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = np.zeros((4, 3, 2))
        file["groups"] = ["x" * 100_000, "b", "c", "d"]
    with pytest.raises(InputError, match="text of 100000 characters"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("values", np.zeros((2, 3)), r"got shape \(2, 3\)"),
        ("values", np.zeros((2, 3, 1), dtype=complex), "got dtype"),
        ("values", np.zeros((2, 3, 1), dtype=[("a", "f4")]), "got dtype"),
        ("values", ["a", "b"], "expected real numbers"),
        ("values", h5py.Empty("f4"), "null dataspace"),
        ("lengths", [1.5, 2.5], "lengths: got dtype float64"),
        ("dt", "soon", "dt: got"),
        ("channels", [1, 2], "channels: got int64"),
    ],
)
def test_wrong_shapes_and_types_are_named(tmp_path, name, data, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["values"] = np.zeros((2, 3, 2))
        if name in file:
            del file[name]
        file[name] = data
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.h5")


def test_d4rl_flags_must_fit(tmp_path, makers):
    path = makers["d4rl"](tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        del file["terminals"]
        file["terminals"] = np.zeros(39)
    with pytest.raises(InputError, match=r"terminals: got float64 of shape \(39,\); expected \(40,\) flags"):
        read(path)
    with pytest.raises(InputError, match="unknown HDF5 name 'positions'"):
        read(path, key="positions")


def test_a_gzip_chunk_that_expands_beyond_its_size_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values = file.create_dataset("values", (4, 3, 2), "f4", chunks=(4, 3, 2), compression="gzip")
        values.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(300_000_000)))
    with pytest.raises(InputError, match="a chunk expands to over 96 bytes, which is its declared size"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("filters", [{}, {"shuffle": True}, {"fletcher32": True}, {"scaleoffset": 3}])
def test_gzip_chunks_of_any_size_are_read(tmp_path, filters):
    values = np.round(np.random.default_rng(0).normal(size=(300, 100, 3)), 2).astype("f4")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("values", data=values, chunks=(300, 100, 3), compression="gzip", **filters)
    assert np.allclose(read(tmp_path / "a.h5").values, values, atol=1e-3)
