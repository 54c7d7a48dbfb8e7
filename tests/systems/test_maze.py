"""The maze: paths keep clear of the walls, and their executed lengths follow the intended law."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import Displacement, PathLength, default_for
from pushforward.systems import Maze, create
from pushforward.systems.maze_layouts import LAYOUTS, generated, parsed
from pushforward.systems.maze_walls import Walls
from pushforward.trajectories import Trajectories

UNIFORM = Intended.uniform(2, 12)


@pytest.fixture(scope="module")
def large():
    return Maze().sample(1000, Intended.parse(Maze().default_intended), seed=1)


def crossings(walls, values, radius, pieces=200):
    """Of trajectories, by brute force: whether any of many points on its segments is nearer than radius to a wall."""
    part = np.linspace(0, 1, pieces)[:, None, None]
    xy = values[:, None, :-1, :2] * (1 - part) + values[:, None, 1:, :2] * part
    centres = walls.centres(np.argwhere(walls.cells))
    nearest = np.full(len(values), np.inf)
    for centre in centres:
        outside = np.maximum(np.abs(xy - centre) - 0.5, 0)
        nearest = np.minimum(nearest, np.sqrt((outside**2).sum(-1)).min(axis=(1, 2)))
    return nearest < radius


class TestTruth:
    def test_path_length_of_float32_is_the_true_length(self, large):
        np.testing.assert_allclose(PathLength()(large), large.quantity, rtol=1e-6)
        assert default_for(large) == [PathLength()] == [Maze().quantity]

    @pytest.mark.slow
    def test_of_100_000_demonstrations_none_touches_a_wall(self):
        maze = Maze(tolerance=0)
        made = maze.sample(100_000, Intended.uniform(4, 24), seed=3)
        assert maze.valid(made).all()

    def test_planned_routes_are_about_as_long_as_executed_paths(self, large):
        difference = large.quantity - large.conditions["planned_length"]
        assert np.abs(difference).max() < 1.5
        assert np.abs(difference).mean() < 0.2

    def test_every_demonstration_starts_at_rest_and_comes_to_rest(self, large):
        speed = np.hypot(large.values[..., 2], large.values[..., 3])
        assert (speed[:, 0] == 0).all()
        assert speed[:, -1].max() < 0.3
        assert np.median(speed.max(axis=1)) > 0.5


class TestRoutes:
    def test_without_detours_routes_are_shortest(self):
        direct = Maze(layout="large", detours=0).sample(300, Intended.uniform(8, 12), seed=4)
        winding = Maze(layout="large", detours=1).sample(300, Intended.uniform(8, 12), seed=4)
        graph = Maze().graph

        def hops(made):
            places = [made.values[:, t, :2].astype(float) for t in (0, -1)]
            cells = [np.argmin(((p[:, None] - graph.centres) ** 2).sum(-1), axis=1) for p in places]
            return graph.hops[cells[0], cells[1]]

        # A route of jittered, rounded corners differs from its number of cells by about one at each end.
        assert (hops(direct) > direct.quantity - 1).all()
        assert (hops(winding) < winding.quantity - 1).mean() > 0.3

    def test_in_the_u_a_long_path_turns_back(self):
        made = Maze(layout="umaze").sample(100, [11.5], seed=5)
        assert (Displacement()(made) < 6).all()

    def test_the_graph_knows_distances(self):
        graph = Maze(layout="umaze").graph
        assert len(graph.centres) == 7
        assert graph.longest == 6
        np.testing.assert_array_equal(graph.hops[:-1], graph.hops[:-1].T)


class TestLayouts:
    @pytest.mark.parametrize(
        ("name", "shape", "open_cells"),
        [("umaze", (5, 5), 7), ("medium", (8, 8), 26), ("large", (9, 12), 46)],
    )
    def test_named_ones(self, name, shape, open_cells):
        walls = parsed(name)
        assert walls.shape == shape
        assert (~walls).sum() == open_cells
        assert walls[[0, -1]].all()
        assert walls[:, [0, -1]].all()

    @given(st.integers(1, 8), st.integers(2, 8), st.floats(0, 1), st.integers(0, 100))
    @settings(max_examples=40, deadline=None)
    def test_generated_ones_are_trees_and_more(self, rows, columns, openings, seed):
        tree, opened = generated(rows, columns, 0.0, seed), generated(rows, columns, openings, seed)
        assert tree.shape == (2 * rows + 1, 2 * columns + 1)
        # A spanning tree of n rooms has n − 1 passages.
        assert (~tree).sum() == 2 * rows * columns - 1
        assert not (opened & ~tree).any()
        assert np.array_equal(opened, generated(rows, columns, openings, seed))

    def test_a_generated_maze_makes_demonstrations(self):
        maze = create("maze", layout="generated", rows=4, columns=6, openings=0.2, maze_seed=3)
        made = maze.sample(50, Intended.parse(maze.default_intended))
        assert maze.valid(made).all()
        assert maze.walls.cells.shape == (9, 13)

    @pytest.mark.parametrize("name", LAYOUTS)
    def test_each_has_a_law_of_its_own(self, name):
        maze = Maze(layout=name)
        assert maze.valid(maze.sample(50, Intended.parse(maze.default_intended))).all()

    def test_one_may_draw_it(self):
        maze = Maze(layout="#####/#...#/#####")
        made = maze.sample(20, [1.5])
        assert np.abs(made.values[..., 1]).max() <= 0.4
        assert maze.valid(made).all()


class TestSeeds:
    def test_the_same_seed_gives_the_same_bytes(self):
        one, two = (Maze(layout="umaze").sample(30, UNIFORM, seed=7) for _ in range(2))
        assert one.values.tobytes() == two.values.tobytes()
        assert one.equals(two)
        assert not one.equals(Maze(layout="umaze").sample(30, UNIFORM, seed=8))


class TestDynamics:
    def test_a_force_free_ball_stays(self):
        values = Maze().execute(np.full((2, 101), 1 + 2j), 5, 0.25)
        assert values.shape == (2, 21, 2)
        assert (values[..., 0] == 1 + 2j).all()
        assert (values[..., 1] == 0).all()

    def test_under_the_largest_force_it_moves_as_newton_says(self):
        # The set point is far away, so that the force is at its limit; friction 0, semi-implicit Euler.
        maze = Maze(friction=0.0, max_force=3.0, mass=2.0)
        reference = np.full((1, 21), 1e6 + 0j)
        reference[0, 0] = 0
        values = maze.execute(reference, 1, 0.05)[0]
        t = np.arange(21) * 0.05
        moving = t[1:]
        np.testing.assert_allclose(values[1:, 1].real, 1.5 * moving, rtol=1e-9)
        np.testing.assert_allclose(values[1:, 0].real, 0.75 * moving * (moving + 0.01), rtol=1e-9)

    def test_friction_limits_the_speed(self):
        maze = Maze(friction=2.0, max_force=3.0, mass=0.1)
        reference = np.full((1, 201), 1e6 + 0j)
        reference[0, 0] = 0
        assert maze.execute(reference, 1, 0.05)[0, -1, 1].real == pytest.approx(1.5)


class TestValid:
    def test_true_demonstrations_are_valid(self, large):
        assert Maze(tolerance=0).valid(large).all()
        assert not crossings(Maze().walls, large.values[:40].astype(float), 0.1 - 1e-6).any()

    def test_noise_is_not(self, large):
        noise = np.random.default_rng(0).normal(0, 0.3, large.values.shape)
        assert Maze().valid(large.with_values(large.values + noise)).mean() < 0.02

    def test_a_straight_line_through_walls_is_not(self, large):
        part = np.linspace(0, 1, large.T)[None, :, None]
        straight = large.values[:, :1] * (1 - part) + large.values[:, -1:] * part
        verdicts = Maze().valid(large.with_values(straight))
        assert verdicts.mean() < 0.7
        sample = straight[:50].astype(np.float32).astype(float)
        np.testing.assert_array_equal(verdicts[:50], ~crossings(Maze().walls, sample, 0.09))

    def test_nor_is_another_maze_nor_a_jump_nor_a_speed_beyond_the_limit(self, large):
        assert Maze(layout="medium").valid(large).mean() < 0.2
        values = large.values.copy()
        values[0, 30, :2] = 1e30
        values[1, 30, 2] = 6
        assert Maze().valid(large.with_values(values)).tolist() == [False, False] + [True] * 998

    def test_a_single_step_is_judged_by_where_it_is(self, large):
        values = large.values[:2, :1].copy()
        values[1, 0, 0] = 5.9
        assert Maze().valid(Trajectories(values, channels=large.channels)).tolist() == [True, False]

    def test_a_ragged_one_by_its_own_steps(self, large):
        values = large.values.copy()
        values[:, 40:] += 3
        ragged = Trajectories(values, lengths=np.full(1000, 40), channels=large.channels, dt=large.dt)
        assert Maze().valid(ragged).all()


class TestWalls:
    @given(st.integers(0, 10_000), st.floats(0.01, 0.45))
    @settings(max_examples=60, deadline=None)
    def test_clear_agrees_with_many_points_on_the_way(self, seed, radius):
        rng = np.random.default_rng(seed)
        walls = Walls(rng.random((6, 5)) < 0.3)
        walls = Walls(np.pad(walls.cells, 1, constant_values=True))
        start = rng.uniform(-1, 1, (40, 1, 2)) * walls.half
        points = np.concatenate([start, start + rng.normal(0, rng.choice([0.2, 2]), (40, 1, 2))], axis=1)
        found = walls.clear(points, radius)
        # Points on the way see a wall a little less near than it is.
        assert not (found & crossings(walls, points, radius - 1e-9)).any()
        assert not (~found & ~crossings(walls, points, radius + 0.02)).any()

    @pytest.mark.parametrize(
        ("y", "clear"), [(0.3999, True), (0.4001, False), (-0.3999, True), (-0.4001, False)]
    )
    def test_a_wall_is_touched_at_the_radius(self, y, clear):
        walls = Walls(parsed("#####/#...#/#####"))
        assert walls.clear(np.array([[[-1.0, y], [1.0, y]]]), 0.1).tolist() == [clear]

    def test_a_thin_corner_is_not_missed(self):
        # Both ends are clear of the single wall; the way between cuts its corner.
        walls = Walls(parsed("#####/#...#/#.#.#/#...#/#####"))
        path = np.array([[[-0.8, 0.1], [-0.1, 0.8]]])
        assert not walls.clear(path, 0.1)[0]
        assert walls.clear(path + np.array([-0.15, 0.15]), 0.1)[0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"layout": "larg"}, "unknown maze layout 'larg'; did you mean 'large'"),
            (
                {"layout": "#####/#.#.#/#####"},
                "no route from the open cell in row 1, column 1 to the one in row 1, column 3",
            ),
            ({"layout": "###/#.#/###"}, "got 1 open cells; expected 2 to"),
            ({"layout": "####/#..#/###"}, r"rows of \[3, 4\] cells; expected rows of one length"),
            ({"layout": ""}, "rows of"),
            ({"layout": "generated", "rows": 0}, "got 0 rows × 5 columns; expected at least 2 rooms"),
            ({"layout": "generated", "rows": 10**6}, "expected at most 2048 rooms"),
            ({"layout": "generated", "openings": 1.5}, "got openings 1.5; expected 0 to 1"),
            ({"layout": "generated", "maze_seed": -1}, "got seed -1"),
            ({"detours": 2}, "got detours 2; expected 0 to 1"),
            ({"jitter": 0.6}, "got jitter 0.6"),
            ({"radius": 0.5}, "got radius 0.5; expected above 0 m and below 0.5 m"),
            ({"tolerance": 0.2}, "got tolerance 0.2"),
            ({"mass": 0}, "got mass 0; expected a positive number"),
            ({"friction": -1}, "got friction -1"),
        ],
    )
    def test_parameters_that_do_not_fit(self, parameters, message):
        with pytest.raises(InputError, match=message):
            create("maze", **parameters)

    @pytest.mark.parametrize(
        ("maze", "law", "message"),
        [
            (Maze(), [-1.0], "got a path length of -1 m; expected lengths above 0 m"),
            (Maze(), [90.0], r"got a path length of 90 m in 15.75 s; expected at most 70.875 m"),
            (
                Maze(layout="umaze", detours=0),
                [8.0],
                "8 m without detours; expected at most 6 m, the longest",
            ),
            (Maze(layout="umaze", radius=0.45, jitter=0.3), [8.0], "no path of 8 m .* in 40 tries"),
        ],
    )
    def test_lengths_that_no_path_can_have(self, maze, law, message):
        with pytest.raises(InputError, match=message):
            maze.sample(3, law)

    @pytest.mark.parametrize(("numbers", "message"), [({"T": 1}, "T = 1"), ({"dt": 0}, "dt = 0")])
    def test_numbers_that_do_not_fit(self, numbers, message):
        with pytest.raises(InputError, match=message):
            Maze().sample(3, UNIFORM, **numbers)


def test_it_draws_its_walls_and_the_paths_to_scale(large):
    figure, axes = plt.subplots()
    Maze().draw(axes, large.select([0, 1, 2]))
    assert len(axes.collections[0].get_paths()) == Maze().walls.cells.sum()
    assert len(axes.lines) == 3
    assert axes.get_aspect() == 1
    plt.close(figure)
