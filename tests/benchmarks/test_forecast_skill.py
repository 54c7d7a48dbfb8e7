"""The study of forecast skill: its scores are the library's, its tables come from the ledger alone, and it can fail."""

import numpy as np
import pytest
from benchmarks.forecast_skill_combined import mixed
from benchmarks.forecast_skill_ledger import append, read
from benchmarks.forecast_skill_plan import (
    CHOSEN,
    FAMILY,
    GENERATORS,
    HELD_OUT,
    PAPER,
    SHARE,
    SMALL_SHARE,
    jobs,
)
from benchmarks.forecast_skill_scores import (
    Drift,
    best_factor,
    floor,
    pushed,
    scores,
    second_run,
    shifted,
)
from benchmarks.forecast_skill_transfer import fitted_factor, fitted_kernel
from scipy import stats

import pushforward as pf
from benchmarks import forecast_skill
from pushforward.forecast import ForecastSettings
from pushforward.forecast.observed import observed_by
from pushforward.kernels import Residual, Shrinkage
from pushforward.measure import AuditSettings

RANGE, BINS, N = (-4.0, 4.0), 12, 4000
VALUE = pf.Quantity(lambda tracks: tracks.values[:, 0, 0].astype(float), name="value")
EDGES = pf.Grid(*RANGE, BINS).edges
# All values move towards the middle, by an error that depends on where they are.
CONTRACTION = Shrinkage(scale=0.2, strength=1.0, blur=0.0)


def points(n, seed, spread=1.0):
    values = np.random.default_rng(seed).normal(0, spread, (n, 1, 1)).astype(np.float32)
    return pf.Trajectories(values)


@pytest.fixture(scope="module")
def contracted():
    """Data, and what a model that contracts by a fifth made of it."""
    data, made = points(N, 1), points(N, 2, 0.8)
    settings = AuditSettings(range=RANGE, bins=BINS, resamples=99)
    return data, pf.audit(made, data, quantities=[VALUE], settings=settings)


def drift_of(kernel, data):
    deviated = kernel.fitted(data).deviate(data, np.random.default_rng(0))
    return pushed(VALUE(data), VALUE(deviated), EDGES, len(data))[0], deviated


def test_scores_are_those_of_the_library(contracted):
    """The same deviations, counted and scored by both: masses equal, noise terms by another estimator."""
    data, audit = contracted
    ahead = pf.forecast(
        CONTRACTION, data, VALUE, repeats=1, settings=ForecastSettings(range=RANGE, bins=BINS)
    )
    drift, _ = drift_of(CONTRACTION, data)
    assert np.allclose(drift.values, ahead.drift, atol=1e-12)
    wanted, found = ahead.skill(audit), scores(observed_by(audit.quantities[0]), drift)
    assert found.corr == pytest.approx(wanted.corr.value, abs=1e-9)
    assert found.sign_accuracy == wanted.sign_accuracy.value
    assert found.corr_corrected == pytest.approx(wanted.corr_corrected.value, abs=0.01)
    assert found.skill == pytest.approx(wanted.skill.value, abs=0.02)


def test_a_kernel_whose_errors_are_shuffled_between_trajectories_loses_its_skill(contracted):
    data, audit = contracted
    seen = observed_by(audit.quantities[0])
    drift, deviated = drift_of(CONTRACTION, data)
    assert scores(seen, drift).skill > 0.95
    shuffled, _ = drift_of(Residual.from_pairs(data, deviated), data)
    assert scores(seen, shuffled).skill < 0
    assert max(scores(seen, shifted(drift, seed)).skill for seed in range(20)) < 0.5


def test_noise_terms_are_unbiased():
    """Of a forecast without drift all that is seen is noise, and its covariance with that of the whole data's π."""
    law = np.diff(stats.norm.cdf([-np.inf, *EDGES, np.inf]))
    found = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        q = rng.normal(size=300)
        after = np.where(rng.random(200) < 0.5, q[:200], rng.normal(size=200))
        drift, _, _ = pushed(q[:200], after, EDGES, 300)
        reference = np.bincount(np.searchsorted(EDGES, q, side="right"), minlength=BINS + 2) / 300
        square, product = drift.values @ drift.values, drift.values @ (law - reference)
        found.append([square - drift.variance, product - drift.cross])
    assert np.all(np.abs(np.mean(found, axis=0)) < 4 * np.std(found, axis=0) / np.sqrt(1000))
    assert np.all(np.std(found, axis=0) / np.sqrt(1000) < 1e-4), "so that a wrong term would be seen"


def test_lost_values_are_left_out():
    before, after = np.array([0.1, 0.1, 0.1, 1.1]), np.array([np.nan, 0.1, 1.1, 1.1])
    drift, mass, expected = pushed(before, after, np.array([0.0, 1.0, 2.0]), 4)
    assert mass == pytest.approx([0, 1 / 3, 2 / 3, 0])
    assert expected == pytest.approx([0, 0.75, 0.25, 0])
    assert drift.values.sum() == pytest.approx(0)


# A ledger whose scores are known: every class drifts by DRIFT × its size, its pilot by twice that.
SIZE = {"vae": 1.0, "mlp": 0.7}
# So many that rounding to whole counts is all the noise there is.
N_DATA = 10_000_000
WAVE = np.sin(np.arange(34) / 2)
DRIFT = 0.012 * (WAVE - WAVE.mean())


def counts(mass, n):
    return np.rint(mass * n).astype(int).tolist()


def kernel_row(system, generator, kernel, drift, expected, **facts):
    base = {"what": "kernel", "system": system, "generator": generator, "seed": 0, "kernel": kernel}
    mass = {"mass": (expected + drift).tolist(), "expected": expected.tolist()}
    return base | mass | {"variance": 0.0, "cross": 0.0, "n": 20_000, "cpu": 0.1, "lost": 0.0} | facts


@pytest.fixture
def ledger(tmp_path):
    """Three systems, two classes, two seeds; the first kernel of the family knows half of the drift."""
    path, expected = tmp_path / "results" / "ledger.jsonl", np.full(34, 1 / 34)
    for system in ("logistic-map", "cone", "kepler"):
        data = {"what": "data", "system": system, "generator": "", "seed": 0, "n": N_DATA}
        data |= {"low": 0.0, "high": 1.0, "bins": 32, "counts": counts(expected, N_DATA)}
        others = enumerate(dict.fromkeys((*CHOSEN, *FAMILY)))
        wrong = {label: np.random.default_rng(i).permutation(DRIFT) for i, label in others}
        known = wrong | {FAMILY[0]: 0.5 * DRIFT}
        append(path, [data, *(kernel_row(system, "", label, one, expected) for label, one in known.items())])
        for generator, size in SIZE.items():
            for seed in (0, 1):
                model = {"what": "model", "system": system, "generator": generator, "seed": seed, "n": N_DATA}
                model |= {
                    "counts": counts(expected + size * DRIFT, N_DATA),
                    "tv": [0.1, 0.02],
                    "w1": [0.2, 0.1],
                }
                model |= {"cpu": 20.0, "sample_cpu": 5.0, "valid": 0.75}
                append(path, [model])
            pilot = {"train_cpu": 1.9, "share": 0.049}
            append(path, [kernel_row(system, generator, "pilot, level 2", 2 * DRIFT, expected, **pilot)])
    return path


def test_the_tables_are_made_from_the_ledger_alone(ledger, capsys):
    assert forecast_skill.main(["--table", "--ledger", str(ledger)]) == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("| logistic-map | vae | 5.0 |"))
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[-6].startswith("1.00 / 1.00 / 1.00"), "the pilot at half of its size is exact"
    assert cells[-3].startswith("1.00 / 1.00"), "a second seed is the ceiling"
    assert "10% (4.9% of FLOPs)" in shown
    assert "75.0%, 2.0, 20 s" in shown


def test_what_is_fitted_elsewhere_is_right_here(ledger):
    known = read(ledger)
    assert fitted_kernel(known, [("cone", "vae")]) == FAMILY[0]
    assert fitted_factor(known, [("cone", "mlp")]) == pytest.approx(0.35, rel=0.02)
    seen = known.seen(("kepler", "mlp"), 0)
    ahead = known.pilot(("kepler", "mlp"))
    assert best_factor(seen, ahead) == pytest.approx(0.35, rel=0.02)
    assert scores(seen, second_run(known.seen(("kepler", "mlp"), 1))).corr > 0.99
    corr, skill = floor(seen, 20_000, draws=99)
    assert 0 < corr < 0.5
    assert skill < 0.2


def test_cells_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    made = []

    def rows(job, budget, models):
        made.append(job.key)
        row = {"what": "model" if job.generator else "data"}
        if job.pilots:
            row = {"what": "kernel", "kernel": "small pilot, level 0"}
        return [{"system": job.system, "generator": job.generator, "seed": job.seed} | row]

    monkeypatch.setattr("benchmarks.forecast_skill_cells.rows", rows)
    monkeypatch.setattr(forecast_skill, "tables", lambda _: "")
    arguments = ["--ledger", str(tmp_path / "ledger.jsonl"), "--system", "cone"]
    forecast_skill.main([*arguments, "--generator", "vae"])
    forecast_skill.main(arguments)
    assert len(made) == len(set(made)) == 1 + 3 * len(GENERATORS)


def test_the_plan_covers_the_paper_twice_and_tests_on_what_was_held_out():
    plan = [job.key for job in jobs()]
    assert len(plan) == len(set(plan))
    assert {(s, g, seed, False) for s in PAPER for g in GENERATORS for seed in (0, 1)} <= set(plan)
    assert {(s, g, 0, True) for s in PAPER for g in GENERATORS} <= set(plan)
    assert {(s, g, 0, False) for s in HELD_OUT for g in ("", "diffusion", "mlp")} <= set(plan)


def test_coarse_errors_of_a_pilot_that_pass_are_left_out(ledger):
    """From the smaller pilot to the other fine errors stay and coarse ones halve, and so on to the training."""
    expected, coarse = np.full(34, 1 / 34), np.random.default_rng(0).permutation(DRIFT)
    known = read(ledger)
    rows = [
        kernel_row("cone", "mlp", f"{name}, level {level}", DRIFT + level / 2 * size * coarse, expected)
        for name, size in (("pilot", 1.0), ("small pilot", 2.0))
        for level in (0, 2)
    ]
    append(ledger, rows)
    ahead = read(ledger).pilot_by_level(("cone", "mlp"))
    power = np.log(1 / SHARE) / np.log(SHARE / SMALL_SHARE)
    assert ahead.values == pytest.approx(DRIFT + 0.5**power * coarse)
    assert known.pilot_by_level(("cone", "mlp")) is None, "there was no smaller pilot"


def test_a_pilots_drift_is_explained_by_a_mixture_of_kernels_where_it_is_one():
    rng = np.random.default_rng(0)
    family = [Drift(rng.normal(size=20)) for _ in range(3)]
    v, share = mixed(family[0].times(0.7).plus(family[2].times(0.2)), family)
    assert share == pytest.approx(1)
    np.testing.assert_allclose(v.values, 0.7 * family[0].values + 0.2 * family[2].values)
    # What points away from all of them is not: kernels have no negative weights.
    v, share = mixed(family[0].plus(family[1]).plus(family[2]).times(-1), family[:1])
    assert share == pytest.approx(0, abs=0.05)
    # Drift that is all noise is explained by nothing.
    noise = Drift(rng.normal(size=20), variance=100.0)
    assert mixed(noise, family)[1] == 0
