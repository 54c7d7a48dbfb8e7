"""What a terminal shows of claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pushforward.reproduce.agreement import Agreement
from pushforward.reproduce.checks import Check
from pushforward.reproduce.measured import Number
from pushforward.reproduce.record import Reproduced

__all__ = ["NOT_RUN", "agreement_text", "claim_text", "number_text", "overview_text"]

NOT_RUN = "not run"
_SHOWN = {"holds": "yes", "fails": "NO", "unclear": "?"}
_ROLES = {"claim": "", "premise": " (premise)", "context": " (beside it)"}


def number_text(number: Number, digits: int = 3) -> str:
    """A number's values by seed, each with its limits where it has some."""
    texts = []
    for one in number.seeds:
        if one.value is None:
            texts.append("–")
            continue
        limits = (
            "" if one.low is None or one.high is None else f" [{one.low:.{digits}g}, {one.high:.{digits}g}]"
        )
        texts.append(f"{one.value:.{digits}g}{limits}")
    return "; ".join(texts)


def overview_text(found: Mapping[str, Reproduced | None]) -> str:
    """A line per claim: the committed verdict and what it took."""
    width = max(map(len, found))
    lines = [f"{'claim'.ljust(width)}  verdict       seeds  CPU"]
    for name, result in found.items():
        if result is None:
            lines.append(f"{name.ljust(width)}  {NOT_RUN}")
            continue
        cost = f"{result.cpu_seconds / 60:.1f} min"
        lines.append(f"{name.ljust(width)}  {result.verdict.ljust(12)}  {len(result.budget.seeds):5}  {cost}")
    return "\n".join(lines)


def claim_text(found: Reproduced) -> str:
    """The claim, its checks with their numbers by seed, and the verdict."""
    lines = [found.statement, ""]
    for check in found.checks:
        lines += _check_lines(check)
    seeds = ", ".join(map(str, found.budget.seeds))
    lines += ["", f"{found.claim}: {found.verdict} (seeds {seeds}; {found.cpu_seconds:.0f} s of CPU)"]
    return "\n".join(lines)


def _check_lines(check: Check) -> Iterable[str]:
    outcome = _SHOWN[check.outcome] if check.role != "context" or check.outcome != "unclear" else "-"
    yield f"{outcome.rjust(4)}  {check.name}{_ROLES[check.role]}"
    for number in check.numbers:
        yield f"        {number.key} = {number_text(number)}"


def agreement_text(agreement: Agreement) -> str:
    """The committed numbers beside those of now."""
    lines = ["", "committed beside now, and how far apart they may be:"]
    for one in agreement.differences:
        sign = "" if one.agrees else "  DISAGREES"
        lines.append(f"  {one.key}: {_mean(one.committed)}, {_mean(one.now)}, ± {_mean(one.margin)}{sign}")
    runs = "the same runs" if agreement.same_runs else "other runs (seeds or settings differ)"
    verdicts = f"verdict {agreement.committed}, now {agreement.now}"
    return "\n".join([*lines, f"{'agrees' if agreement.agrees else 'DISAGREES'}: {verdicts}; {runs}"])


def _mean(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
