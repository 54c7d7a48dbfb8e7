"""Saved samples: every one at most once, drawn by the seed, from any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators.adapters import SampleFolder
from pushforward.trajectories import Trajectories


def numbered(first: int, n: int, steps: int = 4) -> Trajectories:
    """Trajectories that tell which they are."""
    number = np.arange(first, first + n)[:, None, None] + 0.01 * np.arange(steps)[None, :, None]
    return Trajectories(number, dt=0.5, channels=("x",), units=("m",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pf.write(tmp_path / "a.npz", numbered(0, 30))
    pf.write(tmp_path / "b.h5", numbered(30, 50))
    pf.write(tmp_path / "c.parquet", numbered(80, 20))
    (tmp_path / ".hidden").write_text("not a sample")
    return tmp_path


def numbers(made: Trajectories) -> list[int]:
    return made.values[:, 0, 0].round().astype(int).tolist()


def test_all_of_all_formats_are_drawn_when_all_are_asked_for(folder: Path) -> None:
    adapter = SampleFolder(folder)
    assert len(adapter) == 100
    made = adapter.sample(100, seed=3)
    assert numbers(made) == list(range(100))
    assert (made.channels, made.units, made.dt) == (("x",), ("m",), 0.5)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_samples_are_drawn_without_replacement_by_the_seed_alone(folder: Path, size: int) -> None:
    drawn = numbers(SampleFolder(folder, batch_size=size).sample(40, seed=5))
    assert len(set(drawn)) == 40
    assert drawn == numbers(SampleFolder(folder).sample(40, seed=5))
    assert drawn != numbers(SampleFolder(folder).sample(40, seed=6))


def test_every_saved_sample_is_equally_likely(folder: Path) -> None:
    adapter = SampleFolder(folder / "a.npz")
    counts = np.bincount(
        np.concatenate([numbers(adapter.sample(10, seed=seed)) for seed in range(60)]), minlength=30
    )
    # 600 draws over 30: 20 each, with a standard deviation of about 3.7.
    assert np.abs(counts - 20).max() < 5 * 3.7


def test_batches_join_to_the_sample(folder: Path) -> None:
    adapter = SampleFolder(folder, batch_size=8)
    parts = list(adapter.sample_batches(60, seed=1))
    assert max(map(len, parts)) <= 8
    assert Trajectories.concat(parts).equals(adapter.sample(60, seed=1))


def test_a_folder_of_parquet_files_alone_is_one_data_set(tmp_path: Path) -> None:
    pf.write(tmp_path / "a.parquet", numbered(0, 20))
    pf.write(tmp_path / "b.parquet", numbered(20, 20))
    assert numbers(SampleFolder(tmp_path).sample(40)) == list(range(40))


def test_labels_may_replace_those_of_the_files(folder: Path) -> None:
    like = Trajectories(
        np.zeros((1, 4, 1)), dt=9.0, channels=("depth",), units=("km",), quantity_name="path-length"
    )
    made = SampleFolder(folder, like).sample(5)
    assert (made.channels, made.units, made.dt, made.quantity_name) == (
        ("depth",),
        ("km",),
        9.0,
        "path-length",
    )
    assert SampleFolder(folder, units=("mm",)).sample(5).units == ("mm",)
    assert SampleFolder(folder, units=("mm",)).sample(5).dt == 0.5


def test_ragged_samples_keep_their_lengths(tmp_path: Path) -> None:
    lengths = np.arange(20) % 4 + 1
    pf.write(tmp_path / "ragged.npz", Trajectories(numbered(0, 20).values, lengths=lengths))
    made = SampleFolder(tmp_path).sample(10, seed=2)
    assert np.array_equal(made.steps, lengths[numbers(made)])


class TestBadInput:
    def test_more_than_there_are(self, folder: Path) -> None:
        with pytest.raises(
            InputError, match="got n = 101; expected at most the 100 trajectories saved there"
        ):
            SampleFolder(folder).sample(101)

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file or folder"):
            SampleFolder(tmp_path / "missing")
        with pytest.raises(InputError, match="holds no files"):
            SampleFolder(tmp_path)

    def test_files_that_disagree(self, folder: Path) -> None:
        pf.write(folder / "d.npz", Trajectories(np.zeros((3, 4, 1)), dt=0.5, channels=("y",), units=("m",)))
        with pytest.raises(
            InputError, match=r"d\.npz: got channels \('y',\); expected \('x',\) as in the first"
        ):
            SampleFolder(folder).sample(5)

    def test_files_that_disagree_with_like(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r"a\.npz: got C = 1; expected 2 as said"):
            SampleFolder(folder, Trajectories(np.zeros((1, 4, 2)))).sample(5)

    def test_a_damaged_file(self, folder: Path) -> None:
        whole = (folder / "a.npz").read_bytes()
        (folder / "a.npz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"a\.npz"):
            SampleFolder(folder).sample(5)

    def test_files_that_change_between_counting_and_reading(self, folder: Path) -> None:
        adapter = SampleFolder(folder)
        assert len(adapter) == 100
        pf.write(folder / "a.npz", numbered(0, 29))
        with pytest.raises(InputError, match=r"a\.npz: held 30 trajectories before, now 29"):
            adapter.sample(100)

    def test_a_pickle_is_never_opened(self, tmp_path: Path) -> None:
        (tmp_path / "weights.pt").write_bytes(
            b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94."
        )
        with pytest.raises(InputError, match=r"weights\.pt: unknown content"):
            SampleFolder(tmp_path).sample(1)
