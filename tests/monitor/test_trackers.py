"""Where checks are logged: JSON lines, TensorBoard, Weights & Biases, trackio, or anything with three methods."""

import contextlib
import json
import sqlite3
import sys
from types import SimpleNamespace

import pytest
from tests.monitor.walks import monitored

from pushforward.errors import InputError
from pushforward.monitor import JsonLines, TensorBoard, Trackio, Wandb
from pushforward.monitor.trackers import tracker_of


def test_anything_with_the_three_methods_is_a_tracker_and_several_may_listen(tmp_path):
    class Memory:
        def __init__(self):
            self.lines = []

        def begin(self, settings):
            self.lines.append(("begin", settings["every"]))

        def log(self, step, metrics):
            self.lines.append((step, metrics["drift/score"]))

        def end(self):
            self.lines.append(("end",))

    memory = Memory()
    monitor = monitored([1.3, 1.1], n=50, share=None, tracker=[memory, str(tmp_path / "a.jsonl")])
    monitor.close()
    scores = [(check.step, check.score) for check in monitor.history]
    assert memory.lines == [("begin", 10), *scores, ("end",)]
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 3


def test_trackers_are_known_by_text(tmp_path):
    kinds = {
        "tensorboard:logs": TensorBoard,
        "wandb:project": Wandb,
        "trackio:project": Trackio,
        "a.jsonl": JsonLines,
    }
    assert {text: type(tracker_of(text)) for text in kinds} == kinds
    with pytest.raises(InputError, match="cannot be written"):
        monitored([1.0], n=50, share=None, tracker=tmp_path / "missing" / "a.jsonl")


@pytest.mark.parametrize("package", ["wandb", "trackio", "tensorboard"])
def test_a_tracker_that_is_not_installed_is_one_line(monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"pip install {package}"):
        monitored([1.0], n=50, share=None, tracker=f"{package}:name")


def test_tensorboard_gets_scalars_and_charts_with_bands(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.plugins.custom_scalar import layout_pb2
    from tensorboard.util import tensor_util

    monitor = monitored([1.4, 1.2], n=50, share=None, tracker=f"tensorboard:{tmp_path / 'logs'}")
    (file,) = (tmp_path / "logs").iterdir()
    scalars, layouts = {}, []
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "custom_scalars":
                layouts.append(layout_pb2.Layout.FromString(tensor_util.make_ndarray(value.tensor).item()))
            elif value.HasField("tensor"):
                scalars[value.tag, event.step] = float(tensor_util.make_ndarray(value.tensor))
    for check in monitor.history:
        for name, number in check.metrics.items():
            assert scalars[name, check.step] == pytest.approx(number, rel=1e-6)
    (layout,) = layouts
    bands = {chart.title: chart.margin.series[0] for chart in layout.category[0].chart}
    shift = bands["drift/path-length/mean_shift"]
    assert (shift.lower, shift.upper) == (
        "drift/path-length/mean_shift_low",
        "drift/path-length/mean_shift_high",
    )
    assert "drift/path-length/w1" in bands


@pytest.mark.slow
def test_wandb_logs_offline(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    tracker = Wandb(project="drift", mode="offline", dir=str(tmp_path))
    monitor = monitored([1.4, 1.2], n=50, share=None, tracker=tracker)
    wandb.teardown()  # its service process writes out what is left
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = file.read_bytes()
    for check in monitor.history:
        assert b"drift/path-length/w1_floor" in content
        assert json.dumps(check.score).encode()[:12] in content


def test_trackio_is_begun_logged_to_and_finished(monkeypatch):
    logged = []
    trackio = SimpleNamespace(
        init=lambda **settings: logged.append(
            (settings["project"], settings["config"]["drift_monitor"]["n"])
        ),
        log=lambda metrics, step: logged.append((step, metrics["drift/score"])),
        finish=lambda: logged.append("finished"),
    )
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    monitor = monitored([1.4], n=50, share=None, tracker="trackio:walks")
    assert logged == [("walks", 50), (10, monitor.history[0].score), "finished"]


@pytest.mark.slow
def test_trackio_keeps_every_number_in_its_own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    pytest.importorskip("trackio", reason="trackio is not installed (it needs another pillow than is pinned)")
    monitor = monitored([1.4, 1.2], n=50, share=None, tracker="trackio:walks")
    with contextlib.closing(sqlite3.connect(tmp_path / "walks.db")) as store:
        rows = store.execute("SELECT step, metrics FROM metrics ORDER BY step").fetchall()
    assert [(step, json.loads(metrics)) for step, metrics in rows] == [
        (check.step, check.metrics) for check in monitor.history
    ]
