"""The lock of a run: a file that its worker holds, with a heartbeat for whoever watches."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from pushforward.errors import InputError, printable

__all__ = ["BEAT", "Claim", "Heartbeat", "heartbeat", "is_held"]

BEAT = 2.0
"""Seconds between heartbeats."""

_MISSED = 15


@final
class Claim:
    """Exclusive right to work on one run, for as long as this object is not released and its process lives.

    The operating system holds the lock (`flock`), so it is gone the moment its process is, however that ends; no
    guess about stale locks is needed. A thread of its own writes the heartbeat into the file.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self._path, self._handle = path, handle
        self._said: dict[str, Any] = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": time.time(),
        }
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beating, daemon=True)
        self._write()
        self._thread.start()

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The claim, or None where another process (or another claim of this one) has it.

        Raises:
            InputError: the file cannot be made or locked.
        """
        while True:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise InputError(f"{printable(path)}: cannot be made: {error.strerror or error}") from error
            try:
                if not _locked(handle):
                    os.close(handle)
                    return None
                # Whoever had the lock before may have removed the file after it was opened here.
                if os.path.exists(path) and os.path.samestat(os.fstat(handle), os.stat(path)):
                    return cls(path, handle)
            except FileNotFoundError:
                pass
            except OSError as error:
                os.close(handle)
                raise InputError(f"{printable(path)}: cannot be locked: {error.strerror or error}") from error
            os.close(handle)

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell the next heartbeat how much is done."""
        self._said = {**self._said, "done": done, "total": total, "note": note}

    def release(self) -> None:
        """Give the run back and remove the file."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.release()

    def _beating(self) -> None:
        while not self._stop.wait(BEAT):
            self._write()

    def _write(self) -> None:
        # In place, because the lock belongs to this very file; a reader that meets a half-written one looks again.
        text = json.dumps({**self._said, "beat": time.time()}).encode()
        try:
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, text)
        except OSError:
            pass  # A full disk must not end the run for the sake of its heartbeat.


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now. Leaves no trace."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _locked(handle)
    except OSError:
        return True
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _locked_on_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_on_windows(handle: int) -> bool:
    import msvcrt

    # A byte beyond the content, because such a lock keeps readers out as well.
    os.lseek(handle, 1 << 30, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


@final
@dataclass(frozen=True)
class Heartbeat:
    """What a lock file tells: who works on the run, since when, how far, and whether the heart still beats."""

    pid: int
    host: str
    started: float
    beat: float
    done: int | None
    total: int | None
    note: str

    @property
    def alive(self) -> bool:
        """Whether the last beat is recent."""
        return time.time() - self.beat < _MISSED


def heartbeat(path: Path) -> Heartbeat | None:
    """The heartbeat in a lock file; None where there is none."""
    try:
        said = json.loads(path.read_bytes()[:65536])
        return Heartbeat(
            pid=int(said["pid"]),
            host=printable(said["host"], 60),
            started=float(said["started"]),
            beat=float(said["beat"]),
            done=None if said.get("done") is None else int(said["done"]),
            total=None if said.get("total") is None else int(said["total"]),
            note=printable(said.get("note", ""), 60),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
