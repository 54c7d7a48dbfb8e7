"""Where work is done: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, final

from pushforward.errors import InputError, named
from pushforward.progress import silent
from pushforward.study.local import Finished, LocalPool, Told

__all__ = ["RUNNERS", "AbstractPool", "Here", "create_pool"]

RUNNERS = ("local", "ray")


class AbstractPool(Protocol):
    """Where work is done. One whose workers do not see the study's folder has a true attribute `apart`."""

    def run(self, work: str, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Finished | Told]:
        """Do all tasks, of the kind that `worker.WORK` calls `work`, and give their answers as they come."""


@final
class Here:
    """Everything in this process, one task after the other."""

    def run(self, work: str, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Finished | Told]:
        """Do all tasks in their order."""
        from pushforward.study.worker import perform

        for i, task in enumerate(tasks):
            answer = perform(work, task, silent)
            yield Finished(i, answer.get("value"), answer.get("error", ""), answer.get("kind", ""))


def create_pool(
    runner: str,
    *,
    workers: int | None = None,
    address: str | None = None,
    threads: int = 1,
    gpus: float = 0.0,
) -> AbstractPool:
    """The pool that a runner's name stands for.

    Args:
        runner: `local` or `ray`.
        workers: tasks at a time at most; default: as many as the cores, or the cluster, can hold.
        address: of an existing Ray cluster; without one a local one is started.
        threads: threads of a task.
        gpus: share of a GPU that a task needs; on Ray only, which gives GPUs out.

    Raises:
        InputError: an unknown runner, or settings that it does not have.
    """
    if runner not in RUNNERS:
        raise named("runner", runner, RUNNERS)
    if runner == "ray":
        from pushforward.study.ray_pool import RayPool

        return RayPool(workers, threads, gpus=gpus, address=address)
    if address is not None:
        raise InputError("address: belongs to the runner 'ray'; got the runner 'local'")
    if gpus > 0:
        raise InputError(
            f"gpus: got {gpus:g} of a GPU for each run; the runner 'local' gives out no GPUs: expected runner 'ray' "
            "(--runner ray), or no gpus in [resources]"
        )
    return LocalPool(workers, threads)
