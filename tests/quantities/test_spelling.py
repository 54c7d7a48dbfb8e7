"""Quantities as text on the command line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushforward.errors import InputError
from pushforward.quantities import (
    QUANTITIES,
    AbstractQuantity,
    DominantFrequency,
    KineticEnergy,
    MinimumClearance,
    PathLength,
    TimeInRegion,
    parse,
)
from pushforward.trajectories import Trajectories

MOTION = Trajectories(np.arange(12.0).reshape(2, 3, 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path-length", PathLength()),
        (" path-length ( ) ", PathLength()),
        ("path-length(unit=km)", PathLength(unit="km")),
        ("path-length(unit='km', channels=[x, y])", PathLength(unit="km", channels=("x", "y"))),
        ("path-length(channels=x)", PathLength(channels=("x",))),
        ('path-length(channels=["a, b", "c)"])', PathLength(channels=("a, b", "c)"))),
        ("time-in-region(low=[0,0],high=[1,1])", TimeInRegion((0, 0), (1, 1))),
        ("time-in-region(low=(0,),high=1e3)", TimeInRegion((0,), (1000,))),
        ("time-in-region(low=-inf,high=+.5)", TimeInRegion((-np.inf,), (0.5,))),
        ("minimum-clearance(circles=[0,0,1])", MinimumClearance(circles=((0, 0, 1),))),
        (
            "minimum-clearance(circles=[[0,0,1],[2,2,1]],boxes=[[0,0,1,1]])",
            MinimumClearance(circles=((0, 0, 1), (2, 2, 1)), boxes=((0, 0, 1, 1),)),
        ),
        ("dominant-frequency(method=interpolated)", DominantFrequency(method="interpolated")),
        ("mean-speed(unit=km/h)", QUANTITIES["mean-speed"](unit="km/h")),
        ("mean-acceleration(unit=m/s^2)", QUANTITIES["mean-acceleration"](unit="m/s^2")),
        ("kinetic-energy(mass=2.5)", KineticEnergy(mass=2.5)),
    ],
)
def test_what_is_understood(text, expected):
    assert parse(text) == expected


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
numbers = st.floats(allow_nan=False)


@given(
    st.one_of(
        st.builds(PathLength, channels=st.lists(names, max_size=3).map(tuple)),
        st.builds(PathLength, unit=st.sampled_from(["", "km", "m/s²", "1/h"])),
        st.builds(KineticEnergy, mass=st.floats(1e-300, 1e300)),
        st.builds(DominantFrequency, method=st.sampled_from(["interpolated", "least-squares"])),
        st.lists(st.tuples(numbers, numbers).map(sorted), min_size=1, max_size=3).map(
            lambda box: TimeInRegion([low for low, _ in box], [high for _, high in box])
        ),
        st.builds(
            MinimumClearance,
            circles=st.lists(st.tuples(numbers, numbers, st.floats(0, 1e9)), min_size=1).map(tuple),
        ),
    )
)
def test_every_label_spells_its_quantity(quantity):
    assert parse(quantity.label) == quantity


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a name such as path-length"),
        ("path-lenth", "unknown quantity 'path-lenth'; did you mean 'path-length'"),
        ("PathLength", "unknown quantity"),
        (
            "path-length(uni=km)",
            "unknown setting of quantity 'path-length': 'uni'; did you mean 'unit'? valid: channels, unit",
        ),
        ("path-length(km)", "got 'km'; expected setting=value"),
        ("path-length(unit=km,unit=m)", "expected setting=value once"),
        ("path-length(unit=)", "expected a number, a word or a list"),
        ("path-length(unit=[km)", "do not close"),
        ("path-length(unit='km)", "do not close"),
        ("path-length(unit='k'm')", "do not close"),
        ("path-length(unit='k' 'm)", "do not close"),
        ("path-length(unit=k m)", "expected a number, a word or a list"),
        ("path-length(unit=3)", "expected a word"),
        ("path-length(unit=f(x))", "expected a number, a word or a list"),
        ("path-length)(", "expected a name such as"),
        ("path length", "expected a name such as"),
        ("time-in-region", "needs low and high"),
        ("time-in-region(low=[[[[[[[0]]]]]]],high=1)", "expected a number"),
        ("kinetic-energy(mass=heavy)", "setting 'mass': got 'heavy'; expected a number"),
        ("kinetic-energy(mass=nan)", "expected a number"),
        ("dominant-frequency(method=welch)", "expected one of least-squares, interpolated"),
        ("a:b:c", "expected module:function"),
        ("file.py:f()", "expected module:function"),
        (":f", "expected module:function"),
        ("x" * 5000, "expected a name such as"),
    ],
)
def test_what_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


class TestModuleFunction:
    @pytest.fixture
    def module(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        def write(name, text):
            (tmp_path / f"{name}.py").write_text(text)
            return name

        return write

    def test_a_function_in_the_current_directory(self, module):
        module(
            "own_heights",
            "def top_height(trajectories):\n    return trajectories.values[:, :, 1].max(axis=1)\n"
            "top_height.unit = 'm'\n",
        )
        quantity = parse("own_heights:top_height")
        assert quantity.label == "top-height"
        assert quantity.unit_of(MOTION) == "m"
        assert quantity(MOTION).tolist() == [5, 11]

    def test_a_quantity_or_its_class(self, module):
        module(
            "own_classes",
            "from pushforward.quantities import PathLength\nlength = PathLength(unit='km')\n"
            "class Needy(PathLength.__mro__[1]):\n    pass\n",
        )
        assert parse("own_classes:length") == PathLength(unit="km")
        assert parse("own_classes:PathLength") == PathLength()
        with pytest.raises(InputError, match="expected one that needs no settings"):
            parse("own_classes:Needy")

    @pytest.mark.parametrize(
        ("name", "text", "function", "message"),
        [
            ("own_a", "x = 1", "y", "unknown function in own_a: 'y'"),
            ("own_b", "x = 1", "x", "got int; expected a function of Trajectories"),
            ("own_c", "import not_there_at_all", "f", "no module named 'not_there_at_all' .needed by own_c"),
            ("own_d", "raise SystemExit(0)", "f", "SystemExit"),
            ("own_e", "def f(:", "f", "importing it failed: SyntaxError"),
            ("own_f", "1 / 0", "f", "importing it failed: ZeroDivisionError"),
            ("own_g", "raise ValueError('a\\nb\\x1b[2J')", "f", "importing it failed: ValueError"),
        ],
    )
    def test_what_can_go_wrong_is_one_line(self, module, name, text, function, message):
        module(name, text)
        with pytest.raises(InputError, match=message) as caught:
            parse(f"{name}:{function}")
        assert str(caught.value).isprintable()

    def test_a_missing_module(self):
        with pytest.raises(InputError, match="no module named 'not_there_at_all'"):
            parse("not_there_at_all:f")
        with pytest.raises(InputError, match="no module named 'not_there'"):
            parse("not_there.at.all:f")

    def test_the_path_is_left_as_it_was(self, module):
        import sys

        before = list(sys.path)
        module("own_path", "def f(t):\n    return t.steps\n")
        parse("own_path:f")
        assert sys.path == before


WORDS = st.sampled_from(
    [
        *QUANTITIES,
        "(",
        ")",
        "[",
        "]",
        ",",
        "=",
        "'",
        '"',
        "\\",
        "unit",
        "low",
        "high",
        "km",
        "0",
        "1e999",
        " ",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map("".join)))
@example("path-length(unit='\\')")
@example("path-length(unit='\\ud800')")
@example("time-in-region(low=1e999,high=1e999)")
def test_any_text_is_a_quantity_or_refused(text):
    refused = None
    try:
        quantity = parse(text)
    except InputError as error:
        refused = str(error)
    assert refused.isprintable() if refused else isinstance(quantity, AbstractQuantity)
