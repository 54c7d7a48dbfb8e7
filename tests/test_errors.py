"""Errors are one line that names what was wrong, what was got and what was expected."""

import pytest

from pushforward.errors import InputError, named, printable


def test_an_unknown_name_close_to_a_valid_one_is_suggested_it():
    error = named("quantity", "path-lenght", ["path-length", "displacement"])
    assert str(error) == (
        "unknown quantity 'path-lenght'; did you mean 'path-length'? valid: displacement, path-length"
    )


def test_an_unknown_name_close_to_none_is_told_the_valid_ones():
    assert str(named("array", "velocity", ["values", "dt"])) == "unknown array 'velocity'; valid: dt, values"


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "x" * 5000])
def test_names_from_others_stay_on_one_short_line(name):
    message = str(named("channel", name, [name + "1", *(f"c{i}" for i in range(500))]))
    assert message.isprintable()
    assert len(message) < 1000


def test_an_error_is_one_bounded_line_whatever_it_is_told():
    assert str(InputError("a\nb\x00" + "c" * 9000)) == printable("a\nb\x00" + "c" * 9000, longest=2000)
    assert "\n" not in str(InputError("a\nb"))
