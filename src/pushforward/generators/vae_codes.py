"""Trajectories to codes and back, with a trained VAE: what a reconstruction kernel is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.asking import features_of, in_data_units, normalised, require_like_training
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.vae_trajectories import TrajectoryVAE
from pushforward.trajectories import Trajectories

__all__ = ["decode", "encode"]

_BATCH = 1_024

_Model = AbstractLearned[Any, TrajectoryVAE, Any]


def encode(
    model: _Model, trajectories: Trajectories, condition: ArrayLike | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of q(z | x): see `VAE.encode`."""
    require_like_training(model, trajectories)
    n, T = len(trajectories), min(trajectories.T, model.description.T)
    features = features_of(model, condition, n)
    lengths = _told_lengths(model, trajectories.steps)
    means, scales = [], []
    with torch.inference_mode():
        for start in range(0, n, _BATCH):
            rows = slice(start, start + _BATCH)
            x = normalised(model, trajectories.values[rows, :T])
            mean, log_scale = model.network.encoder(x, _part(lengths, rows), _part(features, rows))
            means.append(mean.cpu().numpy())
            scales.append(log_scale.exp().cpu().numpy())
    return np.concatenate(means), np.concatenate(scales)


def decode(
    model: _Model,
    z: ArrayLike,
    lengths: NDArray[np.int64] | None,
    condition: ArrayLike | None,
    rng: np.random.Generator | None,
) -> Trajectories:
    """The trajectories of codes: see `VAE.decode`."""
    about, network = model.description, model.network
    codes = np.asarray(z, dtype=np.float32)
    d = network.n_latent
    require(
        codes.ndim == 2 and codes.shape[1] == d and len(codes) > 0,
        f"{model.name}: got codes of shape {codes.shape}; expected (N, {d})",
    )
    require(
        bool(np.isfinite(codes).all()), f"{model.name}: got NaN or infinity in codes; expected finite numbers"
    )
    steps = None if lengths is None else np.asarray(lengths, dtype=np.int64)
    features = features_of(model, condition, len(codes))
    told = _told_lengths(model, np.full(len(codes), about.T) if steps is None else steps)
    values = np.empty((len(codes), about.T, len(about.channels)), dtype=np.float32)
    device = network.log_sigma.device
    with torch.inference_mode():
        for start in range(0, len(codes), _BATCH):
            rows = slice(start, start + _BATCH)
            part = torch.from_numpy(codes[rows]).to(device)
            made = network.decoder(part, _part(told, rows), _part(features, rows))
            if rng is not None:
                noise = torch.from_numpy(rng.standard_normal(made.shape, dtype=np.float32)).to(device)
                made = made + network.log_sigma.exp() * noise
            values[rows] = in_data_units(model, made)
    return about.labelled(values, steps)


def _told_lengths(model: _Model, steps: NDArray[np.int64]) -> Tensor | None:
    """Lengths as the network is told them: not at all where all training data have T steps."""
    about = model.description
    if not about.lengths and bool((steps == about.T).all()):
        return None
    return torch.from_numpy(steps.copy()).to(model.network.log_sigma.device)


def _part(whole: Tensor | None, rows: slice) -> Tensor | None:
    return None if whole is None else whole[rows]
