"""What is wrong with a plan, and where in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pushforward.errors import InputError

__all__ = ["PlanError", "within"]


class PlanError(InputError):
    """A plan that cannot be run. `path` leads to the entry at fault, such as `("system", 0, "intended")`."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Every error of the body becomes a `PlanError` whose path starts with `path`."""
    try:
        yield
    except PlanError as error:
        raise PlanError(str(error), (*path, *error.path)) from error
    except InputError as error:
        raise PlanError(str(error), path) from error
