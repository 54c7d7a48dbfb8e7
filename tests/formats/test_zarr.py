"""Zarr v3 stores: by hand, without the extra, and hostile ones."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import read, write

zarr = pytest.importorskip("zarr", reason="needs the extra zarr")


def by_hand(path, **settings):
    group = zarr.create_group(path, zarr_format=3)
    group.create_array("values", data=np.ones((3, 4, 2), "f4"), **settings)
    group.attrs.update({"dt": 0.5, "channels": ["x", "y"]})
    return path


def edit(path, **changes):
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(document))


def test_a_store_by_hand(tmp_path):
    found = read(by_hand(tmp_path / "a.zarr", chunks=(2, 4, 2)))
    assert (found.values.shape, found.dt, found.channels) == ((3, 4, 2), 0.5, ("x", "y"))
    assert read(by_hand(tmp_path / "b.zarr", chunks=(1, 4, 2), shards=(2, 4, 2))).equals(found)


def test_the_missing_extra_is_named(samples, monkeypatch, tmp_path, rich):
    monkeypatch.setitem(sys.modules, "zarr", None)
    for attempt in (lambda: read(samples["zarr"]), lambda: write(tmp_path / "a.zarr", rich)):
        with pytest.raises(InputError, match=r"pip install 'pushforward\[zarr\]'"):
            attempt()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": [10**9, 1000, 1000]}, r"values: declares 4\d+ bytes but the file has"),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**6, 10**4, 10]}}},
            "one chunk",
        ),
        ({"codecs": [{"name": "evil.plugin"}]}, "codec evil.plugin; expected one of blosc, bytes"),
        ({"codecs": 3}, "expected a list of codecs"),
        ({"data_type": "complex64"}, "a.zarr"),
        ({"data_type": "string"}, "a.zarr"),
        ({"shape": [3, 4]}, "a.zarr"),
        ({"zarr_format": 2}, "a.zarr"),
    ],
)
def test_hostile_metadata_is_refused(tmp_path, changes, message):
    path = by_hand(tmp_path / "a.zarr")
    edit(path / "values" / "zarr.json", **changes)
    with pytest.raises(InputError, match=message):
        read(path)


def test_links_to_devices_and_folders_are_refused(tmp_path):
    path = by_hand(tmp_path / "a.zarr")
    os.symlink("/dev/zero", path / "values" / "c2")
    with pytest.raises(InputError, match="c2 is not a regular file"):
        read(path)
    (path / "values" / "c2").unlink()
    os.symlink(path, path / "values" / "loop")
    with pytest.raises(InputError, match="loop is a link to a folder"):
        read(path)


def test_an_unknown_array_and_damaged_json(tmp_path):
    path = by_hand(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="unknown array 'states'; valid: values"):
        read(path, key="states")
    (path / "values" / "zarr.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=str(path)):
        read(path)


def test_a_chunk_that_expands_beyond_belief_is_refused(tmp_path):
    import numcodecs

    path = by_hand(tmp_path / "a.zarr")
    for codec in (numcodecs.Zstd(), numcodecs.Blosc()):
        (path / "values" / "c" / "0" / "0" / "0").write_bytes(codec.encode(bytes(500_000_000)))
        with pytest.raises(InputError, match="a chunk declares 500000000 bytes"):
            read(path)
