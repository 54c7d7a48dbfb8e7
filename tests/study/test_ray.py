"""A real Ray cluster of two nodes on this machine: the bytes of this process, also when a worker or a node is lost."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.study.conftest import results_of
from tests.study.test_local import diffusion

from pushforward.errors import InputError
from pushforward.measure import AuditSettings, audit_streams
from pushforward.study.apart import _own_folder
from pushforward.study.digests import sha256
from pushforward.study.pools import Here, create_pool
from pushforward.study.shards import TableShards, shards_of
from pushforward.study.study import Study

ray = pytest.importorskip("ray", reason="Ray is not installed (the extra [ray])")


def two_nodes():
    """A head and a second node with a core each. Ray gives a raylet 30 s to start, which a loaded machine can miss."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    made = Cluster()
    try:
        made.add_node(**node, include_dashboard=False)
        made.second = made.add_node(**node)
        made.wait_for_nodes()
    except Exception:
        made.shutdown()
        raise
    return made


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for attempt in range(4):
        try:
            made = two_nodes()
            break
        except Exception as error:  # Ray raises no narrower one when a node does not start
            if "timed out" not in str(error) or attempt == 3:
                raise
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def pool(cluster):
    made = create_pool("ray", address=cluster.address)
    yield made
    ray.shutdown()


def workers(cluster):
    """The processes of the cluster that work on a task now."""
    raylets = {
        info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes.get("raylet", [])
    }
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            title = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if title.startswith(b"ray::_performed") and parent in raylets:
                found.append(int(entry.name))
    return found


@contextlib.contextmanager
def killing(how, when=lambda: True, times=1):
    """Does `how`, which tells whom it hit, so many times while the body runs, whenever `when()` holds."""
    killed, ended = [], threading.Event()

    def watch():
        while not ended.wait(0.002) and len(killed) < times:
            if when() and (hit := how()) and hit not in killed:
                killed.append(hit)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def is_training(study):
    """Whether a run of the study has a checkpoint where workers keep them."""
    here = sha256(str(study.folder.resolve()))[:12]
    return any(_own_folder().glob(f"{here}*/model/settings.json"))


def kill_one(cluster):
    """Kills a worker of the cluster that works on a task; gives its process, or None where there is none."""
    for pid in workers(cluster)[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return pid
    return None


def lose(cluster, node):
    cluster.remove_node(node, allow_graceful=False)
    return "node"


def shards(folder, n_files, n):
    folder.mkdir()
    for i in range(n_files):
        np.save(folder / f"{i:04}.npy", np.random.default_rng(i).normal(0.001, 1, n))
    return shards_of(folder)


def audited(paths, pool):
    made = TableShards.of(paths, pool, ["value"], False)
    return audit_streams(
        made, None, units={"value": ""}, intended={"value": "normal(0, 1)"}, settings=AuditSettings()
    )


@pytest.mark.parametrize(
    ("n_files", "n"),
    [(40, 5_000), pytest.param(1000, 100_000, marks=(pytest.mark.slow, pytest.mark.timeout(3600)))],
)
def test_an_audit_of_many_files_with_a_worker_killed_counts_what_one_process_counts(
    tmp_path, cluster, pool, n_files, n
):
    paths = shards(tmp_path / "made", n_files, n)
    with killing(lambda: kill_one(cluster)) as killed:
        spread = audited(paths, pool)
    assert len(killed) == 1
    assert spread.quantities[0].n_made == n_files * n
    assert spread.to_text() == audited(paths, Here()).to_text()


@pytest.mark.slow
def test_what_a_cluster_cannot_hold_is_refused(cluster, pool):
    with pytest.raises(InputError, match=r"needs 1 cores and 0\.5 GPUs; the cluster has 2 cores and 0 GPUs"):
        list(create_pool("ray", address=cluster.address, gpus=0.5).run("scan", []))
    with pytest.raises(InputError, match="needs 3 cores"):
        list(create_pool("ray", address=cluster.address, threads=3).run("scan", []))


def test_ray_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'pushforward\[ray\]'"):
        list(create_pool("ray").run("scan", []))


@pytest.mark.slow
def test_a_worker_killed_mid_study_changes_no_byte_of_the_results(tmp_path, cluster, pool):
    plan = diffusion(steps=40, seeds=2)
    alone, study = Study(plan, tmp_path / "alone"), Study(plan, tmp_path / "study")
    assert alone.run(Here()).failed == {}
    with killing(lambda: kill_one(cluster), when=lambda: is_training(study)) as killed:
        ended = study.run(pool)
    assert len(killed) == 1
    assert (ended.failed, ended.n_worked) == ({}, 4)
    assert results_of(study.folder) == results_of(alone.folder)
    assert not is_training(study)
    models = [sorted(path.name for path in s.folder.glob("runs/*/model/*")) for s in (alone, study)]
    assert models[0] == models[1]


@pytest.mark.slow
def test_a_run_that_no_worker_survives_is_given_up_and_told(tmp_path, cluster, pool):
    study = Study(diffusion(steps=100_000, seeds=1), tmp_path / "study")
    pool.retries = 1
    with killing(lambda: kill_one(cluster), when=lambda: is_training(study), times=2) as killed:
        ended = study.run(pool)
    assert len(killed) == 2
    assert list(ended.failed) == [run.id for run in study.runs if not run.control]
    results = study.results()
    assert "lost 2 times" in next(iter(results.errors.values()))
    assert results.count("done") == 1


@pytest.mark.slow
def test_a_node_lost_mid_study_changes_no_byte_of_the_results(tmp_path, cluster, pool):
    plan = diffusion(steps=40, seeds=3)
    alone, study = Study(plan, tmp_path / "alone"), Study(plan, tmp_path / "study")
    assert alone.run(Here()).failed == {}
    with killing(lambda: lose(cluster, cluster.second), when=lambda: is_training(study)) as killed:
        ended = study.run(pool)
    assert killed == ["node"]
    assert ended.failed == {}
    assert results_of(study.folder) == results_of(alone.folder)
