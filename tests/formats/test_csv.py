"""Delimited text: every fault is told with its line and column."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import batches, read

ROWS = [("id", "time [h]", "x [m]", "y"), ("a", 0, 1, 2), ("a", 0.5, 3, 4), ("b", 0, 5, 6), ("b", 0.5, 7, 8)]


def table(path, rows=ROWS, delimiter=",", newline="\n", encoding="utf-8"):
    text = newline.join(delimiter.join(map(str, row)) for row in rows) + newline
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiters_newlines_and_marks(tmp_path, delimiter, newline, encoding):
    found = read(table(tmp_path / "a.txt", delimiter=delimiter, newline=newline, encoding=encoding))
    assert (found.channels, found.units, found.dt, found.time_unit) == (("x", "y"), ("m", ""), 0.5, "h")
    assert found.values[1].tolist() == [[5, 6], [7, 8]]


def test_quotes_spaces_integers_and_text_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"storm","t","note, of mine"," v "\n"A, B",0,hello, 1\n"A, B",1,"x, y",2.5\n')
    found = read(path)
    assert found.channels == ("v",)
    assert found.values[0, :, 0].tolist() == [1, 2.5]


def test_a_column_that_starts_with_integers_may_go_on_with_fractions(tmp_path):
    rows = [("id", "t", "x"), *((0, k, k) for k in range(200_000)), (0, 200_000, 0.5)]
    path = table(tmp_path / "a.csv", rows)
    assert path.stat().st_size > 1 << 21
    assert read(path).values[0, -1, 0] == 0.5


def test_dates_are_times(tmp_path):
    rows = [("id", "date", "x"), (1, "2020-01-01 00:00:00", 1), (1, "2020-01-01 06:00:00", 2)]
    assert read(table(tmp_path / "a.csv", rows)).dt == 21600


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("b", 1, "seven", 8), "line 6, column 'x \\[m\\]': got 'seven'; expected a number"),
        (("b", 1, 7), "line 6: got 3 columns; expected 4"),
        (("b", 1, 7, 8, 9), "line 6: got 5 columns; expected 4"),
        (("b", "late", 7, 8), "line 6, column 'time \\[h\\]': got 'late'"),
        (("b", 2, 7, 8), "trajectory b: times are not regular: step 1 lasts 1.5; expected 0.5"),
        (("b", 1, "", 8), r"NaN or infinity, first at index \(1, 2, 0\)"),
        (("b", 1, "inf", 8), r"NaN or infinity, first at index \(1, 2, 0\)"),
        (("b", "", 7, 8), "trajectory b: time is missing or not finite at row 2"),
        (("a", 1, 7, 8), "rows of trajectory a are not together"),
        (("b", 1, 7, "\x1b[2J"), r"got '\\\\x1b\[2J'; expected a number"),
    ],
)
def test_faults_are_told_with_line_and_column(tmp_path, row, message):
    path = table(tmp_path / "a.csv", [*ROWS, row])
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_lines_are_counted_in_later_blocks_too(tmp_path):
    rows = [("id", "t", "x"), *((0, k, k) for k in range(150_000)), (0, 150_000, "oops")]
    with pytest.raises(InputError, match="line 150002, column 'x': got 'oops'"):
        read(table(tmp_path / "a.csv", rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1,2,3\n4,5,6\n", "line 1: got only numbers; expected a header"),
        (b"one column\n1\n", "line 1: got 1 columns; expected 2 to"),
        (b"id,time,x\n", "a header and no rows"),
        (b"id,time,x\n\n\n", "a header and no rows"),
        (b"id,time,\xff\n0,0,0\n", "line 1: not UTF-8 text"),
        (b"id,time,x,x\n0,0,0,0\n", "duplicate names"),
        (b"time,x\n0,0\n", "no id column among time, x; expected one named id, trajectory"),
        (b"id,x\n0,0\n", "no time column among id, x; expected one named time"),
        (b"id,time,name\n0,0,bob\n", "no numeric column"),
        (b"id,time,x\n\xff,0,0\n", "UTF-8"),
        (b"id,time,x\n" + b"0" * 3_000_000, "a.csv"),
        (b"id,time," + b"x," * 10_000 + b"\n", "expected 2 to 4096"),
    ],
)
def test_bad_text_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_bytes(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.csv", format="csv")


def test_numbers_are_read_exactly(tmp_path):
    values = np.random.default_rng(0).normal(size=(3, 4)).astype("f4")
    rows = [("id", "t", "x"), *((i, k, repr(float(values[i, k]))) for i in range(3) for k in range(4))]
    assert np.array_equal(read(table(tmp_path / "a.csv", rows)).values[:, :, 0], values)


def test_groups_and_single_rows(tmp_path):
    rows = [("id", "t", "x", "group"), (1, 0, 1, "g"), (2, 0, 1, "h"), (3, 0, 1, "h"), (3, 2, 1, "h")]
    path = table(tmp_path / "a.csv", rows)
    assert read(path).groups.tolist() == ["g", "h", "h"]
    assert [part.dt for part in batches(path, 1)] == [2, 2, 2]
