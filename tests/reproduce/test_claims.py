"""The rule of every claim can end each way: confirmed, refuted, inconclusive. None of it trains anything."""

import pytest
from tests.reproduce.conftest import audit_row, score_row

from pushforward.errors import InputError
from pushforward.reproduce import CLAIMS, claim_named
from pushforward.reproduce.checks import verdict_of
from pushforward.study.plan import FRESH

DRIFTS, QUIET = audit_row(3.0), audit_row(0.5)
NO_ERRORS = {"forecast_w1": 0.0, "forecast_w1_low": 0.0, "forecast_w1_high": 0.0}


def by_arm(found, default=QUIET):
    """Says what stands under the longest label that the arm ends with; a list has one for each seed."""

    def says(data, arm, seed):
        fits = [label for label in found if arm.endswith(label)]
        said = found[max(fits, key=len)] if fits else default
        return said[seed] if isinstance(said, list) else said

    return says


def by_kernel(found):
    return lambda data, kernel, seed: found.get(kernel, {})


ERRORS = {
    "diffusion": DRIFTS,
    "diffusion, put back on the map": QUIET,
    "fresh data with white errors": DRIFTS,
}
NONE = by_kernel({"no errors": NO_ERRORS})
BOTH = {"diffusion": DRIFTS, "conditioned diffusion": QUIET, "diffusion of codes": QUIET}
WORSE = {**BOTH, "conditioned diffusion": audit_row(5.0), "diffusion of codes": audit_row(5.0)}
WIDE = audit_row(2.9, spread=1.0)
STATED = {"against the intended law": DRIFTS, "its demonstrations against the intended law": QUIET}
VALID = "only the valid"

CASES = {
    "drift-across-classes": [
        ("confirmed", {VALID: DRIFTS}, None),
        ("refuted", {VALID: QUIET, "diffusion": DRIFTS}, None),
        ("inconclusive", {VALID: DRIFTS, "flow": audit_row(3.0, valid=0.2), "vae": audit_row(3.0, valid=0.2),
                          "mlp": audit_row(3.0, valid=0.49)}, None),
        ("inconclusive", {VALID: [DRIFTS, QUIET]}, None),
        ("inconclusive", {VALID: DRIFTS, FRESH: audit_row(1.2)}, None),
    ],
    "errors-cause-drift": [
        ("confirmed", ERRORS, NONE),
        ("refuted", {**ERRORS, "diffusion, put back on the map": DRIFTS}, NONE),
        ("inconclusive", {**ERRORS, "diffusion, put back on the map": [QUIET, audit_row(1.2)]}, NONE),
        ("inconclusive", {**ERRORS, "diffusion": QUIET}, NONE),
        ("inconclusive", ERRORS, by_kernel({})),
        ("refuted", ERRORS, by_kernel({"no errors": NO_ERRORS, "the model's local errors": score_row(corr=0.1)})),
    ],
    "fine-errors-cause-drift": [
        ("confirmed", {"diffusion": DRIFTS}, None),
        ("refuted", {"diffusion": DRIFTS, "diffusion, exact below 0.5": DRIFTS}, None),
        ("refuted", {"diffusion": DRIFTS}, by_kernel({"the model's fine errors": score_row(corr=0.1)})),
        ("inconclusive", {"diffusion": DRIFTS, "diffusion, exact below 0.5": audit_row(1.4)}, None),
        ("inconclusive", {"diffusion": DRIFTS, "fresh data, exact below 0.5": DRIFTS}, None),
    ],
    "reweighting-does-not-stop-it": [
        ("confirmed", STATED, None),
        ("refuted", {}, None),
        ("inconclusive", {**STATED, "against the intended law": [DRIFTS, QUIET]}, None),
        ("inconclusive", {**STATED, "its demonstrations against the intended law": DRIFTS}, None),
    ],
    "conditioning-helps-in-simple-cases": [
        ("confirmed", BOTH, None),
        ("refuted", WORSE, None),
        ("inconclusive", {**BOTH, "conditioned diffusion": WIDE}, None),
        ("inconclusive", {}, None),
    ],
    "representation-reduces-it": [
        ("confirmed", BOTH, None),
        ("refuted", WORSE, None),
        ("inconclusive", {**BOTH, "diffusion of codes": WIDE}, None),
        ("inconclusive", {"diffusion of codes": DRIFTS}, None),
    ],
    **{
        name: [
            ("confirmed", {"diffusion": DRIFTS}, None),
            ("refuted", {"diffusion": DRIFTS}, by_kernel({"pilot (before training)": score_row(skill=-0.5)})),
            ("refuted", {"diffusion": DRIFTS}, by_kernel({"denoise (trained)": score_row(corr=0.0)})),
            ("inconclusive", {"diffusion": DRIFTS}, by_kernel({"denoise (trained)": score_row(sign=0.55)})),
            ("inconclusive", {"diffusion": DRIFTS}, by_kernel({"denoise (trained)": {"skill": None}})),
            ("inconclusive", {}, None),
        ]
        for name in ("forecast-synthetic", "forecast-maze", "forecast-double-pendulum")
    },
}  # fmt: skip


def test_every_claim_has_cases():
    assert CASES.keys() == CLAIMS.keys()


@pytest.mark.parametrize(
    ("name", "verdict", "audits", "scores"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
    ids=[f"{name}-{i}-{case[0]}" for name, cases in CASES.items() for i, case in enumerate(cases)],
)
def test_the_rule_ends_as_it_says(invented, name, verdict, audits, scores):
    claim = claim_named(name)
    found = invented(claim, by_arm(audits), *([scores] if scores else []))
    checks = claim.judge(found)
    assert verdict_of(checks) == verdict, [(check.outcome, check.name) for check in checks]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_stated_with_its_rule(name):
    claim = claim_named(name)
    assert claim.name == name
    for verdict in ("onfirmed", "efuted", "nconclusive"):
        assert verdict in claim.rule
    assert all(plan.seeds == claim.budget.seeds for plan in claim.plans(claim.budget))


def test_an_unknown_claim_is_refused_with_the_closest():
    with pytest.raises(InputError, match="did you mean 'drift-across-classes'"):
        claim_named("drift-acros-classes")


def test_a_run_without_a_result_for_a_seed_decides_nothing(invented):
    claim = claim_named("conditioning-helps-in-simple-cases")
    full = invented(claim, by_arm(BOTH))
    lost = [row for row in full.audits if not (row["arm"] == "conditioned diffusion" and row["seed"] == 1)]
    checks = claim.judge(type(full)(lost, full.forecasts, full.data, full.arms, full.kernels, full.seeds))
    assert verdict_of(checks) == "inconclusive"
