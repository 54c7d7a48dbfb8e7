"""What becomes of memory that was freed: kept for the next step, instead of going back to the system."""

from __future__ import annotations

import ctypes
import os
from functools import cache

__all__ = ["keep_freed_memory"]

# Of malloc.h. Activations of a batch lie between the two sizes that glibc chooses by itself.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST = 256 * 2**20, 32 * 2**20


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep up to 256 MiB that was freed; gives whether it does.

    By itself it returns the activations of each step to the system and asks for them again in the next, page by page:
    of a training step on a CPU that took an eighth at T = 32 and a twentieth at T = 128. It holds for the process, and
    nothing is done where another C library is in use or the environment says otherwise (MALLOC_*, GLIBC_TUNABLES; see
    mallopt(3)).
    """
    if any(name.startswith("MALLOC_") for name in os.environ) or "malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEPT))
