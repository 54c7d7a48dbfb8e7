"""Work spread over a Ray cluster; a task whose worker or machine is lost is given out again."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from pushforward.errors import InputError, printable, require
from pushforward.progress import silent
from pushforward.study.apart import Desk
from pushforward.study.local import LOST, Finished, Told, cores
from pushforward.study.worker import perform

__all__ = ["RayPool"]

_RECOUNT = 1.0
# Small tasks are given out ahead, so that no worker waits for its next one.
_AHEAD = {"run": 1, "scan": 4, "count": 4}


@dataclass
class _Task:
    index: int
    content: Mapping[str, Any]
    losses: int = 0
    desk: Desk | None = None


@final
@dataclass
class RayPool:
    """Tasks on a Ray cluster: an existing one, by its address, or one on this machine that ends with this pool.

    Workers need the same pushforward, and the data's files under the same paths; the study's folder stays here: what
    a worker found out is sent back, and this process writes it down. Forecasts of kernels, which read that folder, are
    therefore made by processes of this machine (`apart` says so).

    Attributes:
        workers: tasks at a time; default: as many as the cluster's cores and GPUs hold, also when it grows.
        threads: cores, and threads, of a task.
        gpus: share of a GPU that a task needs.
        address: of the cluster, as `ray.init` takes it.
        retries: how often a task is given out again when it was lost.
    """

    apart: ClassVar[bool] = True
    workers: int | None = None
    threads: int = 1
    gpus: float = 0.0
    address: str | None = None
    retries: int = 2
    _pending: dict[Any, _Task] = field(default_factory=dict, repr=False)
    _counted: tuple[float, int] = field(default=(-_RECOUNT, 1), repr=False)

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        require(self.threads >= 1, f"threads: got {self.threads}; expected at least 1")
        require(
            self.workers is None or self.workers >= 1, f"workers: got {self.workers}; expected at least 1"
        )

    def run(self, work: str, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Finished | Told]:
        """Do all tasks and give their answers as they come, in any order.

        Raises:
            InputError: Ray is not installed, no cluster at the address, or one that cannot hold a single task.
        """
        ray = self._connected()
        remote = ray.remote(_performed).options(num_cpus=self.threads, num_gpus=self.gpus, max_retries=0)
        waiting = deque(_Task(i, task) for i, task in enumerate(tasks))
        try:
            while waiting or self._pending:
                yield from self._give_out(ray, remote, work, waiting)
                if self._pending:
                    yield from self._next(ray, waiting)
                elif waiting:
                    time.sleep(_RECOUNT)  # The cluster has lost all that could work, and may get it back.
        finally:
            self._stop(ray)

    def _give_out(self, ray: Any, remote: Any, work: str, waiting: deque[_Task]) -> Iterator[Finished | Told]:
        while waiting and len(self._pending) < self._places(ray) * _AHEAD[work]:
            task = waiting.popleft()
            kind = work
            if work == "run":
                kind = "apart"
                if task.desk is None:
                    task.desk = Desk(task.content)
                    nothing_to_do = task.desk.open()
                    if nothing_to_do is not None:
                        task.desk.close()
                        yield Finished(task.index, nothing_to_do)
                        continue
            self._pending[remote.remote(kind, dict(task.content))] = task
            yield Told(task.index, 0, None, "on the cluster")

    def _next(self, ray: Any, waiting: deque[_Task]) -> Iterator[Finished]:
        done, _ = ray.wait(list(self._pending), timeout=_RECOUNT)
        for reference in done:
            task = self._pending.pop(reference)
            try:
                answer = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                said = printable(str(error).strip().rpartition("\n")[2], 1000)
                answer = {"error": f"the worker cannot run it: {said}", "kind": type(error).__name__}
            except ray.exceptions.RayError as error:
                task.losses += 1
                if task.losses <= self.retries:
                    waiting.appendleft(task)
                    continue
                said = printable(str(error).strip().partition("\n")[0], 300)
                answer = {"error": f"its worker was lost {task.losses} times: {said}", "kind": LOST}
            yield _finished(task, answer)

    def _stop(self, ray: Any) -> None:
        for reference, task in self._pending.items():
            with contextlib.suppress(Exception):
                ray.cancel(reference, force=True)
            if task.desk is not None:
                task.desk.close()
        self._pending.clear()

    def _places(self, ray: Any) -> int:
        """Tasks that the cluster holds now."""
        at, places = self._counted
        if time.monotonic() - at < _RECOUNT:
            return places
        there = ray.cluster_resources()
        places = int(there.get("CPU", 0) // self.threads)
        if self.gpus > 0:
            # Several tasks share a GPU; one that needs several has them whole.
            gpus = there.get("GPU", 0)
            places = min(places, int(gpus // self.gpus) if self.gpus >= 1 else int(gpus) * int(1 / self.gpus))
        self._counted = (time.monotonic(), places if self.workers is None else min(places, self.workers))
        return self._counted[1]

    def _connected(self) -> Any:
        ray = _ray()
        if not ray.is_initialized():
            options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
            if self.address is None:
                os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
                options |= {"address": "local", "num_cpus": cores(), "include_dashboard": False}
            else:
                options["address"] = self.address
            try:
                ray.init(**options)
            except (ConnectionError, ValueError, RuntimeError, OSError) as error:
                where = "of this machine" if self.address is None else f"at {printable(self.address, 80)}"
                said = printable(str(error).strip().partition("\n")[0], 300)
                raise InputError(f"Ray: the cluster {where} cannot be used: {said}") from error
            weakref.finalize(self, ray.shutdown)
        if self._places(ray) < 1:
            there = ray.cluster_resources()
            has = f"{there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs"
            needs = f"{self.threads} cores and {self.gpus:g} GPUs"
            raise InputError(f"Ray: a run needs {needs}; the cluster has {has} in all")
        return ray


def _performed(work: str, task: Mapping[str, Any]) -> dict[str, Any]:
    return perform(work, task, silent)


def _finished(task: _Task, answer: Mapping[str, Any]) -> Finished:
    """The answer to a task; that of a run is written down first."""
    value = answer.get("value")
    if task.desk is not None:
        try:
            if value is not None:
                value = task.desk.keep(value)
        finally:
            task.desk.close()
    return Finished(task.index, value, answer.get("error", ""), answer.get("kind", ""))


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            "runner 'ray': Ray is not installed; expected `pip install 'pushforward[ray]'`"
        ) from error
