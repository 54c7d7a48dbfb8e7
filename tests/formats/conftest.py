"""Files of every layout, made as their own tools make them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pushforward import Trajectories
from pushforward.formats import write

HURDAT2 = """\
EP011949,            UNNAMED,      4,
19490611, 0000,  , TS, 20.2N, 106.3W,  45, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19490611, 0600,  , TS, 20.2N, 106.4W,  45, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19490611, 0915, L, TS, 20.2N, 106.5W,  50, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19490611, 1200,  , TS, 20.3N, 106.7W,  45, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
CP021950,              WALLY,      5,
19500801, 0000,  , TS, 15.0N, 179.0W,  60, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19500801, 0600,  , TS, 15.5N, 179.6W,  65, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19500801, 1200,  , HU, 16.0N, 179.7E,  70, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19500801, 1800,  , HU, 16.5N, 179.0E,  75, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
19500802, 1800,  , HU, 18.5N, 175.0E,  75, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999, -999,
"""


def ragged(seed: int = 0, n: int = 7, T: int = 9) -> Trajectories:
    """Trajectories with everything that a file can carry."""
    rng = np.random.default_rng(seed)
    return Trajectories(
        values=rng.normal(size=(n, T, 3)).astype(np.float32),
        dt=0.1,
        channels=("x", "y", "θ"),
        units=("m", "m", "rad"),
        lengths=np.concatenate([[T], rng.integers(1, T + 1, size=n - 1)]),
        groups=np.array([f"g{i % 3}" for i in range(n)]),
        conditions={"goal": rng.normal(size=(n, 2)), "mass": rng.normal(size=n)},
        quantity=rng.normal(size=n),
        quantity_name="path-length",
        time_unit="ms",
    )


def make_d4rl(path: Path) -> Path:
    import h5py

    rng = np.random.default_rng(1)
    ends = np.zeros(40, dtype=bool)
    ends[[9, 29]] = True
    with h5py.File(path, "w") as file:
        file.create_dataset("observations", data=rng.normal(size=(40, 4)).astype("f4"), compression="gzip")
        file.create_dataset("actions", data=rng.normal(size=(40, 2)).astype("f4"), compression="gzip")
        file.create_dataset("rewards", data=np.zeros(40, "f4"), compression="gzip")
        file.create_dataset("terminals", data=np.arange(40) == 19, compression="gzip")
        file.create_dataset("timeouts", data=ends, compression="gzip")
        file.create_dataset("infos/qpos", data=rng.normal(size=(40, 2)), compression="gzip")
    return path


def make_robomimic(path: Path) -> Path:
    import h5py

    rng = np.random.default_rng(2)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps(
            {"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 20}}
        )
        data.attrs["total"] = 33
        for i, steps in ((0, 10), (1, 11), (10, 12)):
            demo = data.create_group(f"demo_{i}")
            demo.attrs["num_samples"] = steps
            demo.create_dataset("actions", data=rng.normal(size=(steps, 7)))
            demo.create_dataset("obs/agentview_image", data=np.zeros((steps, 4, 4, 3), "u1"))
            demo.create_dataset("obs/eef_pos", data=np.full((steps, 3), i, dtype="f8"))
            demo.create_dataset("obs/gripper", data=rng.normal(size=(steps, 1)))
        file.create_dataset("mask/train", data=np.array([b"demo_0", b"demo_1"]))
    return path


def make_lerobot(folder: Path, lengths: tuple[int, ...] = (5, 7, 4), rows_per_file: int = 8) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(3)
    names = ["shoulder", "elbow"]
    (folder / "meta").mkdir(parents=True)
    (folder / "data" / "chunk-000").mkdir(parents=True)
    info = {
        "codebase_version": "v3.0",
        "fps": 50,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "features": {
            "observation.state": {"dtype": "float32", "shape": [2], "names": {"motors": names}},
            "action": {"dtype": "float32", "shape": [2], "names": names},
            "observation.image": {"dtype": "video", "shape": [3, 8, 8], "names": ["c", "h", "w"]},
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
        },
    }
    (folder / "meta" / "info.json").write_text(json.dumps(info))
    episode = np.repeat(np.arange(len(lengths)), lengths)
    frame = np.concatenate([np.arange(n) for n in lengths])
    state = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=2 * len(frame)).astype("f4")), 2)
    action = pa.array(list(rng.normal(size=(len(frame), 2)).astype("f4")), pa.list_(pa.float32()))
    columns = {
        "observation.state": state,
        "action": action,
        "timestamp": pa.array((frame / 50).astype("f4")),
        "frame_index": pa.array(frame),
        "episode_index": pa.array(episode),
        "index": pa.array(np.arange(len(frame))),
        "task_index": pa.array(episode % 2),
    }
    table = pa.table(columns)
    for i, start in enumerate(range(0, len(frame), rows_per_file)):
        pq.write_table(
            table.slice(start, rows_per_file), folder / "data" / "chunk-000" / f"file-{i:03d}.parquet"
        )
    return folder


def make_minari(root: Path, dataset_id: str = "tests/reach-v0") -> Path:
    """A dataset that Minari itself writes, with dictionary observations."""
    minari = pytest.importorskip("minari", reason="needs the extra minari")
    import gymnasium
    from minari.data_collector import EpisodeBuffer

    space = gymnasium.spaces.Dict(
        {
            "achieved_goal": gymnasium.spaces.Box(-9, 9, (2,), np.float64),
            "observation": gymnasium.spaces.Box(-9, 9, (3,), np.float64),
        }
    )
    rng = np.random.default_rng(4)
    buffers = [
        EpisodeBuffer(
            id=i,
            observations={
                "achieved_goal": rng.uniform(size=(steps + 1, 2)),
                "observation": rng.uniform(size=(steps + 1, 3)),
            },
            actions=rng.uniform(size=(steps, 1)).astype("f4"),
            rewards=[0.0] * steps,
            terminations=[False] * steps,
            truncations=[False] * (steps - 1) + [True],
        )
        for i, steps in enumerate((6, 8))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(root))
        minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            observation_space=space,
            action_space=gymnasium.spaces.Box(-1, 1, (1,), np.float32),
            data_format="hdf5",
        )
    return root / dataset_id


def make_csv(path: Path) -> Path:
    rng = np.random.default_rng(5)
    rows = [f"t{i},{k * 0.5},{rng.normal()},{rng.normal()},{i // 2}" for i in range(4) for k in range(5 + i)]
    path.write_text("trajectory,time [h],x [m],y,group\n" + "\n".join(rows) + "\n")
    return path


def make_values(path: Path) -> Path:
    """A table of measured values, with groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    energy = np.random.default_rng(7).normal(size=200)
    pq.write_table(
        pa.table({"energy": energy, "group": [f"g{i // 9}" for i in range(200)]}), path, row_group_size=64
    )
    return path


def make_all(folder: Path) -> dict[str, Path]:
    """One valid file or folder of each layout, by name."""
    (folder / "storms.txt").write_text(HURDAT2)
    np.save(folder / "a.npy", np.random.default_rng(6).normal(size=(5, 6, 2)))
    for suffix in ("npz", "h5", "parquet", "zarr"):
        write(folder / f"a.{suffix}", ragged())
    return {
        "npz": folder / "a.npz",
        "npy": folder / "a.npy",
        "hdf5": folder / "a.h5",
        "parquet": folder / "a.parquet",
        "zarr": folder / "a.zarr",
        "d4rl": make_d4rl(folder / "d4rl.hdf5"),
        "robomimic": make_robomimic(folder / "robomimic.hdf5"),
        "lerobot": make_lerobot(folder / "lerobot"),
        "minari": make_minari(folder / "minari"),
        "csv": make_csv(folder / "a.csv"),
        "hurdat2": folder / "storms.txt",
    }


@pytest.fixture(scope="session")
def fuzzed(samples, tmp_path_factory):
    """What the fuzzer starts from: the samples, a deflated archive and a table of measured values."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with np.load(samples["npz"]) as arrays:
        np.savez_compressed(folder / "deflated.npz", **dict(arrays))
    return samples | {"deflated": folder / "deflated.npz", "values": make_values(folder / "values.parquet")}


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Valid files by layout; never written to by a test."""
    return make_all(tmp_path_factory.mktemp("samples"))


@pytest.fixture
def rich():
    """Trajectories with lengths, groups, conditions, quantity, units and odd dt."""
    return ragged()


@pytest.fixture
def makers():
    """The builders of foreign layouts, by name."""
    return {"d4rl": make_d4rl, "robomimic": make_robomimic, "lerobot": make_lerobot, "minari": make_minari}


@pytest.fixture
def hurdat2_text():
    return HURDAT2
