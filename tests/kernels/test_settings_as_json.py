"""What holds other kernels still gives plain settings, so that its forecast is written."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.kernels import Chain, Gaussian, Mixture
from pushforward.representations import create
from pushforward.representations.deviation import Represented


@pytest.mark.parametrize(
    "kernel",
    [
        Mixture(0.5, kernels=(Gaussian(0.1),)),
        Chain(kernels=(Gaussian(0.1), Gaussian(0.2))),
        Represented(kernel=Gaussian(0.1), representation=create("increments")),
    ],
    ids=lambda kernel: kernel.name,
)
def test_a_forecast_of_composed_kernels_is_written(kernel):
    data = pf.Trajectories(np.random.default_rng(0).normal(size=(200, 8, 2)), channels=("x", "y"))
    ahead = pf.forecast(kernel, data, "path-length")
    record = json.loads(ahead.to_text())
    assert "gaussian(scale=0.1)" in json.dumps(record["settings"])
    assert "gaussian(scale=0.1)" in ahead.kernel
