"""What a check finds is what an audit finds, and it leaves the training as it was."""

import json
import logging
import random
import subprocess
import sys

import numpy as np
import pytest
from tests.monitor.walks import DATA, FAST, monitored, walks

import pushforward as pf
from pushforward.monitor import DriftMonitor


def test_what_is_logged_is_what_an_audit_of_the_same_samples_finds(tmp_path):
    monitor = monitored([1.5, 1.2], n=100, share=None, seed=7, tracker=tmp_path / "drift.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "drift.jsonl").open()]
    assert lines[0]["settings"]["n"] == 100
    assert [line["step"] for line in lines[1:]] == [10, 20]
    for line, check, scale in zip(lines[1:], monitor.history, (1.5, 1.2), strict=True):
        again = pf.audit(
            walks(100, check.seed, scale), DATA, quantities="path-length", settings=FAST, seed=check.seed
        )
        assert check.audit.to_text() == again.to_text()
        found = again["path-length"]
        assert line["drift/path-length/w1"] == found.w1.value
        assert line["drift/path-length/w1_floor"] == found.w1.null_95
        assert (line["drift/path-length/w1_low"], line["drift/path-length/w1_high"]) == (
            found.w1.low,
            found.w1.high,
        )
        assert line["drift/path-length/mean_shift"] == found.mean_shift.value
        assert line["drift/path-length/mean_shift_high"] == found.mean_shift.high
        assert line["drift/score"] == found.w1.value / found.std_expected
    assert [check.seed for check in monitor.history] == [7, 8]


def test_arrays_and_tensors_take_names_and_units_from_the_data():
    class Tensor:
        def __init__(self, values):
            self.values = values

        def __len__(self):
            return len(self.values)

        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return self.values

    found = []
    for wrap in (lambda made: made, lambda made: made.values, lambda made: Tensor(made.values)):
        monitor = DriftMonitor(DATA, quantities="path-length", comparison=FAST, share=None, every=1, n=50)
        found.append(monitor.step(1, lambda n, seed, wrap=wrap: wrap(walks(n, seed))).audit.to_text())
    assert found[0] == found[1] == found[2]


def test_checks_fall_on_every_kth_step_once_also_where_steps_are_missed_or_repeated():
    monitor = DriftMonitor(DATA, quantities="path-length", comparison=FAST, share=None, every=10, n=30)
    checked = [
        step for step in (1, 9, 10, 10, 11, 25, 26, 26, 30, 39, 60) if monitor.step(step, walks) is not None
    ]
    assert checked == [10, 25, 30, 60]


def test_checks_leave_the_randomness_of_the_training_alone():
    torch = pytest.importorskip("torch")

    def draw(n, seed):
        random.random()
        np.random.rand(3)  # noqa: NPY002
        torch.rand(3)
        return walks(n, seed)

    def after(check):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        if check:
            DriftMonitor(DATA, quantities="path-length", comparison=FAST, every=1, n=20).step(1, draw)
        return random.random(), np.random.rand(), float(torch.rand(1))  # noqa: NPY002

    assert after(check=True) == after(check=False)


def test_the_best_check_is_kept_and_patience_ends_the_training():
    kept = []
    monitor = monitored([3.0, 1.5, 1.01, 2.0, 2.5, 1.3, 2.2], share=None, n=150, patience=3, keep=kept.append)
    assert [check.step for check in kept] == [10, 20, 30]
    assert monitor.best is monitor.history[2]
    assert [check.is_best for check in monitor.history] == [True, True, True, False, False, False]
    assert monitor.should_stop
    assert monitor.history[-1].step == 60


def test_a_training_can_stop_once_drift_is_within_tolerance():
    monitor = monitored([3.0, 1.0, 1.0], share=None, n=200, tolerance=5.0, stop_within_tolerance=True)
    assert [check.audit.verdicts["path-length"] for check in monitor.history] == ["drift", "within tolerance"]
    assert monitor.should_stop
    patient = monitored([3.0, 1.0, 1.0], share=None, n=200, tolerance=5.0)
    assert not patient.should_stop


def test_a_stated_law_needs_no_data_to_compare_with():
    law = "normal(0, 5)"
    monitor = DriftMonitor(
        DATA, quantities="displacement", intended=law, comparison=FAST, share=None, every=1, n=50
    )
    check = monitor.step(1, walks)
    assert check.audit.quantities[0].intended == law


def test_samples_that_cannot_be_measured_do_not_end_the_training(caplog):
    monitor = DriftMonitor(DATA, quantities="path-length", comparison=FAST, share=None, every=1, n=20)

    def diverged(n, seed):
        return np.full((n, 8, 2), np.nan)

    with caplog.at_level(logging.WARNING):
        assert monitor.step(1, diverged) is None
        assert monitor.step(2, walks) is not None
    assert (monitor.failed, len(monitor.history)) == (1, 1)
    assert "no check at step 1" in caplog.text


def test_the_monitor_imports_neither_torch_nor_a_trainer():
    code = "import sys, pushforward; pushforward.DriftMonitor; import pushforward.monitor.callbacks; "
    code += "assert not {'torch', 'lightning', 'transformers', 'wandb', 'tensorboard'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
