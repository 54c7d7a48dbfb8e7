"""What the callbacks do at each hook of a trainer, on stand-ins for the trainers."""

import sys
from types import SimpleNamespace

import pytest
from tests.monitor.walks import walks, watching

from pushforward.errors import InputError


class Module:
    """What the callbacks need of a model."""

    def __init__(self, scale=1.3):
        self.training, self.scale, self.saved = True, scale, []

    def modules(self):
        return [self]

    def eval(self):
        self.training = False

    def save_pretrained(self, path):
        self.saved.append(path)


def sample(module, n, seed):
    assert not module.training
    return walks(n, seed, module.scale)


def test_lightnings_hooks_check_log_keep_and_stop(monkeypatch):
    class Callback:
        pass

    monkeypatch.setitem(sys.modules, "lightning", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "lightning.pytorch", SimpleNamespace(Callback=Callback))
    logged, saved, module = [], [], Module()
    logger = SimpleNamespace(log_metrics=lambda metrics, step: logged.append((step, metrics["drift/score"])))
    trainer = SimpleNamespace(
        global_step=0, is_global_zero=True, loggers=[logger], should_stop=False, save_checkpoint=saved.append
    )
    monitor = watching(patience=1)
    callback = monitor.lightning(sample, keep="best.ckpt")
    assert isinstance(callback, Callback)
    for trainer.global_step in (1, 2, 2, 3, 4, 5, 6):
        module.scale += 0.2
        callback.on_train_batch_end(trainer, module, None, None, 0)
        if trainer.should_stop:
            break
    assert [step for step, _ in logged] == [check.step for check in monitor.history] == [2, 4]
    assert saved == ["best.ckpt"]
    assert trainer.should_stop
    assert module.training
    callback.on_fit_end(trainer, module)


def test_transformers_hooks_check_log_keep_and_stop(monkeypatch):
    monkeypatch.setitem(
        sys.modules, "transformers", SimpleNamespace(TrainerCallback=type("TrainerCallback", (), {}))
    )
    module, monitor = Module(), watching(patience=1)
    callback = monitor.transformers(sample, keep="best")
    state = SimpleNamespace(global_step=0, is_world_process_zero=True, log_history=[])
    control = SimpleNamespace(should_training_stop=False)
    for state.global_step in range(1, 9):
        module.scale += 0.2
        callback.on_step_end(None, state, control, model=module)
        if control.should_training_stop:
            break
    callback.on_train_end(None, state, control)
    assert (
        [entry["step"] for entry in state.log_history] == [check.step for check in monitor.history] == [2, 4]
    )
    assert state.log_history[0]["drift/score"] == monitor.history[0].score
    assert module.saved == ["best"]


@pytest.mark.parametrize("is_main", [True, False])
def test_accelerates_loop_checks_in_the_main_process_only(is_main):
    logged, saved = [], []
    accelerator = SimpleNamespace(
        is_main_process=is_main,
        unwrap_model=lambda model: model.inner,
        log=lambda metrics, step: logged.append(step),
        save_state=saved.append,
    )
    watch = watching(patience=1).accelerate(accelerator, sample, keep="best")
    module = Module()
    stopped = [step for step in range(1, 7) if watch(step, SimpleNamespace(inner=module))]
    assert logged == ([2, 4, 6] if is_main else [])
    assert saved[:1] == (["best"] if is_main else [])
    assert (len(stopped) > 0) == (is_main and not watch.monitor.history[-1].is_best)


def test_a_trainer_that_is_not_installed_is_one_line(monkeypatch):
    for name in [
        n for n in sys.modules if n.partition(".")[0] in ("lightning", "pytorch_lightning", "transformers")
    ]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("lightning", "lightning.pytorch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match="pip install lightning"):
        watching().lightning(sample)
    with pytest.raises(InputError, match="pip install transformers"):
        watching().transformers(sample)
