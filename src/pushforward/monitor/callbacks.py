"""The monitor within common trainers. Each is imported only when its callback is made, and only its hooks are used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from pushforward.errors import InputError
from pushforward.monitor.check import Check

if TYPE_CHECKING:
    from pushforward.monitor.drift_monitor import DriftMonitor
    from pushforward.monitor.sampling import Sampler

__all__ = ["AccelerateMonitor", "ModelSampler", "lightning_callback", "transformers_callback"]

ModelSampler = Callable[[Any, int, int], Any]
"""sample(model, n, seed): n trajectories of the model, or an array (n, T, C)."""


def lightning_callback(monitor: DriftMonitor, sample: ModelSampler, keep: str | Path | None = None) -> Any:
    """A `lightning.pytorch.Callback` (or that of `pytorch_lightning`, where only that is imported).

    Checks run in the main process, with the module in evaluation mode and without gradients; their numbers also go
    to the trainer's own loggers. `keep`: the checkpoint with the lowest drift is saved under this name.

    Raises:
        InputError: Lightning is not installed.
    """
    base = _lightning().Callback

    class DriftCallback(base):  # type: ignore[misc, valid-type]
        """Audits the module's samples while it trains."""

        def on_train_batch_end(self, trainer: Any, module: Any, *arguments: Any, **settings: Any) -> None:
            """Check, where one is due."""
            step = int(trainer.global_step)
            if not monitor.due(step):
                monitor.pass_over(step)
                return
            check = _checked(monitor, module, sample, step, trainer.is_global_zero)
            if check is not None:
                for logger in trainer.loggers:
                    logger.log_metrics(check.metrics, step=step)
            is_best, stop = _agreed((check is not None and check.is_best, monitor.should_stop))
            if is_best and keep is not None:
                trainer.save_checkpoint(str(keep))
            trainer.should_stop = trainer.should_stop or stop

        def on_fit_end(self, trainer: Any, module: Any) -> None:
            """End logging."""
            monitor.close()

    return DriftCallback()


def transformers_callback(monitor: DriftMonitor, sample: ModelSampler, keep: str | Path | None = None) -> Any:
    """A `transformers.TrainerCallback`.

    Checks run in the main process, with the model in evaluation mode and without gradients; their numbers also go
    into the trainer's log history. `keep`: the model with the lowest drift is saved there by `save_pretrained`.

    Raises:
        InputError: transformers is not installed.
    """
    base = _needed("transformers", "transformers").TrainerCallback

    class DriftCallback(base):  # type: ignore[misc, valid-type]
        """Audits the model's samples while it trains."""

        def on_step_end(self, args: Any, state: Any, control: Any, **settings: Any) -> Any:
            """Check, where one is due."""
            step = int(state.global_step)
            if not monitor.due(step):
                monitor.pass_over(step)
                return control
            model = settings["model"]
            check = _checked(monitor, model, sample, step, state.is_world_process_zero)
            if check is not None:
                state.log_history.append({"step": step, **check.metrics})
                if check.is_best and keep is not None:
                    getattr(model, "module", model).save_pretrained(str(keep))
            stop = _agreed((monitor.should_stop,))[0]
            control.should_training_stop = control.should_training_stop or stop
            return control

        def on_train_end(self, args: Any, state: Any, control: Any, **settings: Any) -> Any:
            """End logging."""
            monitor.close()
            return control

    return DriftCallback()


@final
class AccelerateMonitor:
    """The monitor in a loop with Accelerate.

        watch = monitor.accelerate(accelerator, sample)
        for step, batch in enumerate(loader, start=1):
            ...
            if watch(step, model):
                break

    Checks run in the main process, on the unwrapped model, in evaluation mode and without gradients; their numbers
    also go to the accelerator's own trackers. `keep`: the state with the lowest drift is saved in this folder.
    """

    def __init__(
        self, monitor: DriftMonitor, accelerator: Any, sample: ModelSampler, keep: str | Path | None = None
    ) -> None:
        self.monitor, self.accelerator, self.sample, self.keep = monitor, accelerator, sample, keep

    def __call__(self, step: int, model: Any) -> bool:
        """Check, where one is due, in all processes alike; whether the training should stop."""
        if not self.monitor.due(step):
            self.monitor.pass_over(step)
            return bool(self.monitor.should_stop)
        accelerator = self.accelerator
        inner = accelerator.unwrap_model(model)
        check = _checked(self.monitor, inner, self.sample, step, accelerator.is_main_process)
        if check is not None:
            accelerator.log(check.metrics, step=step)
        is_best, stop = _agreed((check is not None and check.is_best, self.monitor.should_stop))
        if is_best and self.keep is not None:
            accelerator.save_state(str(self.keep))
        self.monitor.should_stop = stop
        return stop


def _checked(
    monitor: DriftMonitor, model: Any, sample: ModelSampler, step: int, is_main: bool
) -> Check | None:
    """The check of one step, in the main process; the others only keep count."""
    if not is_main:
        monitor.pass_over(step)
        return None

    def sampler(n: int, seed: int) -> Any:
        with _evaluating(model):
            return sample(model, n, seed)

    made: Sampler = sampler
    return monitor.step(step, made)


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients for the body; each module's own mode is put back after it."""
    torch = sys.modules.get("torch")
    modules = list(model.modules()) if hasattr(model, "modules") else []
    training = [module.training for module in modules]
    if modules:
        model.eval()
    try:
        if torch is None:
            yield
        else:
            with torch.no_grad():
                yield
    finally:
        for module, mode in zip(modules, training, strict=True):
            module.training = mode


def _agreed(flags: tuple[bool, ...]) -> tuple[bool, ...]:
    """What the main process says, in all processes of a distributed training."""
    torch = sys.modules.get("torch")
    distributed = None if torch is None else torch.distributed
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return flags
    said = [flags]
    distributed.broadcast_object_list(said, src=0)
    return said[0]


def _lightning() -> Any:
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        return sys.modules["pytorch_lightning"]
    return _needed("lightning.pytorch", "lightning")


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"drift monitor: {package} is not installed; expected `pip install {package}`"
        ) from error
