"""npz and npy: what is read, and what hostile archives cannot do."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import read


def npy_header(shape, dtype="<f4", fortran=False, version=b"\x01\x00"):
    text = f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i4", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_real_dtype_and_order_is_read(tmp_path, dtype, order):
    values = np.asarray(np.arange(24).reshape(4, 3, 2) % 2, dtype=dtype, order=order)
    np.savez_compressed(tmp_path / "a.npz", values=values)
    np.save(tmp_path / "a.npy", values)
    for name in ("a.npz", "a.npy"):
        assert np.array_equal(read(tmp_path / name).values, values.astype("f4"))


def test_a_plain_matrix_is_one_channel(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    assert read(tmp_path / "a.npy").values.shape == (2, 3, 1)


def test_what_people_save_by_hand(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        values=np.zeros((2, 4, 2)),
        dt=0.5,
        channels=["x", "y"],
        units=np.array([b"m", b"m"]),
        lengths=np.array([4, 2], dtype="u1"),
        groups=np.array([b"a", b"b"]),
        quantity=np.array([1, 2]),
        quantity_name="path-length",
        **{"condition/goal": np.ones((2, 3))},
    )
    found = read(tmp_path / "a.npz")
    assert (found.dt, found.channels, found.units) == (0.5, ("x", "y"), ("m", "m"))
    assert found.steps.tolist() == [4, 2]
    assert found.groups.tolist() == ["a", "b"]
    assert found.conditions["goal"].shape == (2, 3)
    assert found.quantity_name == "path-length"


def test_another_array_is_chosen_by_key(tmp_path):
    np.savez(tmp_path / "a.npz", trajectories=np.ones((2, 3, 1)))
    with pytest.raises(InputError, match="unknown array 'values'; valid: trajectories"):
        read(tmp_path / "a.npz")
    assert len(read(tmp_path / "a.npz", key="trajectories")) == 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"values": np.zeros((2, 3, 4, 5))}, r"got shape \(2, 3, 4, 5\); expected \(N, T, C\)"),
        ({"values": np.zeros((2, 0, 4))}, r"got shape \(2, 0, 4\)"),
        ({"values": np.zeros((2, 3, 1), dtype=complex)}, "got dtype complex128"),
        ({"values": np.full((2, 3, 1), "a")}, "expected real numbers"),
        ({"values": np.zeros((2, 3, 1)), "channels": ["a", "b"]}, "channels: got 2 for 1 channels"),
        ({"values": np.zeros((2, 3, 2)), "channels": ["a", "a"]}, "duplicate names"),
        ({"values": np.zeros((2, 3, 1)), "units": ["a", "b"]}, "units: got 2 for 1 channels"),
        ({"values": np.zeros((2, 3, 1)), "dt": -1.0}, "dt: got -1.0; expected a positive number"),
        ({"values": np.zeros((2, 3, 1)), "dt": [1.0, 2.0]}, "dt: got float64 of shape"),
        ({"values": np.zeros((2, 3, 1)), "dt": "fast"}, "dt: got <U4"),
        ({"values": np.zeros((2, 3, 1)), "lengths": [1, 4]}, "lengths: got 4 at index 1; expected 1 to 3"),
        ({"values": np.zeros((2, 3, 1)), "lengths": [1.0, 2.0]}, "lengths: got dtype float64"),
        ({"values": np.zeros((2, 3, 1)), "lengths": [1]}, r"lengths: got shape \(1,\); expected \(2,\)"),
        ({"values": np.zeros((2, 3, 1)), "groups": [0.5, 1.5]}, "groups: got dtype float64"),
        ({"values": np.zeros((2, 3, 1)), "quantity": [[1.0], [2.0]]}, "quantity: got shape"),
        ({"values": np.zeros((2, 3, 1)), "condition/a": ["x", "y"]}, "condition 'a': expected numbers"),
    ],
)
def test_wrong_shapes_and_types_are_named(tmp_path, arrays, message):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


class Explosive:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize("name", ["values", "dt", "channels", "groups", "condition/a"])
def test_pickled_arrays_are_never_loaded(tmp_path, name):
    arrays = {"values": np.zeros((1, 2, 1))} | {name: np.array([Explosive()], dtype=object)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match="never pickled objects"):
        read(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", arrays[name], allow_pickle=True)
    with pytest.raises(InputError):
        read(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(npy_header("(1, 1, 1)", "|O") + pickle.dumps(Explosive()))
    with pytest.raises(InputError, match="never pickled objects"):
        read(tmp_path / "b.npy")


@pytest.mark.parametrize(
    "shape",
    ["(1000000000000, 1, 1)", "(3, 99999999999999999999999, 1)", "(-1, 3, 1)", "(2, 2)", "(2.5, 3, 1)", "()"],
)
def test_declared_shapes_are_held_against_the_file(tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(npy_header(shape) + bytes(24))
    with pytest.raises(InputError):
        read(tmp_path / "a.npy")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    member = io.BytesIO()
    member.write(npy_header("(1000, 25000, 4)"))
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("values.npy", "w") as stream,
    ):
        stream.write(member.getvalue())
        for _ in range(400):
            stream.write(bytes(1_000_000))
    assert path.stat().st_size < 500_000
    with pytest.raises(InputError, match=r"values: declares 4000\d+ bytes but the file has \d+"):
        read(path)


def test_a_flipped_byte_is_found_by_the_checksum(tmp_path, samples):
    data = bytearray(samples["npz"].read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.index(b"PK\x01\x02") + 4) - 40
    data[at] ^= 0x10
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match="CRC"):
        read(tmp_path / "a.npz")


def test_odd_archives(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no arrays")
    with pytest.raises(InputError, match="a zip archive without npy arrays"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("values.npy", npy_header("(1, 1, 1)") + bytes(4))
    with pytest.raises(InputError, match="compression 14; expected stored or deflated"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("values.npy", npy_header("(1, 1, 1)") + bytes(4))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("values.npy", b"")
    with pytest.raises(InputError, match="two arrays are named 'values'"):
        read(path)
