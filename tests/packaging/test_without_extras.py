"""Without an extra, what needs it says in one line what is missing and how to get it; all else works."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main
from pushforward.monitor.trackers import tracker_of

# Modules that an extra brings, and a command that needs them.
COMMANDS = {
    "zarr": (("zarr",), ("audit", "made.zarr", "--intended", "normal(0, 1)", "--quantity", "path-length")),
    "mujoco": (("mujoco", "gymnasium_robotics"), ("simulate", "point-maze", "-n", "5", "-o", "out.npz")),
    "chaos": (("dysts",), ("simulate", "dysts", "-n", "5", "-o", "out.npz")),
    "ray": (("ray",), ("study", "plan.toml", "--runner", "ray")),
}
TRACKERS = {"tensorboard:log": "tensorboard", "wandb:project": "wandb", "trackio:project": "trackio"}
PLAN = """\
seeds = [0]
samples = 40
[[system]]
name = "logistic-map"
n = 40
[[generator]]
name = "mlp"
"""


@pytest.fixture
def absent(monkeypatch):
    """absent("zarr"): importing it fails, as where it is not installed, even if it was imported before."""

    def hide(*modules: str) -> None:
        for loaded in list(sys.modules):
            if loaded.partition(".")[0] in modules:
                monkeypatch.delitem(sys.modules, loaded)
        for module in modules:
            monkeypatch.setitem(sys.modules, module, None)

    return hide


@pytest.fixture
def folder(tmp_path, monkeypatch):
    data = pf.Trajectories(np.random.default_rng(0).normal(size=(20, 8, 2)))
    pf.write(tmp_path / "data.npz", data)
    (tmp_path / "made.zarr").mkdir()
    (tmp_path / "made.zarr" / "zarr.json").write_text(
        '{"zarr_format": 3, "node_type": "group", "attributes": {}}'
    )
    (tmp_path / "plan.toml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("extra", COMMANDS)
def test_a_command_that_needs_an_extra_says_how_to_get_it(folder, absent, capsys, extra):
    modules, command = COMMANDS[extra]
    absent(*modules)
    assert main([*command]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert re.search(rf"pip install ['\"]pushforward\[{extra}\]", said)
    assert not (folder / "out.npz").exists()


def test_a_minari_data_set_by_its_id_says_how_to_get_minari(absent):
    absent("minari")
    with pytest.raises(pf.InputError, match=r"pip install 'pushforward\[minari\]'"):
        pf.read("D4RL/pointmaze/umaze-v2")


@pytest.mark.parametrize(("tracker", "module"), TRACKERS.items())
def test_a_tracker_says_what_to_install(absent, tmp_path, monkeypatch, tracker, module):
    absent(module)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pf.InputError, match=rf"`pip install {module}`"):
        tracker_of(tracker).begin({})


def test_nothing_else_needs_one(folder, absent, capsys):
    absent(*(module for modules, _ in COMMANDS.values() for module in modules), "minari", *TRACKERS.values())
    for command in (["list"], ["doctor"], ["simulate", "logistic-map", "-n", "5", "-o", "out.npz"]):
        assert main(command) == 0, capsys.readouterr().err
