"""Training and sampling of every class from the command line, with its own settings and no other's."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.generators import GENERATORS

TINY = {
    "diffusion": ("--widths", 8),
    "flow": ("--widths", 8),
    "mlp": ("--width", 16),
    "transformer": ("--width", 16, "--blocks", 1),
    "vae": ("--width", 8, "--latent", 4),
}
SHORT = ("--steps", 6, "--batch-size", 16)


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_is_trained_and_sampled(folder, run, name):
    trained = run(
        "train", "data.npz", "-o", "run", "--generator", name, *SHORT, *TINY[name], "--json", "t.json"
    )
    assert trained.code == 0, trained.err
    record = json.loads((folder / "t.json").read_text())
    assert (record["generator"], record["steps"]) == (name, 6)
    assert run("sample", "run", "-n", 30, "-o", "a.npz", "--seed", 1).code == 0
    assert run("sample", "run", "-n", 30, "-o", "b.npz", "--seed", 1).code == 0
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()
    assert pf.read("a.npz").channels == ("x", "y")
    assert run("report", "run", "-n", 30, "-o", "r.html", "--quantity", "path-length").code == 0


@pytest.mark.parametrize("name", GENERATORS)
def test_help_shows_the_settings_of_the_generator_asked_for(run, name):
    shown = run("train", "--generator", name, "--help").out
    own = {
        "diffusion": "--P-mean",
        "flow": "--coupling",
        "mlp": "--kind",
        "transformer": "--head",
        "vae": "--latent",
    }
    assert [option in shown for option in own.values()].count(True) == (2 if name == "mlp" else 1)
    assert own[name] in shown
    for shared in ("--steps", "--holdout", "--patience", "--inpaint", "--condition-dropout"):
        assert shared in shown


def test_settings_of_another_class_are_refused_in_one_line_that_names_the_valid_ones(folder, run):
    refused = run("train", "data.npz", "-o", "run", "--generator", "vae", "--coupling", "independent")
    assert refused.code == 2
    assert "unknown option of train --generator vae '--coupling'" in refused.err
    assert "--latent" in refused.err
    assert refused.err.count("\n") == 1
    assert run("train", "data.npz", "-o", "run", "--generator", "vae", *SHORT, *TINY["vae"]).code == 0
    refused = run("sample", "run", "--churn", 2)
    assert "unknown option of sample for a run of vae '--churn'" in refused.err
    assert "--prior" in refused.err
    assert refused.err.count("\n") == 1
    assert "did you mean 'flow'" in run("train", "data.npz", "-o", "r", "--generator", "flwo").err


def test_conditions_from_the_command_line(folder, run):
    trained = run(
        "train", "data.npz", "-o", "run", *SHORT, *TINY["flow"], "--generator", "flow",
        "--condition", "path-length", "displacement", "--json", "t.json",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    assert json.loads((folder / "t.json").read_text())["conditions"] == ["path-length", "displacement"]
    values = pf.quantities.PathLength()(pf.read("data.npz"))
    asked = run(
        "sample", "run", "-n", 20, "-o", "a.npz", "--condition", np.median(values), 4.0, "--guidance", 2
    )
    assert asked.code == 0, asked.err
    assert (pf.read("a.npz").conditions["displacement"] == 4.0).all()
    beyond = run("sample", "run", "-n", 20, "--condition", 1e6, 4.0)
    assert beyond.code == 2
    assert f"in the trained range, {values.min():.6g} to {values.max():.6g} m" in beyond.err
    free = run("sample", "run", "-n", 200, "-o", "b.npz")
    assert free.code == 0
    assert set(pf.read("b.npz").conditions["path-length"]) <= set(values)
    assert run("train", "data.npz", "-o", "plain", *SHORT, "--widths", 8).code == 0
    assert "was trained without" in run("sample", "plain", "--condition", 1.0).err


def test_start_and_goal_from_the_command_line(folder, run):
    told = run(
        "train", "data.npz", "-o", "run", *SHORT, *TINY["vae"], "--generator", "vae", "--inpaint", 0, -1
    )
    assert told.code == 0, told.err
    assert json.loads((folder / "run" / "settings.json").read_text())["settings"]["inpaint"] == [0, -1]
    made = run("sample", "run", "-n", 20, "-o", "a.npz", "--start", 0.5, -0.25, "--goal", -1, 2)
    assert made.code == 0, made.err
    values = pf.read("a.npz").values
    assert (values[:, 0] == (0.5, -0.25)).all()
    assert (values[:, -1] == (-1, 2)).all()
    assert "fixed step 0: got shape (1,)" in run("sample", "run", "--start", 0.5).err


def test_training_stops_early_and_says_so(folder, run):
    stopped = run(
        "train", "data.npz", "-o", "run", "--generator", "mlp", "--steps", 2000, "--batch-size", 32, "--width", 64,
        "--kind", "one-step", "--learning-rate", 0.02, "--holdout", 0.2, "--patience", 3, "--json", "t.json",
    )  # fmt: skip
    assert stopped.code == 0, stopped.err
    assert "; stopped early at step " in stopped.out
    assert "lowest held-out" in stopped.err
    record = json.loads((folder / "t.json").read_text())
    assert record["stopped_early"]
    assert record["steps"] < 2000
    again = run(
        "train", "data.npz", "-o", "run", "--generator", "mlp", "--steps", 2000, "--batch-size", 32, "--width", 64,
        "--kind", "one-step", "--learning-rate", 0.02, "--holdout", 0.2, "--patience", 3, "--resume",
    )  # fmt: skip
    assert again.code == 0, again.err


def test_every_flag_of_the_help_is_an_option_and_the_other_way_round(run):
    """The check for unknown options and the parser must never disagree."""
    import re

    from pushforward.commands.options import options_of
    from pushforward.commands.sample import Sample
    from pushforward.commands.train import Train

    for command, name in ((Train, "train"), (Sample, "sample")):
        kind = command.chosen(["--generator", "flow"] if name == "train" else [])
        shown = run(name, *(("--generator", "flow") if name == "train" else ()), "--help").out
        flags = set(re.findall(r"(?<![\w`-])--([A-Za-z][\w-]*)", shown)) - {"help"}
        assert flags <= options_of(kind) | {"o"}
        assert options_of(kind) - flags <= {"data", "run-folder", "n"}
