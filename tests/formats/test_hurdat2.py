"""HURDAT2: a small file by hand, and known facts of the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pushforward import InputError
from pushforward.formats import read
from pushforward.formats.hurdat2 import longest_run, storms

REAL = Path(__file__).parents[3] / "shared" / "data" / "hurdat2-nepac-1949-2013.txt"


@pytest.fixture
def file(tmp_path, hurdat2_text):
    path = tmp_path / "storms.dat"
    path.write_text(hurdat2_text)
    return path


def test_channels_units_and_time(file):
    found = read(file)
    assert found.channels == ("latitude", "longitude", "wind")
    assert found.units == ("deg", "deg", "knots")
    assert (found.dt, found.time_unit) == (6.0, "h")
    assert (found.groups.tolist(), found.group_name) == (["EP011949", "CP021950"], "storm")
    assert found.values[0, 0].tolist() == pytest.approx([20.2, -106.3, 45])


def test_records_off_the_synoptic_hours_are_left_out(file):
    assert read(file).steps[0] == 3
    assert 50 not in read(file).values[0, :, 2]


def test_the_longest_run_without_a_gap_is_kept(file):
    assert read(file).steps[1] == 4


def test_longitude_is_continuous_across_the_date_line(file):
    assert read(file).values[1, :, 1].tolist() == pytest.approx([-179.0, -179.6, -180.3, -181.0], abs=1e-4)


def test_a_storm_that_starts_west_of_the_date_line_is_on_the_same_branch_as_the_others(file, hurdat2_text):
    file.write_text(hurdat2_text.replace("N, 179.0W,", "N, 179.0E,").replace("N, 179.6W,", "N, 178.4E,"))
    longitude = read(file).values[1, :, 1]
    assert ((longitude > -280) & (longitude < 80)).all()
    assert np.abs(np.diff(longitude)).max() < 180


def test_a_missing_wind_makes_a_storm_invalid(file, hurdat2_text):
    for missing in ("-99", "-999", ""):
        file.write_text(hurdat2_text.replace("N, 179.0W,  60", f"N, 179.0W,{missing:>4}"))
        with pytest.raises(
            InputError, match=r"1 of 2 trajectories hold NaN or infinity, first at index \(1, 0, 2\)"
        ):
            read(file)
        found = read(file, drop_invalid=True)
        assert (found.groups.tolist(), found.n_dropped) == (["EP011949"], 1)
        assert len(read(file, channels=("latitude", "longitude"))) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("19490611, 0600", "19491311, 0600", "line 3: got date '19491311'; expected YYYYMMDD"),
        ("20.2N, 106.4W", "20.2X, 106.4W", "line 3: got '20.2X'; expected degrees with N or S"),
        ("20.2N, 106.4W", "99.2N, 106.4W", "line 3: got '99.2N'"),
        ("106.4W,  45", "106.4W,  xx", "line 3: got wind 'xx'; expected knots"),
        ("UNNAMED,      4", "UNNAMED,      3", "line 5: got '19490611, 1200,"),
        (
            "WALLY,      5",
            "WALLY,      7",
            "line 12: the file ends within storm CP021950; expected 7 records",
        ),
        ("19490611, 0600,", "19490611;", "line 3: got 20 fields|line 3: got time"),
        ("19490611, 0600", "19490611, 06h0", "line 3: got time '06h0'"),
    ],
)
def test_faults_are_told_with_their_line(file, hurdat2_text, old, new, message):
    file.write_text(hurdat2_text.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        read(file)
    assert str(file) in str(caught.value)


@pytest.mark.skipif(not REAL.is_file(), reason="the storm tracks of ../shared/data are not here")
def test_known_facts_of_the_northeast_pacific_1949_to_2013():
    with REAL.open("rb") as stream:
        found = list(storms(stream))
    assert len(found) == 998
    assert sum(len(storm.hours) >= 20 for storm in found) == 561
    gaps = [storm.name for storm in found if len(longest_run(storm).hours) < len(storm.hours)]
    assert gaps == ["CP012009", "EP142013"]
    tracks = read(REAL)
    assert len(tracks) == 998
    assert len(read(REAL, min_length=20)) == 560
    assert len(set(tracks.groups)) == 998
    jumps = np.abs(np.diff(tracks.values[:, :, 1], axis=1)).max()
    assert jumps < 6
    assert (tracks.values[:, :, 1].min() < -180) or (tracks.values[:, :, 1].max() > 180)
    assert 150 <= tracks.values[:, :, 2].max() <= 200
    assert tracks.values[:, :, 0].min() >= 0
