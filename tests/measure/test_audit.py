"""An audit's verdicts, its JSON, its streams and its errors."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

import pushforward as pf
from pushforward import InputError
from pushforward.measure import Audit, AuditSettings, audit_streams, audit_values

FAST = AuditSettings(resamples=199)


def normal(n, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, n)


def motion(n=400, scale=1.0, seed=0, **fields):
    steps = np.random.default_rng(seed).normal(0, scale, (n, 12, 2))
    return pf.Trajectories(np.cumsum(steps, axis=1), dt=0.5, channels=("x", "y"), units=("m", "m"), **fields)


@pytest.mark.parametrize(
    ("shift", "tolerance", "verdict"),
    [
        (0.0, None, "no drift found"),
        (0.3, None, "drift"),
        (0.3, 0.1, "drift"),
        (0.3, 0.6, "within tolerance"),
        (0.0, 0.6, "within tolerance"),
        (0.3, 0.3, "inconclusive"),
        (0.0, 0.001, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_drift_and_tolerance(shift, tolerance, verdict):
    found = audit_values(normal(4000, shift, 1), normal(4000), tolerance=tolerance, settings=FAST)
    assert found.quantities[0].verdict == verdict
    assert found.drifted == (verdict == "drift")


def test_a_stated_law_is_tested_with_one_sample():
    rng = np.random.default_rng(2)
    kept = audit_values(rng.uniform(1, 2, 3000), intended="uniform(1, 2)", settings=FAST)
    lost = audit_values(rng.uniform(1, 2.2, 3000), intended="uniform(1, 2)", settings=FAST)
    assert (kept.quantities[0].verdict, lost.quantities[0].verdict) == ("no drift found", "drift")
    assert kept.quantities[0].n_reference is None
    assert kept.quantities[0].mean_expected == pytest.approx(1.5)
    bins = lost.quantities[0].bins
    assert bins.made[1:-1][bins.edges[:-1] >= 2].sum() == pytest.approx(0.2 / 1.2, abs=0.05)


def test_samples_can_be_the_intended_law_with_their_own_noise():
    data, made = normal(300), normal(4000, 0.1, 1)
    given = audit_values(made, intended=data, settings=FAST).quantities[0]
    against = audit_values(made, data, settings=FAST).quantities[0]
    assert given.n_reference == 300
    assert given.mean_shift == against.mean_shift
    assert given.w1.value == pytest.approx(against.w1.value, abs=0.005)
    with pytest.raises(InputError, match="finite numbers"):
        audit_values(made, intended=[1.0, np.nan])


def test_a_local_change_is_marked_where_it_is():
    rng = np.random.default_rng(3)
    data, made = rng.uniform(0, 1, 20_000), rng.uniform(0, 1, 20_000)
    made[(made > 0.25) & (made < 0.5)] += 0.25
    quantity = audit_values(made, data, settings=FAST).quantities[0]
    centre = 0.5 * (quantity.bins.edges[1:] + quantity.bins.edges[:-1])
    gain = quantity.bins.gain[1:-1]
    assert (gain[(centre > 0.27) & (centre < 0.48)] == -1).all()
    assert (gain[(centre > 0.52) & (centre < 0.73)] == 1).all()
    assert (gain[(centre < 0.23) | (centre > 0.77)] == 0).mean() > 0.9


def test_a_constant_quantity_has_no_drift_and_a_moved_constant_has():
    same = audit_values(np.full(50, 2.0), np.full(60, 2.0), settings=FAST).quantities[0]
    moved = audit_values(np.full(50, 2.5), np.full(60, 2.0), settings=FAST).quantities[0]
    assert (same.verdict, same.w1.value, same.w1.p_value) == ("no drift found", 0.0, 1.0)
    assert (moved.verdict, moved.mean_shift.low, moved.mean_shift.high) == ("drift", 0.5, 0.5)
    assert moved.w1.value == pytest.approx(0.5, abs=0.002)


def test_a_wild_value_does_not_squeeze_the_rest_into_one_cell():
    made = np.append(normal(2000, 0.3, 4), 1e9)
    quantity = audit_values(made, normal(2000), settings=FAST).quantities[0]
    assert quantity.bins.edges[-1] < 20
    assert quantity.bins.made[-1] == pytest.approx(1 / 2001)


def test_json_reads_back_to_the_same_audit_and_has_the_documented_fields():
    audit = audit_values(
        normal(500, 0.2, 1), normal(500), name="energy", unit="J", tolerance=0.5, settings=FAST
    )
    record = json.loads(audit.to_text())
    assert Audit.from_json(record).to_text() == audit.to_text()
    assert {"version", "seed", "grid", "quantities"} <= set(record)
    quantity = record["quantities"][0]
    documented = {
        "name", "unit", "n_made", "n_reference", "n_invalid", "mean_shift", "w1", "ks", "tv", "p_adjusted",
        "minimum_detectable", "bins", "verdict",
    }  # fmt: skip
    assert documented <= set(quantity)
    assert {"value", "low", "high"} <= set(quantity["mean_shift"])
    assert {"value", "null_95", "p_value"} <= set(quantity["w1"])
    assert {"edges", "expected", "made", "low", "high"} <= set(quantity["bins"])
    assert len(quantity["bins"]["edges"]) == len(quantity["bins"]["made"]) + 1


@pytest.mark.parametrize("record", [None, {}, {"format": "pushforward-audit", "format_version": 99}, [1]])
def test_what_is_not_an_audit_is_refused(record):
    with pytest.raises(InputError):
        Audit.from_json(record)


def test_a_damaged_audit_is_refused():
    record = json.loads(audit_values(normal(50), normal(50), settings=FAST).to_text())
    del record["quantities"][0]["w1"]
    with pytest.raises(InputError, match="damaged audit"):
        Audit.from_json(record)


def test_streams_in_any_batches_give_the_audit_of_the_whole_in_every_bit():
    made, data = motion(401, 1.1, 1), motion(307, 1.0, 2)
    wanted = ["path-length", "displacement"]
    whole = pf.audit(made, data, quantities=wanted, settings=FAST)
    for size in (1, 7, 100):
        made_parts, data_parts = partial(made.batches, size), partial(data.batches, size)
        parts = pf.audit(made_parts, data_parts, quantities=wanted, settings=FAST)
        assert parts.to_text() == whole.to_text()


def test_the_same_seed_gives_the_same_audit_and_quantities_do_not_disturb_one_another():
    made, data = motion(300, 1.05, 1), motion(300, 1.0, 2)
    both = pf.audit(made, data, quantities=["path-length", "displacement"], seed=5, settings=FAST)
    alone = pf.audit(made, data, quantities="path-length", seed=5, settings=FAST)
    first, second = both["path-length"].to_json(), alone["path-length"].to_json()
    # Only what is settled over all quantities together may differ.
    together = dict.fromkeys(("p_adjusted", "verdict", "minimum_detectable"))
    assert {**first, **together} == {**second, **together}
    other = pf.audit(made, data, quantities="path-length", seed=6, settings=FAST)
    assert other["path-length"].w1.null_95 != alone["path-length"].w1.null_95


def test_any_callable_is_a_quantity():
    audit = pf.audit(motion(50), motion(50, seed=1), quantities=[lambda x: x.values[:, -1, 0]], settings=FAST)
    assert audit.quantities[0].n_made == 50


def test_undefined_values_are_counted_and_never_silently_dropped():
    def sometimes(trajectories):
        value = trajectories.values[:, 0, 0].astype(float)
        return np.where(value > 0.5, np.nan, value)

    made = motion(200)
    audit = pf.audit(made, motion(200, seed=1), quantities=[sometimes], settings=FAST)
    expected = int((made.values[:, 0, 0] > 0.5).sum())
    assert expected > 0
    assert audit["sometimes"].n_invalid == expected
    assert "not defined on" in str(audit)


def test_groups_widen_the_uncertainty():
    groups = np.repeat(np.arange(40), 10)
    x = np.repeat(normal(40), 10) + 0.1 * normal(400, seed=1)
    y = np.repeat(normal(40, seed=2), 10) + 0.1 * normal(400, seed=3)
    naive = audit_values(x, y, settings=FAST).quantities[0]
    honest = audit_values(x, y, made_groups=groups, against_groups=groups, settings=FAST).quantities[0]
    ratio = (honest.mean_shift.high - honest.mean_shift.low) / (naive.mean_shift.high - naive.mean_shift.low)
    assert ratio == pytest.approx(10**0.5, rel=0.2)
    assert honest.w1.null_95 > 2 * naive.w1.null_95
    assert (honest.n_groups_made, naive.n_groups_made) == (40, None)


def test_generated_trajectories_without_groups_are_independent_beside_a_grouped_reference():
    data = motion(200, seed=1, groups=np.repeat(np.arange(20), 10), group_name="storm")
    audit = pf.audit(motion(200), data, quantities="path-length", group="storm", settings=FAST)["path-length"]
    assert (audit.n_groups_made, audit.n_groups_reference) == (None, 20)


def test_groups_of_one_are_independent_values():
    alone = audit_values(normal(80, seed=1), normal(90), settings=FAST)
    named = audit_values(
        normal(80, seed=1), normal(90), made_groups=range(80), against_groups=range(90), settings=FAST
    )
    assert named.to_text() == alone.to_text()


def test_a_condition_can_be_the_group():
    storms = {"storm": np.repeat(np.arange(20.0), 10)}
    made, data = motion(200, conditions=storms), motion(200, seed=1, conditions=storms)
    assert pf.audit(made, data, quantities="path-length", group="storm")["path-length"].n_groups_made == 20
    with pytest.raises(InputError, match="unknown group 'strom'; did you mean 'storm'"):
        pf.audit(made, data, quantities="path-length", group="strom")


def test_far_outliers_of_one_side_are_never_within_tolerance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40_000))
    a[:120], b[:120] = 1000, 10
    quantity = audit_values(a, b, tolerance=0.2, settings=FAST).quantities[0]
    assert quantity.verdict == "drift"
    assert quantity.w1.value == pytest.approx(2.97, rel=0.4)


def test_a_range_that_misses_the_data_still_sees_the_drift():
    settings = replace(FAST, range=(0.0, 1.0))
    quantity = audit_values(
        normal(1000, 5), normal(1000, 50, 1), tolerance=0.1, settings=settings
    ).quantities[0]
    assert quantity.verdict == "drift"


@pytest.mark.parametrize("law", ["truncnormal(10, 1, 0, 1000000)", "normal(10, 1)"])
def test_a_support_much_wider_than_the_mass_does_not_blind_the_audit(law):
    quantity = audit_values(normal(5000, 10.3), intended=law, settings=FAST).quantities[0]
    assert (quantity.verdict, quantity.w1.value) == ("drift", pytest.approx(0.3, abs=0.06))


def test_an_outlier_among_the_intended_samples_does_not_blind_the_audit():
    samples = np.append(normal(999), 1e6)
    assert audit_values(normal(1000, 0.5, 1), intended=samples, settings=FAST).drifted


def test_quantiles_beyond_a_stated_law_are_those_of_the_values():
    made = normal(5000, 3)
    for shift in audit_values(made, intended="uniform(0, 1)", settings=FAST).quantities[0].quantile_shifts:
        truth = np.quantile(made, shift.level) - shift.level
        assert shift.low < truth < shift.high


def test_a_law_with_atoms_shifts_no_quantile_without_drift():
    made = np.random.default_rng(0).integers(0, 10, 5000).astype(float)
    quantity = audit_values(made, intended=pf.Intended(stats.randint(0, 10)), settings=FAST).quantities[0]
    assert quantity.verdict == "no drift found"
    assert all(shift.low <= 0 <= shift.high for shift in quantity.quantile_shifts)


def test_one_drift_is_found_among_very_many_quantities():
    names = [f"q{i}" for i in range(60)]
    data = {name: normal(200, seed=i) for i, name in enumerate(names)}
    made = {name: normal(200, 5.0 * (i == 7), seed=100 + i) for i, name in enumerate(names)}
    audit = audit_streams(
        lambda: iter([(made, None)]),
        lambda: iter([(data, None)]),
        units=dict.fromkeys(names, ""),
        settings=AuditSettings(bins=8, subdivisions=8),
    )
    assert [name for name, verdict in audit.verdicts.items() if verdict == "drift"] == ["q7"]


def test_a_quantity_undefined_where_it_should_not_be_is_drift():
    made = normal(1000)
    made[:300] = np.nan
    audit = audit_values(made, normal(1000, seed=1), settings=FAST)
    assert audit.quantities[0].verdict == "drift"
    assert audit.quantities[0].undefined.value == pytest.approx(0.3)
    assert "significant" in str(audit)


def test_units_that_differ_are_refused_and_missing_ones_are_not():
    data = motion(50)
    for change, name in (({"units": ("km", "m")}, "km"), ({"time_unit": "h"}, "h")):
        with pytest.raises(InputError, match=f"units differ.* is in {name}"):
            pf.audit(replace(motion(50, seed=1), **change), data, quantities="path-length", settings=FAST)
    bare = replace(motion(50, seed=1), units=("", ""))
    assert pf.audit(bare, data, quantities="path-length", settings=FAST)["path-length"].n_made == 50


def test_invalid_trajectories_left_out_are_counted():
    values = motion(50).values.copy()
    values[3, 2, 1] = np.nan
    made = pf.Trajectories(values, dt=0.5, channels=("x", "y"), units=("m", "m"), drop_invalid=True)
    audit = pf.audit(made, motion(50, seed=1), quantities="path-length", settings=FAST)
    assert audit.n_dropped == {"made": 1, "against": 0}
    assert "made: 1 invalid" in str(audit)


def test_clear_errors():
    made = motion(50)
    cases = [
        (lambda: pf.audit(made), "nothing to be compared with"),
        (lambda: pf.audit(made, made.select([0])), "got 1 trajectories"),
        (lambda: pf.audit(made, made.select([])), "no trajectories"),
        (lambda: pf.audit(made, made.select_channels(["x"])), "channels differ"),
        (lambda: pf.audit(made, made, quantities=["path-lenght"]), "did you mean 'path-length'"),
        (lambda: pf.audit(made, made, quantities=[]), "expected at least one"),
        (lambda: pf.audit(made, made, quantities=["path-length", "path-length"]), "twice"),
        (
            lambda: pf.audit(made, intended="uniform(0, 1)", quantities=["path-length", "displacement"]),
            "name them",
        ),
        (lambda: pf.audit(made, made, quantities="path-length", tolerance=-1.0), "positive"),
        (
            lambda: pf.audit(made, made, quantities="path-length", tolerance={"speed": 1.0}),
            "unknown quantity",
        ),
        (lambda: pf.audit(made, made, quantities=[lambda x: np.full(len(x), np.nan)]), "not defined on any"),
        (lambda: pf.audit(made, made, quantities=[lambda x: x.values]), "one per trajectory"),
        (lambda: pf.audit(made, made, quantities=[lambda x: 1 / 0]), "ZeroDivisionError"),
        (lambda: audit_values([[1.0]], [1.0]), "expected \\(N,\\)"),
        (lambda: AuditSettings(resamples=5), "resamples"),
        (lambda: AuditSettings(range=(2.0, 1.0)), "low < high"),
        (lambda: AuditSettings(bins=2.5), "whole number"),
        (lambda: AuditSettings(level="x"), "between 0 and 1"),
        (lambda: audit_values([1.0, 2.0], [1.0, 2.0], intended="uniform(0, 1)"), "would not be used"),
        (lambda: audit_values([1.0, np.inf], [1.0, 2.0], name="speed"), "speed.*infinity"),
        (
            lambda: audit_values([1.0] * 9, [1.0] * 9, made_groups=[1] * 9, against_groups=[1] * 9),
            "got 1 group",
        ),
    ]
    for call, expected in cases:
        with pytest.raises(InputError, match=expected) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_given_range_needs_one_pass_only():
    passes = []
    data = motion(100)

    def source():
        passes.append(1)
        return iter([({"q": data.values[:, -1, 0].astype(float)}, None)])

    audit_streams(source, source, units={"q": "m"}, settings=replace(FAST, range=(-20.0, 20.0)))
    assert len(passes) == 2
    audit_streams(source, source, units={"q": "m"}, settings=FAST)
    assert len(passes) == 6
