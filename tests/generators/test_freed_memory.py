"""Memory that a training step frees serves the next one, unless the user chose otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the C library glibc")

_PROGRAM = """
import resource
import torch
from pushforward.generators.freed_memory import keep_freed_memory

kept = keep_freed_memory()

def step():
    # 16 activations of 1.5 MiB that live together, as in the forward pass of a step.
    return [torch.zeros(3 * 2**17) for _ in range(16)]

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(kept, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 20)
"""


def ran(**environment: str) -> tuple[str, int]:
    """Whether freed memory is kept, and the page faults of a step."""
    clean = {name: value for name, value in os.environ.items() if "MALLOC" not in name.upper()}
    clean.pop("GLIBC_TUNABLES", None)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={**clean, **environment},
    )
    kept, faults = done.stdout.split()
    return kept, int(faults)


def test_a_step_finds_the_pages_of_the_one_before() -> None:
    kept, faults = ran()
    assert (kept, faults < 200) == ("True", True)


@pytest.mark.parametrize(
    "environment",
    [{"MALLOC_TRIM_THRESHOLD_": "131072"}, {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"}],
    ids=["variable", "tunable"],
)
def test_what_the_user_says_of_memory_holds(environment: dict[str, str]) -> None:
    kept, faults = ran(**environment)
    # 16 × 1.5 MiB are 6,144 pages.
    assert (kept, faults > 1000) == ("False", True)
