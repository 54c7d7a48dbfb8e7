"""The device, and what happens where compiling cannot work."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators import hardware
from pushforward.generators.diffusion import DiffusionSettings
from pushforward.generators.hardware import Hardware


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_cuda")
def test_without_cuda_everything_runs_in_float32_on_the_cpu() -> None:
    chosen = Hardware.of(DiffusionSettings())
    assert (chosen.device.type, chosen.bfloat16, chosen.compile) == ("cpu", False, False)


@pytest.mark.usefixtures("no_cuda")
def test_cuda_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InputError, match="torch finds no CUDA device"):
        Hardware.of(DiffusionSettings(device="cuda"))


def test_without_a_compiler_compiling_is_left_out_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    with caplog.at_level(logging.INFO):
        chosen = Hardware.of(DiffusionSettings(compile="on", device="cpu"))
    assert not chosen.compile
    assert "no C++ compiler" in caplog.text


def test_a_compiler_that_fails_is_left_out_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compile_to_nothing(function: Any, **options: Any) -> Any:
        def failing(*arguments: Any) -> Any:
            raise torch._dynamo.exc.TorchDynamoException("no")

        return failing

    monkeypatch.setattr(torch, "compile", compile_to_nothing)
    double = Hardware(torch.device("cpu"), bfloat16=False, compile=True).compiled(lambda x: 2 * x)
    with caplog.at_level(logging.WARNING):
        assert [double(1), double(2)] == [2, 4]
    assert caplog.text.count("torch.compile failed") == 1


def test_bfloat16_is_used_where_asked_for() -> None:
    chosen = Hardware.of(DiffusionSettings(precision="bfloat16", device="cpu"))
    with chosen.precision_context():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
