"""Any one-step dynamics model, rolled out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Unpack, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.generators.adapters.base import AbstractAdapter, check_request
from pushforward.generators.adapters.labels import LabelKeywords, Labels, as_array
from pushforward.trajectories import Trajectories

__all__ = ["OneStepModel"]

_NOISES = ("none", "numpy", "torch")
_START_STREAM, _NOISE_STREAM = 11, 12


@final
class OneStepModel(AbstractAdapter):
    """x_{t+1} = f(x_t), rolled out from given initial states: x_0 = start, x_{t+1} = step(x_t), t = 0 … T − 2.

    States are (B, C) in data units, one row per trajectory. Rows of `start` are drawn without replacement, because
    two rollouts of a deterministic model from one state are one trajectory; with `replace=True` trajectories
    that share a start share a group, so that the audit does not count them as independent.

    Args:
        step: (B, C) -> (B, C), a function of NumPy arrays or an `nn.Module`. With `noise`, it gets a random
            generator as its second argument and returns a sample of x_{t+1} given x_t.
        start: (N, C) initial states, or trajectories whose first states they are.
        like: trajectories whose names, units, dt and T the made ones have; default `start`, where that is one.
        noise: "none", or the second argument of `step`: "numpy" (a `numpy.random.Generator`) or "torch" (a
            `torch.Generator` on the CPU).
        arrays: "numpy" or "torch", what `step` takes; default torch for an `nn.Module`, else NumPy.
        replace: draw starts with replacement, so that more trajectories than starts can be made.
        batch_size: trajectories rolled out together.
        labels: T, names and units in place of, or beside, `like`; see `LabelKeywords`.
    """

    name: ClassVar[str] = "one-step-model"
    source: ClassVar[str] = "any one-step dynamics model"
    feeds: ClassVar[tuple[str, ...]] = ("rollout", "residual")

    def __init__(
        self,
        step: Callable[..., Any],
        start: ArrayLike | Trajectories,
        like: Trajectories | None = None,
        *,
        noise: str = "none",
        arrays: str | None = None,
        replace: bool = False,
        batch_size: int = 4096,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        require(callable(step), f"{self.name}: got {type(step).__name__}; expected a callable step(x)")
        for kind, got, valid in (
            ("noise", noise, _NOISES),
            ("arrays", arrays or "numpy", ("numpy", "torch")),
        ):
            if got not in valid:
                raise named(kind, str(got), valid)
        require(batch_size >= 1, f"batch_size: got {batch_size}; expected at least 1")
        self.start, like = _states(start, like)
        if like is None:
            labels.setdefault("C", self.start.shape[1])
        self.labels = Labels.of(like, labels)
        self.T, width = self.labels.shape(self.name)
        require(
            width == self.start.shape[1],
            f"start: got {self.start.shape[1]} channels; expected {width} as in like=",
        )
        self.noise, self.replace, self.batch_size = noise, replace, batch_size
        self.arrays = arrays or ("torch" if noise == "torch" or _is_module(step) else "numpy")
        self._step = step

    def predictor(self, x: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """One step of every row, (B, C) -> (B, C) in data units: what rollout and residual kernels call.

        Args:
            x: states.
            rng: for a model with noise; default: a generator of seed 0.

        Raises:
            InputError: the model fails, or returns another shape, NaN or infinity.
        """
        return self._checked(x, self._source(rng or np.random.default_rng(0)))

    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, `batch_size` rollouts at a time.

        Raises:
            InputError: more trajectories than starts without `replace`, or a model that fails, returns another
                shape, or leaves the finite numbers (the first step at which it did is named).
        """
        self.refuse(settings, ())
        check_request(n, seed)
        chosen = self._starts(n, seed)
        for batch, first in enumerate(range(0, n, self.batch_size)):
            index = chosen[first : first + self.batch_size]
            source = self._source(np.random.default_rng([int(seed), _NOISE_STREAM, batch]))
            values = np.empty((len(index), self.T, self.start.shape[1]), dtype=np.float64)
            values[:, 0] = self.start[index]
            for t in range(1, self.T):
                values[:, t] = self._checked(values[:, t - 1], source, f" at step {t} of {self.T - 1}")
            groups = index if self.replace else None
            yield self.labels.labelled(values, len(index), self.name, groups)

    def _starts(self, n: int, seed: int) -> NDArray[np.int64]:
        rng, there = np.random.default_rng([int(seed), _START_STREAM]), len(self.start)
        if self.replace:
            return rng.integers(there, size=n)
        require(
            n <= there,
            f"{self.name}: got n = {n} with {there} initial states; expected no more, or replace=True",
        )
        return rng.permutation(there)[:n]

    def _source(self, rng: np.random.Generator) -> Any:
        if self.noise != "torch":
            return rng
        import torch

        return torch.Generator().manual_seed(int(rng.integers(2**63)))

    def _checked(self, x: NDArray[Any], source: Any, where: str = "") -> NDArray[np.float64]:
        extra = () if self.noise == "none" else (source,)
        try:
            made = self._in_torch(x, extra) if self.arrays == "torch" else self._step(x.copy(), *extra)
        except Exception as error:
            raise InputError(
                f"{self.name}: step raised {type(error).__name__}{where}: {printable(error)}"
            ) from error
        array = as_array(made, self.name).astype(np.float64)
        require(
            array.shape == x.shape,
            f"{self.name}: step returned shape {array.shape} for {x.shape}{where}; expected the same",
        )
        bad = ~np.isfinite(array).all(axis=1)
        if bad.any():
            raise InputError(
                f"{self.name}: step returned NaN or infinity for {int(bad.sum())} of {len(x)} states{where}; "
                "expected finite numbers"
            )
        return array

    def _in_torch(self, x: NDArray[Any], extra: tuple[Any, ...]) -> Any:
        import torch

        from pushforward.generators.adapters.guarded import evaluating, home

        device, dtype = home(self._step)
        with torch.no_grad(), evaluating(self._step):
            return self._step(torch.from_numpy(x).to(device, dtype), *extra)


def _states(
    start: ArrayLike | Trajectories, like: Trajectories | None
) -> tuple[NDArray[np.float64], Trajectories | None]:
    if isinstance(start, Trajectories):
        states = np.asarray(start.values[:, 0], dtype=np.float64)
        like = start if like is None else like
    else:
        states = as_array(start, "start").astype(np.float64)
    require(
        states.ndim == 2 and len(states) >= 1 and states.shape[1] >= 1,
        f"start: got shape {states.shape}; expected (N, C): initial states, channels",
    )
    require(bool(np.isfinite(states).all()), "start: got NaN or infinity; expected finite numbers")
    return states, like


def _is_module(step: object) -> bool:
    # Who holds a module has loaded torch; who has not loaded it need not.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(step, torch.nn.Module)
