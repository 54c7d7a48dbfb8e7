"""What the figures draw."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from pushforward import Trajectories
from pushforward.report.distribution import distribution, drawable
from pushforward.report.figures import file_name, trajectories
from pushforward.report.overview import overview, overview_text
from pushforward.report.style import GAIN, LOSS, svg
from pushforward.report.trajectories import gather


def marks(figure) -> dict[str, np.ndarray]:
    """(n, 2) places of the marks by legend label."""
    found = [artist for artist in figure.axes[0].collections if isinstance(artist, PathCollection)]
    return {artist.get_label(): np.asarray(artist.get_offsets()) for artist in found}


class TestDistribution:
    def test_marks_stand_exactly_over_significant_bins(self, example):
        quantity = example.audit()["mean-speed"]
        bins = quantity.bins
        centers = (bins.edges[:-1] + bins.edges[1:]) / 2
        drawn = marks(distribution(quantity))
        np.testing.assert_allclose(drawn["significant gain"][:, 0], centers[bins.gain[1:-1] == 1])
        assert "significant loss" not in drawn

    def test_gains_and_losses_differ_by_shape_hatch_and_colour(self, example):
        quantity = example.audit()["mean-speed"]
        gain = quantity.bins.gain.copy()
        gain[5:8] = -1
        figure = distribution(
            dataclasses.replace(quantity, bins=dataclasses.replace(quantity.bins, gain=gain))
        )
        found = {a.get_label(): a for a in figure.axes[0].collections if isinstance(a, PathCollection)}
        up, down = found["significant gain"], found["significant loss"]
        assert up.get_paths()[0].vertices.tolist() != down.get_paths()[0].vertices.tolist()
        assert {bar.get_hatch() for bar in figure.axes[0].patches} >= {"////", "\\\\\\\\"}
        text = svg(figure)
        assert GAIN in text
        assert LOSS in text

    def test_axes_carry_name_and_unit(self, example):
        figure = distribution(example.audit()["mean-speed"])
        assert figure.axes[1].get_xlabel() == "mean-speed (km/h)"
        assert figure.axes[0].get_ylabel() == "trajectories per bin (%)"

    def test_mass_beyond_the_grid_is_noted(self, example):
        quantity = example.one(np.linspace(0, 3, 400), np.linspace(0, 2, 400), range=(0.5, 2.0)).quantities[0]
        notes = [text.get_text() for text in distribution(quantity).axes[0].texts]
        assert any("below" in note for note in notes)
        assert any("above" in note for note in notes)

    def test_empty_ends_are_cut_and_many_bins_merged_without_losing_mass(self, example):
        rng = np.random.default_rng(0)
        audit = example.one(
            rng.normal(size=3000), rng.normal(size=3000), bins=1000, subdivisions=1, range=(-20, 20)
        )
        bins = audit.quantities[0].bins
        drawn = drawable(bins)
        assert len(drawn.edges) <= 121
        assert drawn.edges[0] > -20
        assert drawn.edges[-1] < 20
        for name in ("expected", "made"):
            assert getattr(drawn, name).sum() == pytest.approx(getattr(bins, name).sum())
        assert (drawn.low <= drawn.made + 1e-12).all()
        assert (drawn.high >= drawn.made - 1e-12).all()


class TestOverview:
    def test_rows_and_scale(self, example):
        audit = example.audit()
        figure = overview(audit.quantities)
        assert [text.get_text() for text in figure.axes[0].texts] == [
            "≠ path-length",
            "≠ mean-speed",
            "○ duration",
        ]
        speed = audit["mean-speed"]
        points = [line.get_xdata()[0] for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
        assert points[1] == pytest.approx(speed.mean_shift.value / speed.std_expected)

    def test_without_a_scale_it_says_so(self, example):
        flat = dataclasses.replace(example.audit().quantities[0], std_expected=0.0)
        assert "no scale" in overview_text([flat])
        assert "not defined" in [text.get_text() for text in overview([flat, flat]).axes[0].texts]


class TestTrajectories:
    def test_storms_are_drawn_on_a_map_without_jumps_at_the_date_line(self, example):
        batch = example.storms(3, n=300)
        assert np.abs(np.diff(batch.values[..., 1], axis=1)).max() > 300
        view, (tracks,) = gather([batch], seed=0)
        assert view.kind == "map"
        assert len(tracks) == 40
        assert max(np.abs(np.diff(track[:, view.rows[0][0]])).max() for track in tracks) < 30
        assert view.hidden == ("wind",)

    def test_both_conventions_of_longitude_share_one_map(self, example):
        west = example.storms(0)
        values = west.values.copy()
        values[..., 1] %= 360
        view, (first, second) = gather([west, west.with_values(values)], seed=0)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(one[:, 2], other[:, 2], atol=1e-3)
        assert view.limits[0][0][1] - view.limits[0][0][0] < 200

    def test_radians_become_degrees(self):
        values = np.radians(np.linspace([[10.0, 20.0]], [[30.0, 60.0]], 5).transpose(1, 0, 2))
        batch = Trajectories(values=values, channels=("lat", "lon"), units=("rad", "rad"))
        view, (tracks,) = gather([batch], seed=0)
        np.testing.assert_allclose(tracks[0][[0, -1], 1:], [[10, 20], [30, 60]], rtol=1e-5)
        assert view.labels == (("longitude (°)", "latitude (°)"),)

    @pytest.mark.parametrize(
        ("channels", "kind", "rows"),
        [
            (("x", "y"), "plane", 1),
            (("x0", "x1"), "plane", 1),
            (("pos_x", "pos_y", "speed"), "plane", 1),
            (("vx", "y", "x"), "plane", 1),
            (("angle", "momentum"), "time", 2),
            (("x0",), "time", 1),
            (("a", "b", "c", "d", "e", "f"), "time", 4),
        ],
    )
    def test_the_view_follows_the_channels(self, channels, kind, rows):
        batch = Trajectories(
            values=np.random.default_rng(0).normal(size=(6, 9, len(channels))), channels=channels
        )
        view, _ = gather([batch], seed=0)
        assert (view.kind, len(view.rows)) == (kind, rows)

    def test_lengths_are_respected_and_long_tracks_thinned_to_their_ends(self):
        values = np.arange(1000.0)[None, :, None].repeat(3, 0)
        batch = Trajectories(values=values, lengths=[1, 10, 1000])
        _, (tracks,) = gather([batch], seed=0)
        assert [track[-1, 1] for track in tracks] == [0, 9, 999]
        assert [len(track) for track in tracks] == [1, 10, 72]

    def test_the_choice_is_the_seeds(self):
        batch = Trajectories(values=np.arange(500.0)[:, None, None])
        chosen = [[track[0, 1] for track in gather([batch], seed=seed)[1][0]] for seed in (0, 0, 1)]
        assert chosen[0] == chosen[1]
        assert chosen[0] != chosen[2]
        assert len(set(chosen[0])) == 40

    def test_a_runaway_trajectory_does_not_flatten_the_reference(self):
        rng = np.random.default_rng(0)
        real = Trajectories(values=rng.normal(size=(20, 9, 1)))
        values = rng.normal(size=(20, 9, 1))
        values[0, -1] = 1e30
        view, _ = gather([real, Trajectories(values=values)], seed=0)
        assert view.clipped
        assert view.limits[0][1][1] < 100

    def test_panels_share_their_axes(self, example):
        figure = trajectories(example.storms(1, wobble=0.5), example.storms(0), seed=0)
        real, made = figure.axes
        assert (real.get_title(loc="left"), made.get_title(loc="left")) == ("real", "generated")
        assert real.get_xlim() == made.get_xlim()
        assert real.get_ylim() == made.get_ylim()

    def test_nothing_to_show(self):
        assert trajectories(None, None) is None

    def test_different_channels_show_only_the_generated(self, example):
        figure = trajectories(Trajectories(values=np.zeros((3, 4, 1))), example.storms(0))
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["generated"]

    def test_an_empty_batch_says_so(self, example):
        figure = trajectories(example.storms(0).select([]), example.storms(0))
        assert "no trajectories" in [text.get_text() for text in figure.axes[1].texts]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("path-length", "path-length"),
        ("path-length(unit=km)", "path-length-unit-km"),
        ("../../etc/passwd", "etc-passwd"),
        ("Énergie mécanique", "energie-mecanique"),
        ("\u202e\x00", "figure"),
        ("a" * 500, "a" * 60),
    ],
)
def test_file_names(text, name):
    assert file_name(text) == name
