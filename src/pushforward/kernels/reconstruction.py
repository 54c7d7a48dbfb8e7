"""Reconstruction: each trajectory encoded and decoded, with the noise of code and decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, printable, require
from pushforward.kernels.base import deviated, learned
from pushforward.kernels.trained import AbstractTrainedKernel, own_condition
from pushforward.trajectories import Trajectories

__all__ = ["Reconstruction"]


@final
@dataclass(frozen=True)
class _Pair:
    """An encoder and a decoder that are given as functions; see `Reconstruction.from_pair`."""

    encode: Callable[[NDArray[np.float32]], Any]
    decode: Callable[[NDArray[np.float64]], ArrayLike]
    decoder_sigma: NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Reconstruction(AbstractTrainedKernel):
    """z = μ(x) + s·σ_z(x)·ε, z' = √(1 − p²)·z + p·ε', x' = f(z') + s·σ_c·ε'': what a VAE makes of each trajectory.

    At s = 1 and p = 0 this is the model's own law of a reconstruction, q(z | x) and then p(x' | z); a model whose
    posterior and decoder are exact keeps the law of the data. With p the code is drawn towards the prior N(0, I), up
    to p = 1, where nothing of x is left and the forecast is the model's own drift: codes that the data never have
    belong to it.

    Attributes:
        scale: s, which multiplies the noise of the code and of the decoder; 0 gives back x itself, and just above 0 it
            is the reconstruction without noise, f(μ(x)).
        run: folder of a trained run; or give `generator`, a trained VAE, or see `from_pair`.
        prior: p, 0 to 1: the share of the code's standard deviation that is drawn anew.
        decoder_noise: whether x' has the decoder's noise.
    """

    name: ClassVar[str] = "reconstruction"
    formula: ClassVar[str] = "x' = f(√(1 − p²)·(μ(x) + s·σ_z(x)·ε) + p·ε') + s·σ_c·ε''"
    source: ClassVar[str] = "Kingma and Welling 2014, Auto-encoding variational Bayes"
    cost: ClassVar[str] = "once through the encoder and once through the decoder"
    needs: ClassVar[str] = "a trained generator with an encoder and a decoder"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0)

    scale: float | None = 1.0
    prior: float = 0.0
    decoder_noise: bool = True
    pair: _Pair | None = learned()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: a share of the prior outside 0 to 1; or as the run's.
        """
        super().__post_init__()
        require(
            0 <= self.prior <= 1,
            f"kernel {self.name!r}, setting 'prior': got {self.prior:g}; expected 0 to 1",
        )

    @classmethod
    def from_pair(
        cls,
        encode: Callable[[NDArray[np.float32]], Any],
        decode: Callable[[NDArray[np.float64]], ArrayLike],
        decoder_sigma: ArrayLike = 0.0,
        **settings: Any,
    ) -> Self:
        """The kernel of any encoder and decoder.

        Args:
            encode: values (N, T, C) -> codes (N, d), or their means and standard deviations, two arrays (N, d).
            decode: codes (N, d) -> values (N, T, C), in the data's units.
            decoder_sigma: standard deviation of the decoder's noise, one number or one per channel.
            settings: of the kernel.

        Raises:
            InputError: something that cannot be called, or a negative sigma.
        """
        sigma = np.asarray(decoder_sigma, dtype=np.float64)
        require(
            callable(encode) and callable(decode),
            "Reconstruction.from_pair: expected two functions, encode and decode",
        )
        require(
            bool(np.isfinite(sigma).all() and (sigma >= 0).all()) and sigma.ndim <= 1,
            f"decoder_sigma: got {printable(decoder_sigma, 40)}; expected a number of at least 0, or one per channel",
        )
        return cls(pair=_Pair(encode, decode, sigma), **settings)

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, no model, or trajectories that it cannot take.
        """
        scale = self.known_scale
        if scale == 0:
            return trajectories
        mean, sigma = self._encoded(trajectories)
        z = mean + scale * sigma * rng.standard_normal(mean.shape)
        if self.prior > 0:
            z = np.sqrt(1 - self.prior**2) * z + self.prior * rng.standard_normal(mean.shape)
        made, noise = self._decoded(z, trajectories)
        if self.decoder_noise:
            made = made + scale * noise * rng.standard_normal(made.shape)
        return deviated(trajectories, made.astype(np.float32))

    def _encoded(self, trajectories: Trajectories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, d) means and standard deviations of the codes."""
        if self.pair is None:
            model = self.model
            mean, sigma = model.encode(trajectories, own_condition(model, trajectories))
        else:
            found = self.pair.encode(trajectories.values)
            mean, sigma = found if isinstance(found, tuple) else (found, 0.0)
        mean = np.asarray(mean, dtype=np.float64)
        n = len(trajectories)
        require(
            mean.ndim == 2 and len(mean) == n,
            f"kernel {self.name!r}: the encoder gave shape {mean.shape} for {n} trajectories; expected ({n}, d)",
        )
        return mean, np.broadcast_to(np.asarray(sigma, dtype=np.float64), mean.shape)

    def _decoded(
        self, z: NDArray[np.float64], trajectories: Trajectories
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, T, C) decoded values, and the standard deviations (C,) of the decoder's noise."""
        if self.pair is None:
            return self._by_model(z, trajectories)
        made = np.asarray(self.pair.decode(z), dtype=np.float64)
        wanted = trajectories.values.shape
        require(
            made.shape == wanted,
            f"kernel {self.name!r}: the decoder gave shape {made.shape}; expected {wanted}",
        )
        if not np.isfinite(made).all():
            raise InputError(
                f"kernel {self.name!r}: the decoder gave NaN or infinity; expected finite numbers"
            )
        return made, self.pair.decoder_sigma

    def _by_model(
        self, z: NDArray[np.float64], trajectories: Trajectories
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        model = self.model
        lengths = trajectories.steps if model.description.lengths else None
        decoded = model.decode(z, lengths, own_condition(model, trajectories))
        beyond = trajectories.T - decoded.T
        values = np.pad(decoded.values, ((0, 0), (0, max(beyond, 0)), (0, 0)), mode="edge")
        return values[:, : trajectories.T].astype(np.float64), model.decoder_sigma
