"""Minari datasets that Minari itself has written."""

from __future__ import annotations

import json
import shutil
import sys

import h5py
import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import read


def test_a_folder_with_dictionary_observations(samples):
    found = read(samples["minari"])
    assert found.channels == (
        "achieved_goal[0]",
        "achieved_goal[1]",
        *(f"observation[{i}]" for i in range(3)),
    )
    assert found.steps.tolist() == [7, 9]
    with h5py.File(samples["minari"] / "data" / "main_data.hdf5") as file:
        goal = file["episode_1/observations/achieved_goal"][:]
    assert np.array_equal(found.values[1, :9, :2], goal.astype("f4"))


def test_keys_choose_among_observations_and_others(samples):
    assert read(samples["minari"], key="observation").C == 3
    assert read(samples["minari"], key="observations/achieved_goal").C == 2
    assert read(samples["minari"], key="actions").steps.tolist() == [6, 8]
    with pytest.raises(
        InputError, match="unknown key 'velocity'; valid: actions, observations/achieved_goal"
    ):
        read(samples["minari"], key="velocity")


def test_the_data_folder_and_the_file_itself_are_read_too(samples):
    whole = read(samples["minari"])
    assert read(samples["minari"] / "data").equals(whole)
    assert read(samples["minari"] / "data" / "main_data.hdf5").equals(whole)


def test_a_local_dataset_by_id(samples, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(samples["minari"].parents[1]))
    assert read("tests/reach-v0").equals(read(samples["minari"]))
    with pytest.raises(InputError, match="get it with: minari download tests/none-v3"):
        read("tests/none-v3")


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "minari", None)
    monkeypatch.setitem(sys.modules, "minari.storage.datasets_root_dir", None)
    with pytest.raises(InputError, match=r"pip install 'pushforward\[minari\]'"):
        read("D4RL/pointmaze/umaze-v2")


def test_other_storage_is_named(samples, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(samples["minari"], folder)
    (folder / "data" / "main_data.hdf5").unlink()
    metadata = json.loads((folder / "data" / "metadata.json").read_text()) | {"data_format": "arrow"}
    (folder / "data" / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(
        InputError, match=r"holds no main_data.hdf5; it is stored as 'arrow'; expected 'hdf5'"
    ):
        read(folder)
