"""How a network is told its condition: one vector of features per trajectory, with zeros for what it is not told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.description import Description

__all__ = ["Layout", "place"]


@dataclass(frozen=True)
class Layout:
    """The K features: [1, standardised conditions], then for each step of `inpaint` [1, its C normalised values].

    Zeros stand for what is not told, the 1 among them: what a network makes of them is its learned null.

    Attributes:
        n_columns: conditions.
        inpaint: time steps whose values may be told; negative ones count from each trajectory's end.
        n_channels: C.
    """

    n_columns: int = 0
    inpaint: tuple[int, ...] = ()
    n_channels: int = 1

    @property
    def n_features(self) -> int:
        """K; 0 for a model without conditions."""
        return self._start(len(self.inpaint))

    def _start(self, i: int) -> int:
        """Where the features of the i-th fixed step begin."""
        return (1 + self.n_columns if self.n_columns else 0) + i * (1 + self.n_channels)

    @classmethod
    def of(cls, n_columns: int, inpaint: tuple[int, ...], about: Description) -> Layout:
        """The layout for training data.

        Raises:
            InputError: a step outside the trajectories, or two that are the same.
        """
        for step in inpaint:
            require(
                -about.T <= step < about.T,
                f"inpaint: got step {step}; expected {-about.T} to {about.T - 1}, as the data has {about.T} steps",
            )
        places = [step % about.T for step in inpaint]
        require(len(set(places)) == len(places), f"inpaint: got {inpaint}; expected distinct steps")
        return cls(n_columns, inpaint, len(about.channels))

    def training(
        self,
        columns: NDArray[np.float32] | None,
        clean: NDArray[np.float32],
        lengths: NDArray[np.int64],
        dropout: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float32] | None:
        """(B, K) features of a batch: conditions left out at the rate `dropout`, fixed steps by fair coins.

        So every subset of the fixed steps is as frequent as any other.
        """
        if not self.n_features:
            return None
        features = np.zeros((len(clean), self.n_features), dtype=np.float32)
        if columns is not None:
            told = rng.random(len(clean)) >= dropout
            features[:, 0] = told
            features[:, 1 : 1 + self.n_columns] = columns * told[:, None]
        for i, step in enumerate(self.inpaint):
            where = place(step, lengths)
            told = (rng.random(len(clean)) < 0.5) & (where >= 0) & (where < lengths)
            self._tell(features, i, clean[np.arange(len(clean)), np.where(told, where, 0)], told)
        return features

    def sampling(
        self, columns: NDArray[np.float32] | None, fixed: dict[int, NDArray[np.float32]], n: int
    ) -> NDArray[np.float32] | None:
        """(n, K) features for sampling: standardised conditions and, by step, (n, C) normalised fixed values."""
        if not self.n_features:
            return None
        features = np.zeros((n, self.n_features), dtype=np.float32)
        if columns is not None:
            features[:, 0] = 1
            features[:, 1 : 1 + self.n_columns] = columns
        for i, step in enumerate(self.inpaint):
            if step in fixed:
                self._tell(features, i, fixed[step], np.ones(n, dtype=bool))
        return features

    def without_condition(self, features: Tensor) -> Tensor:
        """The same features with the conditions untold; fixed steps stay."""
        null = features.clone()
        null[:, : self._start(0)] = 0
        return null

    def painted(self, features: Tensor, lengths: Tensor | None, T: int) -> Tensor:
        """(B, T, 1 + C): the told fixed values at their place in time, after a 1; zeros elsewhere."""
        image = features.new_zeros(len(features), T, 1 + self.n_channels)
        time = torch.arange(T, device=features.device)
        end = torch.full((len(features),), T, device=features.device) if lengths is None else lengths
        for i, step in enumerate(self.inpaint):
            told = features[:, self._start(i) : self._start(i + 1)]
            where = torch.full_like(end, step) if step >= 0 else end + step
            here = (time == where[:, None]) & (told[:, :1] > 0)
            image = torch.where(here[:, :, None], told[:, None, :], image)
        return image

    def _tell(
        self, features: NDArray[np.float32], i: int, values: NDArray[np.float32], told: NDArray[np.bool_]
    ) -> None:
        start = self._start(i)
        features[:, start] = told
        features[:, start + 1 : start + 1 + self.n_channels] = values * told[:, None]


def place(step: int, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(B,) the index of a time step in trajectories of these lengths; negative steps count from the end."""
    return np.full_like(lengths, step) if step >= 0 else lengths + step
