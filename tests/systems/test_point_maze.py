"""PointMaze: real physics, the same demonstrations; and it confirms the maze in NumPy."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import PathLength
from pushforward.systems import Maze, PointMaze, create


@pytest.fixture
def physics():
    pytest.importorskip("mujoco", reason="needs the extra [mujoco]")
    pytest.importorskip("gymnasium_robotics", reason="needs the extra [mujoco]")


@pytest.mark.usefixtures("physics")
class TestPhysics:
    @pytest.mark.parametrize("layout", ["umaze", "medium", "large"])
    def test_executed_lengths_are_the_wanted_ones_and_no_wall_is_touched(self, layout):
        maze = PointMaze(layout=layout, tolerance=0)
        made = maze.sample(25, Intended.parse(maze.default_intended), seed=1)
        np.testing.assert_allclose(PathLength()(made), made.quantity, rtol=1e-6)
        assert maze.valid(made).all()
        difference = made.quantity - made.conditions["planned_length"]
        assert 0 < np.abs(difference).max() < 1.5

    def test_away_from_walls_numpy_and_mujoco_agree(self):
        known, real = Maze(layout="medium"), PointMaze(layout="medium")
        lengths = np.linspace(3, 20, 12)
        periods = real.control_periods(0.25)
        assert periods == known.control_periods(0.25)
        routes = known.graph.routes(lengths, 0.5, 0.1, np.random.default_rng(0))
        reference = routes.reference(lengths, 63 * periods + 1)
        paths = [maze.execute(reference, periods, 0.25) for maze in (known, real)]
        clear = known.walls.clear(paths[0][..., 0].copy().view(float).reshape(12, 64, 2), 0.11)
        assert clear.sum() >= 6
        np.testing.assert_allclose(paths[1][clear], paths[0][clear], rtol=0, atol=1e-8)

    def test_walls_stop_the_ball(self):
        # The set point goes straight up through the wall of the U's middle, into the other arm.
        part = np.linspace(0, 1, 16)
        reference = (-1j + 2j * np.pad(part, (0, 15), mode="edge"))[None]
        real, known = (
            maze.execute(reference, 1, 0.05)[0, -1, 0]
            for maze in (PointMaze(layout="umaze"), Maze(layout="umaze"))
        )
        assert known.imag > 0.9
        assert real.imag < -0.55

    def test_the_same_seed_gives_the_same_bytes_and_no_demonstration_depends_on_those_before(self):
        maze = PointMaze(layout="umaze")
        one, two = (maze.sample(6, Intended.uniform(2, 6), seed=7) for _ in range(2))
        assert one.values.tobytes() == two.values.tobytes()
        assert one.equals(two)

    def test_a_dt_that_is_no_multiple_of_the_time_step(self):
        with pytest.raises(
            InputError, match=r"got dt = 0.125 s; expected a multiple of MuJoCo's time step, 0.01 s"
        ):
            PointMaze().sample(2, [5.0], dt=0.125)

    def test_forces_are_held_for_whole_time_steps(self):
        assert PointMaze().control_periods(0.07) == 7
        assert PointMaze().control_periods(0.08) == 2
        assert PointMaze(control=0.01).control_periods(0.25) == 25

    def test_it_leaves_no_file_and_says_nothing(self, capfd):
        models = set(Path(tempfile.gettempdir()).glob("ant_maze*"))
        PointMaze(layout="umaze").sample(1, [3.0])
        assert set(Path(tempfile.gettempdir()).glob("ant_maze*")) <= models
        assert capfd.readouterr() == ("", "")


class TestRefusals:
    def test_without_the_extra_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "mujoco", None)
        with pytest.raises(
            InputError, match=r"mujoco is missing; install the extra: pip install 'pushforward\[mujoco\]'"
        ):
            PointMaze().sample(2, [5.0])

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"layout": "generated"}, "expected one of umaze, medium, large"),
            ({"max_speed": 6}, "got max_speed 6; expected at most the environment's 5 m/s"),
            ({"jitter": -0.1}, "got jitter -0.1"),
        ],
    )
    def test_parameters_that_do_not_fit(self, parameters, message):
        with pytest.raises(InputError, match=message):
            create("point-maze", **parameters)
