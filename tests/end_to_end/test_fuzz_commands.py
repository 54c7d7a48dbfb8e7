"""Whatever is typed, a command ends with 0, 1 or 2 and at most one line of error; it never shows a traceback."""

import contextlib
import io
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.end_to_end.conftest import walks

import pushforward as pf
from pushforward.cli import main
from pushforward.commands import COMMANDS

FLAGS = [
    "--against", "--quantity", "--intended", "--tolerance", "--group", "--bins", "--range", "--resamples", "--level",
    "--seed", "--json", "--quiet", "--report", "--channels", "--dt", "--drop-invalid", "--min-length", "--max-length",
    "--key", "--format", "--generator", "--resume", "--widths", "-o", "--T", "--sampler", "--help", "--what",
]  # fmt: skip
VALUES = [
    "data.npz", "made.npz", "text.npz", "cut.npz", ".", "..", "nowhere/x.npz", "/dev/null", "path-length",
    "path-length(unit=km)", "path-length(", "displacement", "os:getcwd", "os:path", "json:loads", "uniform(1,2)",
    "normal(0,1)", "x", "y", "none", "npz", "csv", "0", "1", "-1", "2", "0.5", "1e309", "nan", "inf", "99999999999999",
    "path-length=0.5", "diffusion", "logistic-map", "quantities", "", " ", "\x1b[2J", "\N{GREEK SMALL LETTER SIGMA}",
]  # fmt: skip
words = st.sampled_from(FLAGS) | st.sampled_from(VALUES) | st.text(max_size=8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    pf.write(folder / "data.npz", walks(20, 0))
    pf.write(folder / "made.npz", walks(20, 1))
    (folder / "text.npz").write_text("id,t,x\n1,2\n")
    (folder / "cut.npz").write_bytes((folder / "data.npz").read_bytes()[:300])
    before = os.getcwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def check(arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    assert code in (0, 1, 2), arguments
    if code == 2:
        errors = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, (arguments, err.getvalue())
        assert "Traceback" not in err.getvalue()
        assert "\x1b[2J" not in err.getvalue()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["audit", "report", "list"]), st.lists(words, max_size=8))
def test_commands_with_any_words(place, command, arguments):
    check([command, *arguments])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=6))
def test_audits_of_real_files_with_any_further_words(place, arguments):
    check(["audit", "made.npz", "--against", "data.npz", "--resamples", "99", *arguments])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=5))
def test_small_trainings_and_simulations_with_any_further_words(place, arguments):
    small = ["--steps", "1", "--batch-size", "2"]
    check(["train", "data.npz", "-o", "run", *arguments, *small, "--widths", "4"])
    check(["simulate", "logistic-map", "-o", "s.npz", *arguments, "-n", "5"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*COMMANDS, *FLAGS[-1:]]) | st.text(max_size=5), max_size=3))
def test_any_first_word(place, arguments):
    if arguments[:1] not in (["demo"],):
        check(arguments)
