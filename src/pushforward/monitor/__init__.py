"""Drift seen while a model trains: `DriftMonitor`, where it logs to, and callbacks for common trainers."""

from __future__ import annotations

from pushforward.monitor.check import Check
from pushforward.monitor.drift_monitor import DriftMonitor
from pushforward.monitor.settings import MonitorSettings
from pushforward.monitor.trackers import JsonLines, TensorBoard, Tracker, Trackio, Wandb

__all__ = [
    "Check",
    "DriftMonitor",
    "JsonLines",
    "MonitorSettings",
    "TensorBoard",
    "Tracker",
    "Trackio",
    "Wandb",
]
