"""Every key of a TOML document is found on the line where it stands."""

import tomllib

import pytest

from pushforward.study.toml_lines import TomlLines

DOCUMENT = '''# a study
title = "x = [[no]]"  # not = this
seeds = [
  0, # [first]
  1,
]

[[system]]
name = "logistic-map" # "quoted [ # "
parameters = { burn_in = 5, "a b".deep = [1,
   2], last = """
   key = 3
""" }
grid.T = [32,
  64]

[[system]]
text = """
[[system]]
name = "within a text"
"""
'quoted key' = 'b'
[system.sub]
z = 1
[audit]
tolerance = {"path-length" = 0.1}
 [[ generator ]]
list = [ {a = 1},
  {b = 2} ]'''


def paths(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from paths(item, (*path, i))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_key_is_on_a_line_that_names_it(ending):
    text = DOCUMENT.replace("\n", ending)
    lines, rows = TomlLines(text), text.split(ending)
    found = list(paths(tomllib.loads(text)))
    assert len(found) > 20
    for path in found:
        line = lines.of(path)
        assert line is not None, path
        assert str(path[-1]) in rows[line - 1], (path, line)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("system", 0, "name"), 9),
        (("system", 0, "parameters", "last"), 11),
        (("system", 1, "quoted key"), 22),
        (("system", 1, "sub", "z"), 24),
        (("generator", 0, "list", 1, "b"), 29),
        (("seeds", 1), 5),
    ],
)
def test_lines_are_counted_through_texts_comments_and_lists(path, line):
    assert TomlLines(DOCUMENT).of(path) == line


def test_what_is_not_written_down_has_the_line_of_what_would_hold_it():
    lines = TomlLines(DOCUMENT)
    assert lines.of(("system", 1, "intended")) == lines.of(("system", 1)) == 17
    assert lines.of(("nothing",)) is None
    assert TomlLines("").of(("a",)) is None
