"""One self-contained HTML report of an audit: `report(audit).save("report.html")`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["Report", "report"]

if TYPE_CHECKING:
    from pushforward.report.page import Report, report


class _Room(ModuleType):
    """This package is callable, because importing it first hides the function of the same name.

    `import pushforward.report` binds the module as `pushforward.report`; `pushforward.report(audit)` must
    still make a report afterwards.
    """

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from pushforward.report.page import report

        return report(*arguments, **settings)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("pushforward.report.page"), name)
    raise AttributeError(f"module 'pushforward.report' has no attribute {name!r}")
