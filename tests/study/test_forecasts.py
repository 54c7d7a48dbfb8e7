"""Forecasts of a study: made once for each data and kernel, scored against every arm, kept as runs are."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.study.conftest import results_of
from tests.study.toy import Killed

import pushforward as pf
from pushforward.cli import main
from pushforward.errors import InputError
from pushforward.measure import Audit, AuditSettings, Grid, Tally, audit_streams
from pushforward.study.digests import seed_for
from pushforward.study.page import study_page
from pushforward.study.plan import FRESH, GeneratorArm, KernelForecast
from pushforward.study.scoring import recounted
from pushforward.study.skill_metrics import SCORES
from pushforward.study.table import result_text

_UNDISTURBED: dict[str, bytes] = {}
GAUSSIAN = KernelForecast(kernel="gaussian", grid={"scale": [0.01, 0.1]})


def everything(folder):
    return results_of(folder) | {"forecasts.parquet": (folder / "forecasts.parquet").read_bytes()}


@pytest.fixture
def forecasted(study, here):
    made = study(kernels=(GAUSSIAN,))
    ended = made.run(here)
    assert (ended.failed, ended.n_forecasts, ended.n_forecast) == ({}, 4, 4)
    return made


@pytest.fixture
def undisturbed(study, here):
    """The results of a study that nothing happened to, made once."""
    if not _UNDISTURBED:
        made = study("undisturbed", kernels=(GAUSSIAN,))
        made.run(here)
        _UNDISTURBED.update(everything(made.folder))
    return _UNDISTURBED


def test_one_forecast_of_each_data_and_kernel_is_scored_against_every_arm(forecasted):
    rows = pq.read_table(forecasted.folder / "forecasts.parquet").to_pylist()
    arms = {FRESH, "jitter scale=0.001", "jitter scale=0.1"}
    kernels = {"gaussian scale=0.01", "gaussian scale=0.1"}
    assert {(r["kernel"], r["arm"], r["seed"]) for r in rows} == {
        (k, a, s) for k in kernels for a in arms for s in (0, 1)
    }
    assert len({row["forecast"] for row in rows}) == 2 * 2  # kernels × seeds, for whose data
    assert all(row["n_data"] == 60 and row["n_bins"] == 34 for row in rows)


def test_the_scores_are_those_of_the_forecast_against_the_runs_audit(forecasted):
    row = next(r for r in forecasted.results().forecasts if "0.1" in r["arm"] and r["seed"] == 1)
    seed = forecasted.ledger.record(row["forecast"]).body["about"]["seeds"]["forecast"]
    assert seed == seed_for(1, "forecast")
    system = pf.systems.create("logistic-map")
    data = system.sample(60, pf.Intended.uniform(3.5, 4), T=8, seed=seed_for(1, "data"))
    found = pf.forecast(pf.kernels.Gaussian(0.01), data, "logistic-map-r", seed=seed)
    audit = Audit.from_json(json.loads((forecasted.ledger.run_folder(row["run"]) / "audit.json").read_text()))
    skill = found.skill(audit)
    for score in SCORES:
        for side, scores in (("", skill.scores), ("floor_", skill.floor)):
            estimate = getattr(scores, score)
            expected = [estimate.value, estimate.low, estimate.high]
            got = [row[f"{side}{score}{limit}"] for limit in ("", "_low", "_high")]
            assert [np.nan if one is None else one for one in got] == pytest.approx(expected, nan_ok=True)
    assert (row["drift"], row["drift_floor"]) == (skill.drift, skill.drift_floor)
    kept = json.loads((forecasted.ledger.run_folder(row["forecast"]) / "forecasts.json").read_text())
    assert kept["forecasts"][0]["forecast"] == found.mass[1:-1].tolist()


def test_the_ceiling_is_the_drift_of_the_same_arm_of_another_seed(study, here):
    settings = AuditSettings(resamples=99, range=(3.3, 4.2))  # equal bins for all seeds
    made = study(kernels=(KernelForecast(kernel="gaussian(scale=0.1)"),), audit=settings, seeds=(0, 1, 2))
    made.run(here)
    rows = {r["seed"]: r for r in made.results().forecasts if r["arm"] == "jitter scale=0.1"}
    drift = {}
    for seed, row in rows.items():
        audit = json.loads((made.ledger.run_folder(row["run"]) / "audit.json").read_text())
        bins = Audit.from_json(audit).quantities[0].bins
        drift[seed] = bins.made - bins.expected
    for seed, row in rows.items():
        other = drift[(seed + 1) % 3]
        corr = drift[seed] @ other / np.sqrt((drift[seed] @ drift[seed]) * (other @ other))
        assert row["ceiling_corr"] == pytest.approx(corr)


def test_a_single_seed_has_no_ceiling(study, here):
    made = study(kernels=(GAUSSIAN,), seeds=(0,))
    made.run(here)
    assert all(row["ceiling_corr"] is None for row in made.results().forecasts)
    assert "ceiling_corr" not in made.results().skills()[0].numbers


def test_recounted_in_other_bins_masses_are_those_of_the_values_but_for_cut_cells():
    rng = np.random.default_rng(0)
    made, against = rng.normal(0.3, 1, 4000), rng.normal(size=4000)
    first, other = Grid(-3.7, 4.1), Grid(-3.2, 3.6)
    tallies = {"made": Tally.zero(first).add(made), "against": Tally.zero(first).add(against)}
    second = audit_streams(
        lambda: iter([({"q": made}, None)]),
        lambda: iter([({"q": against}, None)]),
        units={"q": ""},
        settings=AuditSettings(resamples=99, range=(-3.7, 4.1)),
    ).quantities[0]
    assert recounted(second, tallies, first.edges) is second
    found = recounted(second, tallies, other.edges).bins
    for mass, values in ((found.made, made), (found.expected, against)):
        exact = other.by_bin(Tally.zero(other).add(values).mass)
        assert mass.sum() == pytest.approx(1)
        assert np.abs(mass - exact).max() < 0.0015  # of masses up to 0.09, from cells 1/32 of a bin wide
    same = recounted(second, tallies, np.append(first.edges[:-1], np.nextafter(first.edges[-1], 9))).bins
    assert same.made == pytest.approx(second.bins.made, abs=1e-12)


def test_kernels_are_added_to_a_study_that_is_done_without_repeating_a_run(study, here, jitter):
    study().run(here)
    trained = len(jitter.trained)
    more = study(kernels=(GAUSSIAN,))
    ended = more.run(here, resume=True)
    assert (ended.n_worked, ended.n_forecast, len(jitter.trained)) == (0, 4, trained)
    again = study(kernels=(GAUSSIAN,)).run(here, resume=True)
    assert (again.n_forecasts, again.n_forecast) == (4, 0)
    study().run(here, resume=True)
    assert study().results().forecasts == ()


@pytest.mark.parametrize("when", [35, 36, 41, 44])
def test_killed_among_the_forecasts_a_study_completes_with_the_same_bytes(
    study, here, undisturbed, monkeypatch, when
):
    import pushforward.writing as writing

    made, left, replaced = study("killed", kernels=(GAUSSIAN,)), when, writing.Path.replace

    def killing(self, target):
        nonlocal left
        left -= 1
        if left == -1:
            raise Killed
        return replaced(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(writing.Path, "replace", killing)
        with pytest.raises(Killed):
            made.run(here)
    assert made.results().count("done") == 6
    assert made.run(here, resume=True).failed == {}
    assert everything(made.folder) == undisturbed


def test_a_run_that_fails_has_no_forecast_and_a_forecast_that_fails_is_told(study, here, monkeypatch, capsys):
    monkeypatch.setitem(pf.kernels.KERNELS, "broken", "tests.study.toy:Broken")
    arms = (GeneratorArm(name="jitter"), GeneratorArm(name="jitter", label="bad", settings={"diverge": True}))
    made = study(generators=arms, kernels=(GAUSSIAN, KernelForecast(kernel="broken(scale=1)")))
    ended = made.run(here)
    assert {row["arm"] for row in made.results().forecasts} == {FRESH, "jitter"}
    said = [error for error in ended.failed.values() if "forecast by broken(scale=1)" in error]
    assert (len(ended.failed), len(said), ended.n_forecasts) == (2 + 2, 2, 6)
    assert all("the kernel does not fit" in error for error in said)
    assert study_page(made.results()).count("the kernel does not fit") == 2
    assert main(["status", str(made.folder)]) == 0
    assert "4 of 6 forecasts" in " ".join(capsys.readouterr().out.split())


def test_the_scores_are_in_the_json_of_the_report(forecasted, tmp_path):
    record = tmp_path / "report.json"
    page = tmp_path / "page.html"
    assert main(["report", str(forecasted.folder), "-o", str(page), "--json", str(record)]) == 0
    rows = json.loads(record.read_text())["forecasts"]
    kept = forecasted.results().forecasts
    assert [row["corr"] for row in rows] == [row["corr"] for row in kept]
    assert len(rows) == 3 * 2 * 2


def test_the_runs_own_trained_model_forecasts_its_drift(study, here):
    arms = (GeneratorArm(name="mlp", settings={"steps": 15}), GeneratorArm(name="jitter"))
    own = KernelForecast(kernel="denoise(scale=4)", arms=("mlp",), label="own denoiser")
    noise = KernelForecast(kernel="gaussian(scale=0.1)", arms=("mlp",))
    made = study(generators=arms, kernels=(own, noise), seeds=(0,))
    assert made.run(here).failed == {}
    corr = {(row["arm"], row["kernel"]): row["corr"] for row in made.results().forecasts}
    assert set(corr) == {("mlp", "own denoiser"), ("mlp", "gaussian(scale=0.1)")}
    assert corr["mlp", "own denoiser"] > max(corr["mlp", "gaussian(scale=0.1)"], 0.8)


def test_workers_elsewhere_leave_the_forecasts_to_this_machine(study, here, monkeypatch):
    class Elsewhere:
        apart = True

        def run(self, work, tasks):
            assert work == "run"
            return here.run(work, tasks)

    monkeypatch.setattr("pushforward.study.study.LocalPool", lambda *arguments: here)
    assert study(kernels=(GAUSSIAN,)).run(Elsewhere()).n_forecast == 4


def test_the_tables_show_every_kernel_beside_floor_and_ceiling(forecasted):
    results = forecasted.results()
    page, text = study_page(results), result_text(results)
    assert study_page(results) == page
    for line in results.skills():
        assert line.kernel in page
        assert line.kernel in text
        assert f"{line.numbers['corr'].mean:.2f}".replace("-", "−") in page
        assert f"floor &lt; {line.numbers['floor_corr_high'].mean:.2f}, ceiling " in page
    narrow = result_text(results, 88)
    assert max(map(len, narrow.splitlines())) <= 88
    assert all(f"  {line.kernel} " in narrow for line in results.skills())
    rows = [row.split() for row in narrow.splitlines() if row.strip().startswith("gaussian")]
    assert [row[-1] for row in rows] == [f"{s.numbers['ceiling_corr'].mean:.2f}" for s in results.skills()]
    assert all(heading in text for heading in ("floor: corr", "ceiling: corr"))
    assert "4 of 4 forecasts made" in page
    assert "4 of 4 forecasts made" in text


@pytest.mark.parametrize("kernels", ["[NaN]", "3", '[{"label": "x"}]', '[{"content": NaN}]'])
def test_a_list_of_kernels_that_is_damaged_is_one_line(study, here, kernels):
    made = study(seeds=(0,))
    made.run(here)
    path = made.folder / "study.json"
    path.write_text(path.read_text().replace('"kernels": []', f'"kernels": {kernels}'))
    with pytest.raises(InputError, match="is damaged"):
        made.results()
    path.write_text(path.read_text().replace(f', "kernels": {kernels}', ""))  # as earlier versions wrote it
    assert made.results().n_forecasts == 0
