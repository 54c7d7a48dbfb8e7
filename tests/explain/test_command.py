"""`pushforward explain`: what it writes and what it refuses."""

import json

import pytest
from tests.end_to_end.conftest import folder, run  # noqa: F401 - fixtures

import pushforward as pf
from pushforward.kernels import Gaussian


def test_it_writes_what_the_python_explanation_says(folder, run):  # noqa: F811
    ran = run(
        "explain", "data.npz", "--quantity", "path-length", "--scale", 0.05, "--json", "e.json", "--seed", 3
    )
    assert ran.code == 0, ran.err
    made = pf.explain(Gaussian(0.05), pf.read("data.npz"), "path-length", seed=3)
    assert json.loads((folder / "e.json").read_text()) == json.loads(made.to_text())
    assert str(made) in ran.out


def test_it_writes_a_page(folder, run):  # noqa: F811
    ran = run("explain", "data.npz", "--scale", 0.05, "--by", "time", "channels", "-o", "e.html", "--quiet")
    assert (ran.code, ran.out) == (0, "")
    page = (folder / "e.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "by channels" in page
    assert "by frequency" not in page
    assert "sha256" in page
    assert "<script" not in page


def test_parts_can_be_left_out(folder, run):  # noqa: F811
    ran = run("explain", "data.npz", "--kernel", "spectral(scale=0.1, correlation=3)", "--by", "none")
    assert ran.code == 0, ran.err
    assert "Shapley" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data.npz",), "--scale: gaussian has none"),
        (("data.npz", "--scale", 0.1, "--by", "colour"), "--by: got colour"),
        (("data.npz", "--scale", 0.1, "--by", "none", "time"), "none alone"),
        (("data.npz", "--scale", 0.1, "--kernel", "gauss"), "did you mean 'gaussian'"),
        (("data.npz", "--scale", 0.1, "--sample", 1), "sample: got 1"),
        (("data.npz", "--scale", -1), "expected a number of at least 0"),
        (("data.npz", "--scale", 0.1, "-o", "data.npz"), "data.npz"),
        (("nothing.npz", "--scale", 0.1), "no such file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(folder, run, arguments, said):  # noqa: F811
    before = sorted(folder.iterdir())
    ran = run("explain", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before
