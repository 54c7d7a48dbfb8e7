"""Formats are known by content; what is not known is one clear line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from pushforward import InputError
from pushforward.formats import FORMATS, batches, read, recognise

KNOWN = {"d4rl": "hdf5", "robomimic": "hdf5", "lerobot": "parquet"}
WRONG = {
    "npz": ".csv",
    "npy": ".npz",
    "hdf5": ".npy",
    "parquet": ".h5",
    "csv": ".parquet",
    "hurdat2": ".hdf5",
}


def test_every_layout_is_known_by_content(samples):
    for layout, path in samples.items():
        assert recognise(path).name == KNOWN.get(layout, layout)


@pytest.mark.parametrize("layout", WRONG)
def test_a_wrong_suffix_does_not_matter(samples, tmp_path, layout):
    disguised = tmp_path / f"file{WRONG[layout]}"
    shutil.copy(samples[layout], disguised)
    assert recognise(disguised).name == layout
    assert read(disguised).equals(read(samples[layout]))


@pytest.mark.parametrize("name", ["zarr", "lerobot", "minari"])
def test_a_folder_may_have_any_name(samples, tmp_path, name):
    shutil.copytree(samples[name], tmp_path / "folder.npz")
    assert read(tmp_path / "folder.npz").equals(read(samples[name]))


def test_what_is_not_known_is_one_line_with_the_formats(tmp_path):
    (tmp_path / "empty.npz").touch()
    (tmp_path / "noise.npz").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "folder").mkdir()
    cases = {
        "missing.npz": "no such file or folder",
        "empty.npz": "is empty",
        "noise.npz": "unknown content; expected one of the formats npz, npy, hdf5",
        "folder": "unknown folder; expected one of the formats npz, npy, hdf5",
    }
    for name, wanted in cases.items():
        with pytest.raises(InputError, match=wanted) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "minari"])
def test_a_missing_file_of_a_named_format(tmp_path, format):
    with pytest.raises(InputError, match="none"):
        read(tmp_path / "none", format=format)


def test_pipes_and_devices_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="not a regular file"):
            read(path)


def test_unreadable_files_and_hostile_names(tmp_path):
    name = "a\x1b[31m\nb.npz"
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        read("a\0b")
    with pytest.raises(InputError):
        read(tmp_path / ("long" * 2000))


def test_unknown_formats_and_settings_are_suggested(samples):
    with pytest.raises(InputError, match="did you mean 'parquet'"):
        read(samples["csv"], format="parqet")
    with pytest.raises(InputError, match="did you mean 'min_length'"):
        read(samples["csv"], min_lenght=3)
    with pytest.raises(InputError, match="batch size: got 0"):
        next(batches(samples["csv"], 0))


def test_importing_formats_is_light():
    heavy = {"pyarrow", "h5py", "zarr", "torch", "minari"}
    code = f"import sys, pushforward.formats; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("layout", ["npz", "npy", "hdf5", "parquet", "d4rl", "robomimic"])
def test_a_truncated_file_is_refused_wherever_it_ends(samples, tmp_path, layout):
    data = samples[layout].read_bytes()
    path = tmp_path / samples[layout].name
    for end in range(1, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:end])
        with pytest.raises(InputError) as caught:
            read(path, format=KNOWN.get(layout, layout))
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
