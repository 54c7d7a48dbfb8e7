"""Does what `recommend` ranks before training hold after it? Trained drift of every arm on the paper's systems.

For each system and mitigation one diffusion model is trained on 10,000 trajectories with the same small budget, sampled
6,000 times, audited and checked, and some are used for a selection of 2,000 trajectories; forecasts are made with no
look at these. A cell of `results/repair.jsonl` that is there is not made again: `python -m benchmarks.repair` can be
stopped and goes on; `--table` prints what there is.

`--foretell` makes forecasts from thin models of the class, one trained in each representation's codes for a tenth of a
training's FLOPs, as `recommend(data, quantity, generator=...)` does. That kernel, its share and the ranking by forecast
total variation were chosen on the logistic map and the double pendulum; the other three systems test the choice.
`--recommend` keeps what `recommend` itself then says, `--select` what large selections cost as it is and in its codes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import pushforward as pf
from pushforward import generators, mitigations, systems
from pushforward.demo.sealed import recommendation_from_json
from pushforward.errors import InputError
from pushforward.mitigations.select import draws_until
from pushforward.pilots.kernel import Pilot
from pushforward.recommend.results import Recommendation
from pushforward.representations import parse
from pushforward.representations.deviation import Represented

RESULTS = Path(__file__).parent / "results" / "repair.jsonl"
FORECASTS = RESULTS.with_name("repair_forecasts.jsonl")
RECOMMENDED = RESULTS.with_name("repair_recommended.jsonl")
SHARE, N_AHEAD = 0.1, 4096
SELECTIONS = RESULTS.with_name("repair_selections.jsonl")
N_DATA, N_MADE, N_SELECTED, N_LARGE = 10_000, 6_000, 2_000, 20_000
TOLERANCE = 0.01
BUDGET: dict[str, Any] = {"steps": 1000, "batch_size": 64}
SYSTEMS: dict[str, dict[str, Any]] = {
    "logistic-map": {"T": 32},
    "double-pendulum": {"T": 32},
    "maze": {"T": 32, "dt": 0.5},
    "cone": {"T": 32},
    "sinusoid": {"T": 32},
}
# Those from "gaussianized" on joined last, when it was seen that what was left of the drift is spilt over the edges of
# the quantity's law, so that their trainings are no test of how the others were chosen.
REPRESENTATIONS: dict[str, tuple[str, ...]] = {
    "logistic-map": (
        *("map-parameter", "cosines", "whitened", "reference-path", "increments", "amplitude-phase"),
        *("gaussianized", "map-parameter + gaussianized"),
    ),
    "double-pendulum": (
        *("energy-phase", "reference-path", "unwrapped-angle", "cosines", "whitened", "increments"),
        *("gaussianized", "energy-phase + gaussianized"),
    ),
    "maze": (
        *("speed-heading", "log-speed-turning", "increments", "reference-path", "cosines", "whitened"),
        *("gaussianized", "speed-heading + gaussianized"),
    ),
    "cone": (
        *("spherical", "reference-path", "cosines", "whitened", "increments", "amplitude-phase"),
        *("gaussianized", "spherical + gaussianized"),
        "spherical(turning=True) + reference-path(reference=mean) + gaussianized",
    ),
    "sinusoid": (
        *("amplitude-phase", "reference-path", "cosines", "whitened", "increments"),
        *("gaussianized", "demodulated", "demodulated + gaussianized(channels=('frequency',))"),
    ),
}
# Representations in which a model was conditioned too: the lowest forecasts, of all and of those that were there first.
COMPOSED: dict[str, tuple[str, ...]] = {
    "logistic-map": ("map-parameter", "map-parameter + gaussianized"),
    "double-pendulum": ("energy-phase", "energy-phase + gaussianized"),
    "maze": ("speed-heading", "speed-heading + gaussianized"),
    "cone": ("spherical", "spherical + gaussianized"),
    "sinusoid": ("cosines", "reference-path", "demodulated + gaussianized(channels=('frequency',))"),
}
SELECTED = ("none", "map-parameter", "energy-phase", "speed-heading", "spherical", "amplitude-phase")


def texts(system: Any, name: str) -> dict[str, list[str]]:
    """What is put around the generator, by the name of the arm."""
    quantity = system.quantity.label
    arms: dict[str, list[str]] = {"none": []}
    arms |= {one: [f"represent({one})"] for one in REPRESENTATIONS[name]}
    arms |= {
        "condition": [f"condition({quantity})"],
        "deconvolve": [f"deconvolve({quantity})"],
        "reweight": [f"reweight({quantity}, intended={system.default_intended})"],
        "jacobian": ["jacobian(0.001)"],
        "spectral-norm": ["spectral-norm(4.0)"],
    }
    arms |= {f"{one} + condition": [f"represent({one})", f"condition({quantity})"] for one in COMPOSED[name]}
    # The two that need a gradient of the quantity, which some quantities do not have.
    return arms | {"match": [f"match({quantity}, strength=0.1)"], "guide": [f"guide({quantity})"]}


def cell(name: str, arm: str, seed: int) -> dict[str, Any]:
    """Train, sample, audit, check, select."""
    system = systems.create(name)
    data = _data(name)
    quantity = system.quantity
    model: Any = generators.create("diffusion", **BUDGET)
    used = time.process_time()
    try:
        model = mitigations.mitigate(model, texts(system, name)[arm]) if texts(system, name)[arm] else model
        model.fit(data, seed=seed)
    except InputError as error:
        return {"system": name, "arm": arm, "seed": seed, "refused": str(error)}
    trained = time.process_time() - used
    used = time.process_time()
    made = model.sample(N_MADE, seed=seed + 1)
    sampled = time.process_time() - used
    found = pf.audit(made, against=data, quantities=[quantity]).quantities[0]
    row = {
        "system": name,
        "arm": arm,
        "seed": seed,
        "tv": found.tv.value,
        "tv_null_95": found.tv.null_95,
        "w1": found.w1.value,
        "w1_null_95": found.w1.null_95,
        "mean_shift": found.mean_shift.value,
        "unit": found.unit,
        "undefined": float(np.mean(~np.isfinite(quantity(made)))),
        "valid": float(np.mean(system.valid(made))),
        "diversity": float(np.sqrt(made.values.var(axis=0).sum() / data.values.var(axis=0).sum())),
        "train_cpu_seconds": round(trained, 1),
        "sample_cpu_seconds": round(sampled, 1),
        "version": pf.__version__,
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
    }
    return row | (_selected(model, data, quantity, seed) if arm in SELECTED or " + " in arm else {})


def _data(name: str) -> pf.Trajectories:
    system = systems.create(name)
    return system.sample(N_DATA, pf.Intended.parse(system.default_intended), seed=0, **SYSTEMS[name])


def _selected(
    model: Any, data: pf.Trajectories, quantity: Any, seed: int, n: int = N_SELECTED
) -> dict[str, Any]:
    select = mitigations.Select(quantity).apply(model, data)
    try:
        made = select.sample(n, seed=seed + 2)
    except InputError as error:
        return {"selected_refused": str(error)}
    found = pf.audit(made, against=data, quantities=[quantity]).quantities[0]
    return {
        "selected_tv": found.tv.value,
        "selected_tv_null_95": found.tv.null_95,
        "selected_w1": found.w1.value,
        "selected_w1_null_95": found.w1.null_95,
        "draws_per_kept": select.account.cost,
        "effective_share": select.account.effective_share,
        "draws_tolerated": draws_until(
            select.account.wanted, np.maximum(select.account.made, 1) / select.account.drawn, TOLERANCE
        ),
    }


def selection(name: str, arm: str) -> dict[str, Any]:
    """What a large selection costs, whose bins chance fills more evenly: the first seed's training again."""
    data, system = _data(name), systems.create(name)
    model: Any = generators.create("diffusion", **BUDGET)
    around = texts(system, name)[arm]
    model = (mitigations.mitigate(model, around) if around else model).fit(data, seed=0)
    return {"system": name, "arm": arm, **_selected(model, data, system.quantity, 0, N_LARGE)}


def known() -> dict[tuple[str, str, int], dict[str, Any]]:
    """The cells made so far."""
    return {(row["system"], row["arm"], row["seed"]): row for row in _rows(RESULTS)}


def _rows(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines() if line] if ledger.exists() else []


def _keep(ledger: Path, row: dict[str, Any]) -> None:
    ledger.parent.mkdir(exist_ok=True)
    with ledger.open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def foretold(name: str, arm: str) -> dict[str, Any]:
    """What errors of a thin model, trained in the codes, do to the quantity; made without a look at `RESULTS`."""
    data, quantity = _data(name), systems.create(name).quantity
    used = time.process_time()
    model = generators.create("diffusion", **BUDGET)
    row: dict[str, Any] = {"system": name, "arm": arm, "share": SHARE}
    kernel: Any
    try:
        coordinates, _, told = arm.rpartition(" + ")
        if told == "condition":
            data, order = mitigations.create("condition", quantity).fitted(data).training(data, 0)
            representation = parse(coordinates or "identity").fitted(data)
            codes = representation.encode(data)
            pilot = pf.pilot(codes, model, share=SHARE, condition=order["condition"])
            kernel = replace(Represented(kernel=pilot, representation=representation), is_fitted=True)
        else:
            representation = parse("identity" if arm == "none" else arm)
            kernel = Represented(kernel=Pilot(share=SHARE, intended=model), representation=representation)
            kernel = kernel.fitted(data)
            pilot = kernel.kernel
        ahead = pf.forecast(kernel, data.select(slice(0, N_AHEAD)), quantity, repeats=2)
    except InputError as error:
        return row | {"refused": str(error)}
    account = pilot.account
    assert account is not None
    return row | {
        "tv": ahead.tv.value,
        "w1": ahead.w1.value,
        "mean_shift": ahead.mean_shift.value,
        "flops_share": round(account.share, 4),
        "pilot_cpu_seconds": round(account.seconds, 1),
        "training_cpu_seconds": round(account.intended_seconds, 1),
        "cpu_seconds": round(time.process_time() - used, 1),
    }


def recommended(name: str) -> dict[str, Any]:
    """What `recommend` says before any training, by pilots of the class."""
    model, system = generators.create("diffusion", **BUDGET), systems.create(name)
    found = pf.recommend(
        _data(name),
        system.quantity,
        generator=model,
        share=SHARE,
        representations=REPRESENTATIONS[name],
        valid=system.valid,
    )
    return {"system": name, "share": SHARE, **found.to_json()}


def forecasts(name: str, kernel: str, drift: str = "tv") -> dict[str, float]:
    """Forecast drift (`tv` or `w1`) of every representation, from the data alone.

    `recommend`: what that says, of every candidate; `pilot`: those of `foretold` so far.
    """
    if kernel == "recommend":
        told = recommendation(name)
        ahead = {} if told is None else {one.name: getattr(one, drift).value for one in told.candidates}
        return {arm: ahead[label] for arm, label in labels(name).items() if label in ahead}
    if kernel == "pilot":
        return {row["arm"]: row[drift] for row in _rows(FORECASTS) if row["system"] == name and drift in row}
    data, quantity = _data(name), systems.create(name).quantity
    first = pf.forecast(pf.kernels.parse(kernel), data, quantity, repeats=2)
    found = {"none": first}
    for one in REPRESENTATIONS[name]:
        errors = Represented(kernel=pf.kernels.parse(kernel), representation=parse(one))
        found[one] = pf.forecast(errors, data, quantity, repeats=2, grid=first.grid)
    return {arm: getattr(ahead, drift).value for arm, ahead in found.items()}


def recommendation(name: str) -> Recommendation | None:
    """What `recommend` said of a system, as the ledger keeps it."""
    told = [row for row in _rows(RECOMMENDED) if row["system"] == name]
    return recommendation_from_json(told[-1]) if told else None


def large_selections() -> list[dict[str, Any]]:
    """What `--select` kept."""
    return _rows(SELECTIONS)


def labels(name: str) -> dict[str, str]:
    """Arm -> how `recommend` names it."""
    return {arm: _candidate(made) for arm, made in texts(systems.create(name), name).items()}


def _candidate(mitigations: list[str]) -> str:
    """How `recommend` names what is put around the generator."""
    if len(mitigations) == 1 and mitigations[0].startswith("represent("):
        return mitigations[0].removeprefix("represent(").removesuffix(")")
    return " + ".join(mitigations) or "identity"


def trained(name: str, arm: str) -> list[dict[str, Any]]:
    """The cells of an arm that were trained, a seed each."""
    return [row for (system, one, _), row in known().items() if (system, one) == (name, arm) and "tv" in row]


def refused(name: str) -> dict[str, str]:
    """Arm -> why it could not be."""
    return {
        arm: row["refused"]
        for (system, arm, _), row in known().items()
        if system == name and "refused" in row
    }


def _select(names: list[str], arms: list[str] | None) -> None:
    from benchmarks.repair_table import chosen, conditioned, for_selection

    done = {(row["system"], row["arm"]) for row in large_selections()}
    for name in names:
        told = ("none", chosen(name), for_selection(name), conditioned(name))
        for arm in dict.fromkeys(told if arms is None else arms):
            if arm is not None and (name, arm) not in done:
                _keep(SELECTIONS, selection(name, arm))


def main() -> None:
    """Make what is missing, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=__doc__)
    parser.add_argument("--table", action="store_true", help="only print what there is")
    parser.add_argument("--foretell", action="store_true", help="forecast by thin models instead of training")
    parser.add_argument(
        "--recommend", action="store_true", help="keep what recommend says instead of training"
    )
    parser.add_argument("--select", action="store_true", help="large selections instead of training")
    parser.add_argument("--figure", type=Path, help="only draw forecast beside training, into this file")
    parser.add_argument("--system", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--arm", nargs="*", default=None, help="only these arms")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--kernel", default="recommend", help="of the forecasts in the table")
    wanted = parser.parse_args()
    if wanted.figure is not None:
        from benchmarks.repair_figure import draw

        draw(wanted.figure, wanted.kernel)
        return
    if wanted.recommend:
        told = {row["system"] for row in _rows(RECOMMENDED)}
        for name in wanted.system:
            if name not in told:
                _keep(RECOMMENDED, recommended(name))
        return
    if wanted.foretell:
        done = {(row["system"], row["arm"]) for row in _rows(FORECASTS)}
        for name in wanted.system:
            composed = (f"{one} + condition" for one in COMPOSED[name])
            for arm in ("none", *REPRESENTATIONS[name], "condition", *composed):
                if (name, arm) not in done:
                    _keep(FORECASTS, foretold(name, arm))
        return
    if wanted.select:
        _select(wanted.system, wanted.arm)
        return
    jobs = [
        (name, arm, seed)
        for seed in range(wanted.seeds)
        for name in wanted.system
        for arm in texts(systems.create(name), name)
        if wanted.arm is None or arm in wanted.arm
    ]
    for name, arm, seed in () if wanted.table else jobs:
        if (name, arm, seed) not in known():
            _keep(RESULTS, cell(name, arm, seed))
    from benchmarks.repair_table import tables

    print(tables(wanted.kernel))


if __name__ == "__main__":
    main()
