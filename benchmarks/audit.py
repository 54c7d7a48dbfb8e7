"""10⁶ against 10⁶ values with null bands, intervals and multiplicity, on one thread, beside three peers.

The peers do less: SciPy's permutation test gives one statistic and its p-value, SDMetrics one KS statistic without
uncertainty, evidently one distance and a threshold. Run alone: `python -m benchmarks audit`.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.table import Row, fastest
from pushforward.measure import AuditSettings, audit_values

N = 1_000_000
# SciPy's permutation test at the full number of resamples would take minutes: a few are timed and scaled.
SCIPY_RESAMPLES = 3


def rows() -> list[Row]:
    """Time all of them on the same values."""
    rng = np.random.default_rng(0)
    made, data = rng.normal(0.003, 1, N), rng.normal(0, 1, N)
    settings = AuditSettings()
    ours = fastest(lambda: audit_values(made, data, settings=settings))
    found: list[Row] = [
        {
            "what": f"audit, {N:,} against {N:,} values, {settings.resamples} resamples",
            "ours": f"{ours:.3f} s",
            "peer": "-",
            "ratio": "-",
        }
    ]
    found.append(_scipy(made, data, ours, settings.resamples))
    exact, grid = stats.wasserstein_distance(made, data), audit_values(made, data).quantities[0].w1.value
    found.append(
        {
            "what": "W1 of the same values",
            "ours": f"{grid:.6f}",
            "peer": f"SciPy {exact:.6f}",
            "ratio": f"{grid / exact:.4f}",
        }
    )
    found += _sdmetrics(made, data, ours) + _evidently(made, data, ours)
    return found


def _scipy(made: NDArray[np.float64], data: NDArray[np.float64], ours: float, resamples: int) -> Row:
    def permuted() -> None:
        stats.permutation_test(
            (made, data), stats.wasserstein_distance, n_resamples=SCIPY_RESAMPLES, vectorized=False, rng=0
        )

    # The observed statistic is computed once besides the resamples.
    each = fastest(permuted, repeats=1) / (SCIPY_RESAMPLES + 1)
    total = each * (resamples + 1)
    return {
        "what": f"the same p-value of W1 ({SCIPY_RESAMPLES} resamples timed, scaled to {resamples})",
        "ours": f"{ours:.3f} s",
        "peer": f"SciPy permutation_test {total:.0f} s",
        "ratio": f"{total / ours:.0f}×",
    }


def _sdmetrics(made: NDArray[np.float64], data: NDArray[np.float64], ours: float) -> list[Row]:
    if importlib.util.find_spec("sdmetrics") is None:
        return [_absent("sdmetrics")]
    import pandas as pd
    from sdmetrics.single_column import KSComplement

    real, synthetic = pd.Series(data), pd.Series(made)
    seconds = fastest(lambda: KSComplement.compute(real_data=real, synthetic_data=synthetic))
    return [
        {
            "what": "one KS statistic, no uncertainty",
            "ours": f"{ours:.3f} s (all of the above)",
            "peer": f"SDMetrics {seconds:.3f} s",
            "ratio": f"{seconds / ours:.2f}×",
        }
    ]


def _evidently(made: NDArray[np.float64], data: NDArray[np.float64], ours: float) -> list[Row]:
    if importlib.util.find_spec("evidently") is None:
        return [_absent("evidently")]
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.metrics import ValueDrift

    current = Dataset.from_pandas(pd.DataFrame({"value": made}))
    reference = Dataset.from_pandas(pd.DataFrame({"value": data}))
    report = Report([ValueDrift(column="value", method="wasserstein")])
    seconds = fastest(lambda: report.run(current, reference), repeats=2)
    return [
        {
            "what": "one W1 with a fixed threshold",
            "ours": f"{ours:.3f} s (all of the above)",
            "peer": f"evidently {seconds:.3f} s",
            "ratio": f"{seconds / ours:.2f}×",
        }
    ]


def _absent(name: str) -> Row:
    return {
        "what": f"{name} is not installed: pip install 'pushforward[peers]'",
        "ours": "-",
        "peer": "-",
        "ratio": "-",
    }


if __name__ == "__main__":
    from benchmarks.table import table

    print(table(rows()))
