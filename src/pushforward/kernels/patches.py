"""Banks of patches: what the data looks like in a window of a few steps around each position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pushforward.errors import require

__all__ = ["PatchBank", "Patches"]

# Entries of one block of distances: half a megabyte of float32, within the cache of a core.
_BLOCK_ENTRIES = 1 << 17
_PROBES = 16


@final
@dataclass(frozen=True, eq=False)
class Patches:
    """The patches that windows at some positions are compared with.

    Attributes:
        positions: (P,) the positions in the trajectory that share this bank.
        left, right: steps of the window before and after its centre.
        windows: (M, (left + 1 + right)·C) float32.
        centres: (M, C) the windows' middle steps.
        tree: the windows, for searching.
    """

    positions: NDArray[np.int64]
    left: int
    right: int
    windows: NDArray[np.float32]
    centres: NDArray[np.float32]
    tree: cKDTree

    def windows_of(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N·P, d) the windows of trajectories (N, T, C) at this bank's positions."""
        offset = np.arange(-self.left, self.right + 1)
        index = self.positions[:, None] + offset[None, :]
        return np.ascontiguousarray(x[:, index]).reshape(len(x) * len(self.positions), -1)

    def nearest(self, windows: NDArray[np.float32], k: int) -> NDArray[np.int32]:
        """(n, k) places of the k nearest patches."""
        found = np.asarray(self.tree.query(windows, k=min(k, len(self.windows)))[1])
        return found.reshape(len(windows), -1).astype(np.int32)

    def mean_among(
        self, windows: NDArray[np.float32], candidates: NDArray[np.int32], sigma: float
    ) -> NDArray[np.float32]:
        """(n, C) posterior mean of the centre given the noised window, over each one's own candidates (n, k)."""
        result = np.empty((len(windows), self.centres.shape[1]), dtype=np.float32)
        rows = max(_BLOCK_ENTRIES // (candidates.shape[1] * windows.shape[1]), 1)
        for start in range(0, len(windows), rows):
            part = slice(start, start + rows)
            apart = self.windows[candidates[part]]
            apart -= windows[part, None]
            weight = _softmax(np.einsum("nkd,nkd->nk", apart, apart), sigma)
            result[part] = np.einsum("nk,nkc->nc", weight, self.centres[candidates[part]])
        return result

    def mean(self, windows: NDArray[np.float32], sigma: float, size: int) -> NDArray[np.float32]:
        """(n, C) posterior mean of the centre given the noised window, over the first `size` patches, in blocks.

        E[centre | w] = Σ_m c_m exp(−‖w − p_m‖² / 2σ²) / Σ_m exp(−‖w − p_m‖² / 2σ²).
        """
        result = np.empty((len(windows), self.centres.shape[1]), dtype=np.float32)
        precision = 1 / sigma**2
        patches, ones = self.windows[:size], np.ones((size, 1), dtype=np.float32)
        # One product gives w·p − ‖p‖²/2, which is the exponent but for what all patches share; another the sums.
        half = np.einsum("md,md->m", patches, patches)[:, None] * np.float32(-0.5)
        left = np.concatenate([patches, half], axis=1).T * np.float32(precision)
        sums = np.concatenate([self.centres[:size], ones], axis=1)
        rows = max(_BLOCK_ENTRIES // size, 1)
        for start in range(0, len(windows), rows):
            part = windows[start : start + rows]
            weight = np.concatenate([part, np.ones((len(part), 1), dtype=np.float32)], axis=1) @ left
            weight -= weight.max(axis=1, keepdims=True)
            np.exp(weight, out=weight)
            total = weight @ sums
            result[start : start + rows] = total[:, :-1] / total[:, -1:]
        return result

    def enough(self, wanted: float, effective: float) -> int:
        """How many of the patches keep `wanted` effective ones, where all of them have `effective`."""
        return int(
            np.clip(
                np.ceil(len(self.windows) * wanted / effective),
                min(256, len(self.windows)),
                len(self.windows),
            )
        )

    def spread_of(self, windows: NDArray[np.float32], k: int, sigma: float) -> tuple[float, float]:
        """How the posterior's weight lies at level σ, on a few windows: (effective patches, share of the k nearest).

        The effective number is (Σ w)² / Σ w².
        """
        probes = windows[:: max(len(windows) // _PROBES, 1)]
        near = np.square(np.asarray(self.tree.query(probes, k=min(k, len(self.windows)))[0])).reshape(
            len(probes), -1
        )
        effective, held = [], []
        for probe, closest in zip(probes, near, strict=True):
            apart = np.square(self.windows - probe).sum(axis=1) - closest[0]
            weight = np.exp(apart * (-0.5 / sigma**2))
            effective.append(float(weight.sum()) ** 2 / float(np.square(weight).sum()))
            held.append(float(np.exp((closest - closest[0]) * (-0.5 / sigma**2)).sum() / weight.sum()))
        return float(np.mean(effective)), float(np.mean(held))


@final
@dataclass(frozen=True, eq=False)
class PatchBank:
    """Patches for every position of trajectories of T steps; positions with the same surroundings may share them.

    Attributes:
        T, C: shape of the trajectories.
        parts: banks that together have every position once.
    """

    T: int
    C: int
    parts: tuple[Patches, ...]

    @classmethod
    def of(
        cls,
        x: NDArray[np.float32],
        steps: NDArray[np.int64],
        radius: int,
        size: int,
        pooled: bool,
        rng: np.random.Generator,
    ) -> Self:
        """Patches of at most `radius` steps before and after each position of trajectories x (N, T, C).

        Near the ends windows are shorter and compared only with others at the same place: a convolutional network
        sees the padding there. `steps` (N,) are valid; patches whose centre lies beyond are left out.

        Args:
            x: the trajectories, in units in which channels count alike.
            steps: their valid steps.
            radius: largest distance seen.
            size: patches in each bank.
            pooled: whether positions with a whole window share one bank (translation equivariance).
            rng: chooses the patches.
        """
        T = x.shape[1]
        shared: list[list[int]] = []
        inner = [t for t in range(T) if radius <= t < T - radius] if pooled else []
        shared += [inner] if inner else []
        shared += [[t] for t in range(T) if t not in set(inner)]
        parts = tuple(_patches(x, steps, np.array(at), radius, size, rng) for at in shared)
        return cls(T, x.shape[2], parts)

    def __iter__(self) -> Iterator[Patches]:
        """The banks."""
        return iter(self.parts)


def _patches(
    x: NDArray[np.float32],
    steps: NDArray[np.int64],
    positions: NDArray[np.int64],
    radius: int,
    size: int,
    rng: np.random.Generator,
) -> Patches:
    T = x.shape[1]
    left, right = min(radius, int(positions[0])), min(radius, T - 1 - int(positions[-1]))
    valid = np.flatnonzero((positions[None, :] < steps[:, None]).ravel())
    if len(valid) == 0:
        # Padding alone: what it holds does not matter.
        valid = np.arange(len(x) * len(positions))
    chosen = valid if len(valid) <= size else rng.choice(valid, size=size, replace=False, shuffle=False)
    owner, where = chosen // len(positions), positions[chosen % len(positions)]
    windows = x[owner[:, None], where[:, None] + np.arange(-left, right + 1)[None, :]].reshape(
        len(chosen), -1
    )
    centres = x[owner, where]
    require(len(centres) > 0, "local-score: got no trajectories; expected at least one")
    return Patches(positions, left, right, windows, centres, cKDTree(windows))


def _softmax(square: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """exp(−square / 2σ²) along the rows, each divided by its sum; works in place."""
    square -= square.min(axis=1, keepdims=True)
    square *= np.float32(-0.5 / sigma**2)
    np.exp(square, out=square)
    square /= square.sum(axis=1, keepdims=True)
    return square
