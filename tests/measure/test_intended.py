"""A stated law: from text or scipy, with exact masses; nothing in the text is ever evaluated."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pushforward import Grid, InputError, Intended


def test_uniform_has_its_bin_edges_on_its_ends_and_exact_masses():
    law = Intended.uniform(1, 2)
    grid = Grid(*law.range(32))
    masses = grid.by_bin(law.mass(grid))
    assert masses[0] == masses[-1] == 0
    assert np.allclose(masses[3:-3], 1 / 28, atol=1e-12)
    assert masses[[1, 2, -3, -2]] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("uniform(1, 2)", stats.uniform(1, 1)),
        ("normal(-1, 2.5)", stats.norm(-1, 2.5)),
        ("truncnormal(0, 1, -1, 2)", stats.truncnorm(-1, 2)),
        ("gamma(2, scale=3)", stats.gamma(2, scale=3)),
    ],
)
def test_text_gives_the_law_that_it_names(text, law):
    parsed = Intended.parse(text)
    q = np.linspace(-3, 8, 50)
    assert np.allclose(parsed.law.cdf(q), law.cdf(q))
    assert (parsed.mean, parsed.std) == pytest.approx((law.mean(), law.std()))


def test_a_mixture_has_the_mixed_law():
    mixed = Intended.parse("0.25*normal(0, 1) + 0.75*uniform(2, 3)")
    rng = np.random.default_rng(0)
    drawn = mixed.sample(200_000, rng)
    assert drawn.mean() == pytest.approx(mixed.mean, abs=4 * mixed.std / 200_000**0.5)
    assert drawn.std() == pytest.approx(mixed.std, rel=0.01)
    assert np.allclose(mixed.law.cdf(mixed.law.ppf(np.linspace(0.01, 0.99, 25))), np.linspace(0.01, 0.99, 25))
    assert stats.kstest(drawn[:20_000], mixed.law.cdf).pvalue > 1e-3


def test_masses_on_a_grid_sum_to_one_with_the_tails():
    for text in ("normal(0, 1)", "t(2)", "lognorm(1.5)"):
        grid = Grid(-1.0, 1.0)
        assert Intended.parse(text).mass(grid).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        "", "uniform", "uniform(2, 1)", "uniform(1)", "uniform(1, 1)", "normal(0, -1)", "unifrom(1, 2)", "gamma(-2)",
        "__import__('os').system('true')", "normal(0, x)", "0.5*normal(0, 1)", "normal(0, 1) - uniform(0, 1)",
        "uniform(nan, 1)", "(lambda: 1)()", "uniform(1, 2", "normal(0, 'a')", "poisson(3)", "1e400*uniform(0, 1)",
    ],
)  # fmt: skip
def test_what_is_not_a_law_is_one_clear_line(text):
    with pytest.raises(InputError) as caught:
        Intended.parse(text)
    assert "\n" not in str(caught.value)


def test_a_misspelt_law_suggests_the_right_one():
    with pytest.raises(InputError, match="uniform"):
        Intended.parse("unifrm(1, 2)")


@given(st.text(max_size=40))
def test_any_text_is_a_law_or_an_input_error(text):
    with contextlib.suppress(InputError):
        Intended.parse(text)


def test_an_object_that_is_no_distribution_is_refused():
    with pytest.raises(InputError, match="frozen scipy distribution"):
        Intended(3.0)
