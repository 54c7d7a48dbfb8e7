"""The registry of adapters: lazy, complete, and true about which kernels each can feed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators import adapters
from pushforward.generators.adapters.base import AbstractAdapter
from pushforward.generators.base import AbstractGenerator

KERNELS = {"denoise", "rollout", "residual", "reconstruction"}


@pytest.mark.parametrize(
    "statement",
    [
        "import pushforward.generators.adapters",
        "from pushforward.generators.adapters import SampleFunction, SampleFolder, OneStepModel",
        "from pushforward.cli import main; main(['list', 'adapters'])",
    ],
)
def test_torch_is_imported_only_for_networks(statement: str) -> None:
    code = f"{statement}; import sys; assert 'torch' not in sys.modules, 'torch is loaded'"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("name", adapters.ADAPTERS)
def test_every_adapter_is_a_generator_that_says_what_it_feeds(name: str) -> None:
    found = adapters.adapter_class(name)
    assert issubclass(found, AbstractGenerator)
    assert found.name == name
    assert found.source
    assert set(found.feeds) <= KERNELS
    assert getattr(adapters, found.__name__) is found
    assert found.__name__ in adapters.__all__
    for kernel in KERNELS:
        assert (kernel in adapters.ABOUT[name].split("feeds")[1]) == (kernel in found.feeds)


def test_what_an_adapter_feeds_is_there() -> None:
    start = np.zeros((3, 2))
    schedule = (np.array([0.9, 0.1]), np.array([0.1, 0.9]))
    made: list[AbstractAdapter] = [
        adapters.ModuleDenoiser(lambda z, t: z, "x0", schedule, T=4, C=2),
        adapters.VectorField(lambda t, z: z, T=4, C=2),
        adapters.OneStepModel(lambda x: x, start, T=4),
        adapters.SampleFunction(lambda n, seed: np.zeros((n, 4, 2))),
    ]
    for adapter in made:
        assert ("denoise" in adapter.feeds) == hasattr(adapter, "denoiser")
        assert ("rollout" in adapter.feeds) == hasattr(adapter, "predictor")
        if "denoise" in adapter.feeds:
            assert adapter.denoiser(torch.zeros(2, 4, 2), 1.0).shape == (2, 4, 2)


def test_training_saving_and_loading_belong_to_the_other_program(tmp_path: object) -> None:
    adapter = adapters.SampleFunction(lambda n, seed: np.zeros((n, 4, 2)))
    with pytest.raises(InputError, match="sample-function: this model was trained elsewhere"):
        adapter.fit(adapter)
    with pytest.raises(InputError, match="sample-function: an adapter is not saved"):
        adapter.save(str(tmp_path))
    with pytest.raises(InputError, match="sample-function: an adapter is not loaded"):
        adapters.SampleFunction.load(str(tmp_path))


def test_unknown_names_are_answered_with_the_valid_ones() -> None:
    with pytest.raises(InputError, match="unknown adapter 'from-difusers'; did you mean 'from-diffusers'"):
        adapters.adapter_class("from-difusers")
    with pytest.raises(AttributeError, match="FromDifusers"):
        _ = adapters.FromDifusers
