"""measure: the statistics of drift. NumPy and SciPy only."""

from pushforward.measure.audit import audit
from pushforward.measure.compare import compare
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.measure.results import Audit, Bins, Distance, QuantileShift, QuantityAudit, Shift, Verdict
from pushforward.measure.streams import AuditSettings, audit_streams, audit_values
from pushforward.measure.tally import GroupCounts, Tally

__all__ = [
    "Audit",
    "AuditSettings",
    "Bins",
    "Distance",
    "Grid",
    "GroupCounts",
    "Intended",
    "QuantileShift",
    "QuantityAudit",
    "Shift",
    "Tally",
    "Verdict",
    "audit",
    "audit_streams",
    "audit_values",
    "compare",
]
