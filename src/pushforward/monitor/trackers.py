"""Where a monitor logs to: JSON lines, TensorBoard, Weights & Biases, trackio, or anything with these three methods."""

from __future__ import annotations

import importlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol, final, runtime_checkable

from pushforward.errors import InputError, named, printable, require

__all__ = ["JsonLines", "TensorBoard", "Tracker", "Trackio", "Wandb", "tracker_of"]


@runtime_checkable
class Tracker(Protocol):
    """Takes what is logged during a training."""

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Called once before anything is logged, with the monitor's settings (JSON types)."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers at a training step, by name, such as `drift/path-length/w1`."""

    def end(self) -> None:
        """Called once; nothing is logged after it."""


@final
class JsonLines:
    """A line of JSON for each step, appended to a file; the first line of a training holds the settings."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Open the file and write {"settings": ...}.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{printable(self.path)}: cannot be written: {error.strerror or error}"
            ) from error
        self._line({"settings": dict(settings)})

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write {"step": ..., name: value, ...}; numbers that are not finite become null."""
        self._line({"step": step, **{k: v if math.isfinite(v) else None for k, v in metrics.items()}})

    def end(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _line(self, record: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(record, allow_nan=False) + "\n")
            self._file.flush()


@final
class TensorBoard:
    """Scalars in a TensorBoard log folder; every shift and W1 also as a chart with its band (tab Custom Scalars)."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._writer: Any = None
        self._charts: tuple[str, ...] = ()

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Open an event file in the folder.

        Raises:
            InputError: tensorboard is not installed.
        """
        writer = _needed("tensorboard.summary.writer.event_file_writer", "tensorboard")
        self._writer = writer.EventFileWriter(str(self.folder))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add a scalar for each number."""
        Summary = _needed("tensorboard.compat.proto.summary_pb2", "tensorboard").Summary
        self._layout(metrics)
        self._add(
            Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]),
            step,
        )

    def end(self) -> None:
        """Write out what is left and close."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _layout(self, metrics: Mapping[str, float]) -> None:
        """The charts with bands: every number that comes with a `_low` and a `_high`."""
        charts = tuple(name for name in metrics if f"{name}_low" in metrics and f"{name}_high" in metrics)
        if charts == self._charts:
            return
        self._charts = charts
        layout_pb2 = _needed("tensorboard.plugins.custom_scalar.layout_pb2", "tensorboard")
        metadata = _needed("tensorboard.plugins.custom_scalar.metadata", "tensorboard")
        Summary = _needed("tensorboard.compat.proto.summary_pb2", "tensorboard").Summary
        tensors = _needed("tensorboard.util.tensor_util", "tensorboard")
        content = [
            layout_pb2.Chart(
                title=name,
                margin=layout_pb2.MarginChartContent(
                    series=[
                        layout_pb2.MarginChartContent.Series(
                            value=name, lower=f"{name}_low", upper=f"{name}_high"
                        )
                    ]
                ),
            )
            for name in charts
        ]
        layout = layout_pb2.Layout(category=[layout_pb2.Category(title="drift with its band", chart=content)])
        value = Summary.Value(
            tag=metadata.CONFIG_SUMMARY_TAG,
            metadata=metadata.create_summary_metadata(),
            tensor=tensors.make_tensor_proto(layout.SerializeToString()),
        )
        self._add(Summary(value=[value]), 0)

    def _add(self, summary: Any, step: int) -> None:
        Event = _needed("tensorboard.compat.proto.event_pb2", "tensorboard").Event
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


@final
class Wandb:
    """A Weights & Biases run: the one given, or a new one made with `settings` (`project=`, `mode="offline"`, ...)."""

    def __init__(self, run: Any = None, **settings: Any) -> None:
        self._given, self._run, self._settings = run is not None, run, settings

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Start a run, unless one was given, with the monitor's settings in its config.

        Raises:
            InputError: wandb is not installed.
        """
        if self._run is None:
            self._run = _needed("wandb", "wandb").init(
                **{"config": {"drift_monitor": dict(settings)}, **self._settings}
            )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log at the training's step."""
        self._run.log(dict(metrics), step=step)

    def end(self) -> None:
        """Finish the run, unless it was given."""
        if not self._given and self._run is not None:
            self._run.finish()
            self._run = None


@final
class Trackio:
    """A trackio run, made with `settings` (`project=`, ...)."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._trackio: Any = None

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Start a run with the monitor's settings in its config.

        Raises:
            InputError: trackio is not installed.
        """
        self._trackio = _needed("trackio", "trackio")
        self._trackio.init(**{"config": {"drift_monitor": dict(settings)}, **self._settings})

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log at the training's step."""
        if self._trackio is not None:
            self._trackio.log(dict(metrics), step=step)

    def end(self) -> None:
        """Finish the run."""
        if self._trackio is not None:
            self._trackio.finish()
            self._trackio = None


def tracker_of(wanted: Tracker | str | Path) -> Tracker:
    """A tracker from itself or from text: `drift.jsonl`, `tensorboard:FOLDER`, `wandb:PROJECT`, `trackio:PROJECT`.

    Raises:
        InputError: text that names no tracker, or an object without the three methods.
    """
    if not isinstance(wanted, str | Path):
        require(
            isinstance(wanted, Tracker),
            f"tracker: got {printable(type(wanted).__name__)}; expected begin(settings), log(step, metrics) and end()",
        )
        return wanted
    text = str(wanted)
    kind, colon, name = text.partition(":")
    if text.endswith((".jsonl", ".json")):
        return JsonLines(text)
    kinds = ("tensorboard", "wandb", "trackio")
    if not colon or kind not in kinds:
        raise named("tracker", kind, [*(f"{kind}:NAME" for kind in kinds), "FILE.jsonl"])
    require(bool(name), f"tracker {kind!r}: names nothing; expected {kind}:NAME")
    if kind == "tensorboard":
        return TensorBoard(name)
    return Wandb(project=name) if kind == "wandb" else Trackio(project=name)


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"tracker: {package} is not installed ({printable(error)}); expected `pip install {package}`"
        ) from error
