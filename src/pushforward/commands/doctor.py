"""`pushforward doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass

from pushforward.commands.base import AbstractCommand, Outcome

__all__ = ["Doctor"]

_CORE = ("numpy", "scipy", "torch", "h5py", "pyarrow", "matplotlib", "jinja2", "rich", "tyro", "safetensors")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([a-z]+)['\"]")
_FOR_USERS = {
    "mujoco": "the point-maze system",
    "minari": "Minari data sets",
    "chaos": "the dysts systems",
    "ray": "studies and audits on a cluster",
    "track": "monitors that log to TensorBoard, Weights & Biases, trackio",
    "zarr": "Zarr files",
}


@dataclass(frozen=True, kw_only=True)
class Doctor(AbstractCommand):
    """Show versions, devices and optional extras, and how to get what is missing. Exit code 2 if it cannot work."""

    def run(self) -> Outcome:
        """Look around; nothing is changed."""
        from pushforward import __version__

        core = {name: _version(name) for name in _CORE}
        extras = _extras()
        device = _device() if core["torch"] else "none: torch is missing"
        machine = {
            "pushforward": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
            "device": device,
            "chromium": shutil.which("chromium") or shutil.which("google-chrome") or "",
        }
        missing = [name for name, version in core.items() if version is None]
        lines = [
            f"{key.ljust(12)} {value or 'not found (only the report tests need it)'}"
            for key, value in machine.items()
        ]
        lines += ["", *(f"{name.ljust(12)} {version or 'MISSING'}" for name, version in core.items()), ""]
        for extra, found in extras.items():
            absent = sorted(name for name, version in found.items() if version is None)
            have = ", ".join(f"{name} {version}" for name, version in sorted(found.items()) if version)
            state = f"missing {', '.join(absent)}: pip install 'pushforward[{extra}]'" if absent else have
            lines.append(f"[{extra}]".ljust(12) + f" {state}  (for {_FOR_USERS[extra]})")
        verdict = f"missing: {', '.join(missing)}; pip install pushforward" if missing else "ready"
        record = {**machine, "core": core, "extras": extras, "ready": not missing}
        return Outcome("\n".join([*lines, "", verdict]), record, 2 if missing else 0)


def _extras() -> dict[str, dict[str, str | None]]:
    """Versions of what each extra asks for, from the installed package's own metadata."""
    found: dict[str, dict[str, str | None]] = {extra: {} for extra in _FOR_USERS}
    try:
        required = importlib.metadata.requires("pushforward") or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    for line in required:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name and extra and extra[1] in found:
            found[extra[1]][name[0]] = _version(name[0])
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _device() -> str:
    """The device that generators choose, without importing torch where it is broken."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return (
            f"torch does not load: {str(error).splitlines()[0][:100] if str(error) else type(error).__name__}"
        )
    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return (
        f"cpu, {torch.get_num_threads()} threads (Python {sys.version_info.major}.{sys.version_info.minor})"
    )
