"""How a forecast runs: the same on any number of threads, in memory or streamed, and what it leaves out is counted."""

import json

import numpy as np
import pytest
from tests.forecast.closed_forms import linear, normal_trajectories

import pushforward as pf
from pushforward.errors import InputError
from pushforward.forecast import ForecastSettings, counting, pushing
from pushforward.kernels import Gaussian, Spectral
from pushforward.quantities import PathLength

A = np.ones((4, 2))


@pytest.fixture(scope="module")
def walks():
    steps = np.random.default_rng(0).normal(0, 0.1, (3000, 20, 2))
    return pf.Trajectories(np.cumsum(steps, axis=1).astype(np.float32))


@pytest.fixture
def small_blocks(monkeypatch):
    """Kernels that want few values at once, so that small data makes many blocks."""
    for kernel in (Gaussian, Spectral):
        monkeypatch.setattr(kernel, "block_values", 4000)


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("mass", "expected", "low", "high")
    )


def test_threads_do_not_change_the_result(walks, small_blocks):
    made = [
        pf.forecast(Gaussian(0.02), walks, PathLength(), settings=ForecastSettings(threads=threads))
        for threads in (1, 2, 5)
    ]
    assert same(made[0], made[1])
    assert same(made[0], made[2])


def test_the_same_seed_gives_the_same_forecast_and_another_does_not(walks):
    first, again, other = (pf.forecast(Gaussian(0.02), walks, "path-length", seed=seed) for seed in (1, 1, 2))
    assert first.to_text() == again.to_text()
    assert not np.array_equal(first.mass, other.mass)


def test_streamed_data_give_what_data_in_memory_give(walks, small_blocks):
    streamed = pf.forecast(Spectral(0.02), lambda: walks.batches(1000), PathLength())
    assert same(streamed, pf.forecast(Spectral(0.02), walks, PathLength()))


def test_data_that_do_not_fit_are_counted_in_two_passes_with_the_same_result(
    walks, small_blocks, monkeypatch
):
    monkeypatch.setattr(counting, "_CHUNK", 1 << 10)
    kept = pf.forecast(Gaussian(0.02), walks, PathLength())
    monkeypatch.setattr(counting, "KEPT", 100)
    passed = pf.forecast(Gaussian(0.02), lambda: walks.batches(1000), PathLength())
    assert passed.grid == kept.grid
    assert same(passed, kept)
    with pytest.raises(InputError, match="too many to be kept"):
        passed.on(pf.Grid(0, 5, 8))


def test_a_stream_longer_than_the_sample_teaches_the_kernel_a_part_of_it(walks, monkeypatch):
    monkeypatch.setattr(pushing, "_SAMPLE", 200)
    made = pushing.learned_from(Gaussian(0.02), lambda: walks.batches(170))
    assert not np.array_equal(made.sigma, Gaussian(0.02).fitted(walks).sigma)
    np.testing.assert_allclose(made.sigma, Gaussian(0.02).fitted(walks).sigma, rtol=0.1)


def test_a_forecast_counted_anew_on_a_grid_is_the_forecast_on_that_grid(walks):
    grid = pf.Grid(1.5, 3.5, 20)
    made = pf.forecast(Gaussian(0.02), walks, PathLength())
    moved = made.on(grid)
    assert same(moved, pf.forecast(Gaussian(0.02), walks, PathLength(), grid=grid))
    assert moved.mean_shift.value == pytest.approx(made.mean_shift.value, rel=1e-12)


def test_a_kernel_learns_from_all_of_the_data_and_not_from_a_block(small_blocks):
    values = np.concatenate([np.zeros((3000, 4, 1)), np.random.default_rng(0).normal(0, 1, (3000, 4, 1))])
    data = pf.Trajectories(values.astype(np.float32))
    first = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="first")
    pushed = pf.forecast(Gaussian(1.0), data, first, repeats=1)._counted.values
    moved = pushed.deviated[0][:1000] - pushed.q[:1000]
    assert moved.std() == pytest.approx(values.std(), rel=0.1)


def test_undefined_quantities_are_counted_and_left_out():
    """q is defined above −0.5 only: what falls below after a deviation is lost, and the rest is the made law."""
    data = pf.Trajectories(np.random.default_rng(0).normal(size=(20_000, 1, 1)).astype(np.float32))

    def above(tracks):
        x = tracks.values[:, 0, 0].astype(np.float64)
        return np.where(x > -0.5, x, np.nan)

    made = pf.forecast(Gaussian(0.5, relative=False), data, pf.Quantity(above, name="above"), repeats=2)
    x = data.values[:, 0, 0]
    assert made.n_undefined == np.sum(x <= -0.5)
    assert made.n == np.sum(x > -0.5)
    moved = made._counted.values.deviated[:, x > -0.5]
    assert made.n_lost == np.isnan(moved).sum() > 0
    assert made.mass.sum() == pytest.approx(1)
    assert made.mean == pytest.approx(np.nanmean(moved), abs=1e-9)
    assert made.mean_expected == pytest.approx(x[x > -0.5].astype(np.float64).mean(), abs=1e-9)
    assert "left out" in str(made)


def test_invalid_trajectories_are_counted_once(walks):
    values = walks.values.copy()
    values[5:9, 3, 0] = np.nan
    data = pf.Trajectories(values, drop_invalid=True)
    for source in (data, lambda: data.batches(1000)):
        made = pf.forecast(Gaussian(0.02), source, PathLength())
        assert made.n_dropped == 4
        assert "4 invalid trajectories were left out" in str(made)


def test_a_constant_quantity_can_be_forecast(walks):
    still = pf.Trajectories(np.zeros_like(walks.values))
    made = pf.forecast(Gaussian(0.1, relative=False), still, lambda tracks: np.full(len(tracks), 3.0))
    assert made.mean == 3.0
    assert made.tv.value == 0
    assert not made.gain.any()


def test_two_trajectories_are_enough_and_one_group_is_not(walks):
    for seed in range(20):
        assert pf.forecast(Gaussian(0.1), walks.select([0, 1]), PathLength(), seed=seed).n == 2
    group = pf.Trajectories(walks.values[:10], groups=np.zeros(10, dtype=int))
    with pytest.raises(InputError, match="10 trajectories of one group"):
        pf.forecast(Gaussian(0.1), group, PathLength())


def test_the_record_is_what_the_command_line_promises(walks):
    made = pf.forecast(Gaussian(0.05), walks, PathLength())
    record = json.loads(made.to_text())
    assert {"grid", "expected", "forecast", "low", "high", "gains", "losses", "scale"} <= set(record)
    assert record["scale"] == 0.05
    assert len(record["forecast"]) == record["grid"]["bins"] == len(record["grid"]["edges"]) - 1
    total = sum(record["forecast"]) + record["underflow"]["forecast"] + record["overflow"]["forecast"]
    assert total == pytest.approx(1)
    assert sum(record["flow"]["mass"]) == pytest.approx(1)
    assert record["gains"][-1]["high"] is None or record["gains"][-1]["high"] > record["gains"][-1]["low"]


def test_the_table_says_what_is_gained_and_lost(walks):
    text = str(pf.forecast(Gaussian(0.05), walks, PathLength()))
    assert "predicted gains:" in text
    assert "predicted losses:" in text
    assert "gaussian(scale=0.05)" in text
    assert text.isprintable() or "\n" in text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda d: pf.forecast(Gaussian(), d, linear(A)), "has no scale"),
        (lambda d: pf.forecast("gaussian", d, linear(A)), "kernel: got str"),
        (lambda d: pf.forecast(Gaussian(0.1), d, "path-lenght"), "did you mean 'path-length'"),
        (lambda d: pf.forecast(Gaussian(0.1), d, 3), "quantity: got int"),
        (
            lambda d: pf.forecast(Gaussian(0.1), d, linear(A), group="storm"),
            "group: got 'storm'; expected one of: none",
        ),
        (lambda d: pf.forecast(Gaussian(0.1), d, linear(A), repeats=0), "repeats: got 0"),
        (
            lambda d: pf.forecast(Gaussian(0.1), d, linear(A), intended="normal(100, 1)"),
            "where there is no data",
        ),
        (
            lambda d: pf.forecast(Gaussian(0.1), d, linear(A), settings=ForecastSettings(bins=300)),
            "at most 254",
        ),
        (lambda d: pf.forecast(Gaussian(0.1), iter, linear(A)), "expected at least"),
        (lambda d: pf.forecast(Gaussian(0.1), d.select([0]), linear(A)), "at least two"),
        (lambda d: pf.forecast(Gaussian(0.1), d, lambda t: np.full(len(t), np.nan)), "not defined on any"),
    ],
)
def test_what_cannot_be_forecast_is_refused_in_one_line(make, said):
    with pytest.raises((InputError, TypeError), match=said):
        make(normal_trajectories(50))


def test_the_module_stays_callable_after_it_was_imported(walks):
    import pushforward.forecast

    assert pushforward.forecast(Gaussian(0.02), walks, PathLength()).scale == 0.02
