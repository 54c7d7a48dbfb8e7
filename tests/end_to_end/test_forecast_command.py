"""`pushforward forecast`: what it writes, what it scores, and what it refuses, whatever is typed."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.end_to_end.test_fuzz_commands import VALUES, check, place  # noqa: F401 - `place` is a fixture

import pushforward as pf
from pushforward.kernels import Denoise, Gaussian


def test_forecast_writes_what_the_python_forecast_says(folder, run):
    ran = run(
        "forecast", "data.npz", "--quantity", "path-length", "--scale", 0.05, "--json", "f.json", "--seed", 3
    )
    assert ran.code == 0, ran.err
    record = json.loads((folder / "f.json").read_text())
    made = pf.forecast(Gaussian(0.05), pf.read("data.npz"), "path-length", seed=3)
    assert record == json.loads(made.to_text())
    assert {"grid", "expected", "forecast", "low", "high", "gains", "losses", "scale"} <= set(record)
    assert str(made) in ran.out


def test_without_a_scale_the_forecast_is_a_dose_response(folder, run):
    ran = run("forecast", "data.npz", "--tolerance", 0.5, "--json", "f.json", "--plot", "dose.png")
    assert ran.code == 0, ran.err
    record = json.loads((folder / "f.json").read_text())
    assert record["quantity"] == "path-length"
    assert record["scales"] == list(Gaussian.scales)
    kept = record["tolerance"]["value"]
    w1 = dict(zip(record["scales"], record["w1"], strict=True))
    assert all((w1[scale]["value"] <= 0.5) == (scale <= kept) for scale in w1)
    assert f"kept up to scale {kept:.4g}" in ran.out
    assert (folder / "dose.png").read_bytes().startswith(b"\x89PNG")


def test_a_forecast_is_scored_against_a_saved_audit(folder, run):
    run("audit", "made.npz", "--against", "data.npz", "--quantity", "path-length", "--json", "a.json")
    arguments = ("--quantity", "path-length", "--scale", 0.3, "--audit", "a.json", "--plot", "f.svg")
    ran = run("forecast", "data.npz", *arguments, "--json", "f.json")
    assert ran.code == 0, ran.err
    scores = json.loads((folder / "f.json").read_text())["skill"]["scores"]
    assert scores["skill"]["low"] <= scores["skill"]["value"] <= scores["skill"]["high"]
    assert "another seed" not in ran.out
    assert "a fresh sample of the data" in ran.out
    assert "generated" in (folder / "f.svg").read_text()


def test_kernels_are_spelled_and_listed(folder, run):
    ran = run(
        "forecast", "data.npz", "--kernel", "spectral(correlation=3, scale=0.1)", "--quantity", "displacement"
    )
    assert ran.code == 0, ran.err
    assert "spectral(scale=0.1, correlation=3)" in ran.out
    assert "gaussian" in run("list", "kernels").out


def test_a_kernel_that_asks_a_model_takes_a_run(folder, run):
    small = ("--steps", 2, "--widths", 8, "--blocks", 1, "--batch-size", 8)
    assert run("train", "data.npz", "-o", "run", *small).code == 0
    asked = ("--quantity", "path-length", "--kernel", "denoise(solver_steps=4)", "--run", "run")
    ran = run("forecast", "data.npz", *asked, "--scale", 0.5, "--json", "f.json", "--seed", 3)
    assert ran.code == 0, ran.err
    kernel = Denoise(scale=0.5, run="run", solver_steps=4)
    made = pf.forecast(kernel, pf.read("data.npz"), "path-length", seed=3)
    assert json.loads((folder / "f.json").read_text()) == json.loads(made.to_text())


def test_a_pilot_is_trained_and_accounted_for(folder, run):
    asked = ("--quantity", "path-length", "--kernel", "pilot(steps=40)", "--generator", "mlp")
    ran = run("forecast", "data.npz", *asked, "--json", "f.json")
    assert ran.code == 0, ran.err
    assert "% of the training's FLOPs" in ran.out
    record = json.loads((folder / "f.json").read_text())
    assert record["pilot"]["share"] <= 0.05
    assert record["scale"] == 0.5


def test_the_datas_own_quantity_is_forecast(folder, run):
    assert run("simulate", "logistic-map", "-n", 80, "-o", "l.npz").code == 0
    assert "logistic-map-r" in run("forecast", "l.npz", "--scale", 0.02).out


def test_quiet_prints_nothing(folder, run):
    ran = run("forecast", "data.npz", "--scale", 0.02, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.npz",), "no such file"),
        (("data.npz", "--scale", "0.1", "--scales", "0.1"), "expected one of them"),
        (("data.npz", "--scale", "0.1", "--tolerance", "1"), "--tolerance: asks for the largest scale"),
        (("data.npz", "--audit", "made.npz"), "--audit: scores one forecast"),
        (("data.npz", "--scale", "0.1", "--audit", "made.npz"), "expected a file made by `audit --json`"),
        (("data.npz", "--scale", "0.1", "--plot", "f.pdf"), "expected .png or .svg"),
        (("data.npz", "--scale", "0.1", "--json", "data.npz"), "would overwrite an input"),
        (("data.npz", "--kernel", "gausian"), "did you mean 'gaussian'"),
        (("data.npz", "--kernel", "denoise", "--scale", "1"), "expected generator=, or run="),
        (("data.npz", "--kernel", "denoise", "--run", "data.npz"), "no such folder"),
        (("data.npz", "--kernel", "pilot", "--generator", "gan"), "unknown generator 'gan'"),
        (("data.npz", "--run", "."), "unknown setting of kernel 'gaussian': 'run'"),
        (("data.npz", "--scale", "nan"), "expected a number of at least 0"),
        (("data.npz", "--tolerance", "-1"), "expected a positive number"),
        (("data.npz", "--scale", "0.1", "--range", "2", "1"), "low < high"),
        (("data.npz", "--scale", "0.1", "--group", "storm"), "group: got 'storm'"),
    ],
)
def test_bad_usage_ends_with_one_line_and_exit_code_two(folder, run, arguments, said):
    ran = run("forecast", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


FLAGS = ["--quantity", "--kernel", "--scale", "--scales", "--tolerance", "--intended", "--repeats", "--group", "--bins",
         "--range", "--level", "--audit", "--plot", "--json", "--seed", "--key"]  # fmt: skip
KERNEL_VALUES = [
    "gaussian",
    "spectral",
    "gaussian(scale=0.1)",
    "spectral(correlation=-1)",
    "0.02",
    "f.png",
    "f.json",
]
words = st.sampled_from(FLAGS) | st.sampled_from([*VALUES, *KERNEL_VALUES]) | st.text(max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=6))
def test_forecast_with_any_words(place, arguments):  # noqa: F811
    check(["forecast", "data.npz", *arguments])
