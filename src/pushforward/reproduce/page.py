"""The page of all claims, made from the committed results and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from pushforward.reproduce import CLAIMS, claim_named
from pushforward.reproduce.checks import Check
from pushforward.reproduce.record import Reproduced, committed
from pushforward.reproduce.table import NOT_RUN, number_text

__all__ = ["claims_page"]

_INTRODUCTION = """\
# Claims

The claims of [arXiv 2605.20299](https://arxiv.org/abs/2605.20299), each a named study that anyone can run. Its rule was
written before it was run, and says which numbers would confirm and which would refute it. The abstract gives the
claims; systems, sizes and thresholds are this library's.

```bash
pushforward reproduce                                  # the claims, and the verdicts below
```

```sh
pushforward reproduce drift-across-classes             # run one, in the folder reproduction/
pushforward reproduce drift-across-classes --resume    # go on after a crash or an interrupt
pushforward reproduce errors-cause-drift --seeds 5 6 7 # other data, other weights, other samples
pushforward reproduce errors-cause-drift --check       # run it and compare; exits with 1 where it disagrees
pushforward reproduce forecast-maze --quick            # a smaller budget, to see it run
```

```py
from pathlib import Path
from pushforward.reproduce import Budget, claim_named, reproduce

reproduce(claim_named("drift-across-classes"), Path("larger"), Budget(steps=3000, seeds=(0, 1, 2)))
```

Every claim is a [study](studies.md): `pushforward status reproduction/forecast-maze` and `pushforward report
reproduction/forecast-maze` work. A run that another claim in the folder has done already is taken over.

`--check` compares the verdict and every number that decides; give it a fresh folder (`-o`), since runs in it are not
made again. Means over m and n seeds may differ by max(t s, z u) √(1/m + 1/n): s is the standard deviation between
seeds with Student's t, u the standard error within runs with the normal z, both at 1 % for each number. With few seeds
that is wide: a check finds what has broken, not what has changed a little.

## Verdicts

Models are small and trained for a minute, so these are verdicts at this budget: {budget}.
A noise floor is what 95 % of comparisons without drift stay below; the scores of forecasts are explained in
[Studies](studies.md#kernels).

| claim | verdict | checks that hold | seeds | CPU |
|---|---|---|---|---|
"""

_OUTCOMES = {"holds": "yes", "fails": "**no**", "unclear": "unclear"}


def claims_page() -> str:
    """The page in Markdown: a table of verdicts, then for each claim its rule, its checks and their numbers."""
    found = {name: committed(name) for name in CLAIMS}
    table = "".join(_row(name, result) for name, result in found.items())
    sections = "\n".join(_section(name, result) for name, result in found.items())
    return f"{_INTRODUCTION.replace('{budget}', _budget())}{table}\n{sections}"


def _budget() -> str:
    from pushforward.reproduce.budget import FULL

    return (
        f"{FULL.n:,} training trajectories of 32 steps, {FULL.steps:,} training steps of {FULL.batch_size}, "
        f"{FULL.samples:,} samples"
    )


def _row(name: str, result: Reproduced | None) -> str:
    if result is None:
        return f"| [{name}](#{name}) | {NOT_RUN} | | | |\n"
    claims = [check for check in result.checks if check.role == "claim"]
    held = sum(check.outcome == "holds" for check in claims)
    cost = f"{result.cpu_seconds / 60:.1f} min"
    return f"| [{name}](#{name}) | {result.verdict} | {held} of {len(claims)} | {len(result.budget.seeds)} | {cost} |\n"


def _section(name: str, result: Reproduced | None) -> str:
    claim = claim_named(name)
    lines = [f"## {name}", "", claim.statement if result is None else result.statement, ""]
    lines += [f"*Rule.* {claim.rule if result is None else result.rule}", ""]
    if result is None:
        return "\n".join([*lines, "Not run yet.", ""])
    lines += [f"**{result.verdict.capitalize()}**, {_provenance(result)}.", ""]
    lines += ["| check | holds | measured, by seed [95 % limits of the run] |", "|---|---|---|"]
    lines += [line for check in result.checks for line in _check(check)]
    lines += ["", f"*Remark, after the run.* {claim.remark}"] if claim.remark else []
    return "\n".join([*lines, ""])


def _provenance(result: Reproduced) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return (
        f"seeds {', '.join(map(str, result.budget.seeds))}, {result.date}, {result.cpu_seconds:.0f} s of CPU on one "
        f"thread, {versions}"
    )


def _check(check: Check) -> Iterator[str]:
    decides = check.role != "context"
    outcome = _OUTCOMES[check.outcome] if decides or check.outcome != "unclear" else ""
    role = {"claim": "", "premise": " *(premise)*", "context": " *(decides nothing)*"}[check.role]
    numbers = "<br>".join(f"{number.key}: {number_text(number)}" for number in check.numbers)
    yield f"| {check.name}{role} | {outcome} | {numbers} |"
