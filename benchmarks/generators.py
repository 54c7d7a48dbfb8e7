"""Diffusion beside denoising-diffusion-pytorch and diffusers: `python -m benchmarks.generators`.

Same data (sinusoids whose frequency is the quantity, T = 32 and 128), as nearly the same number of weights as the
peers' widths allow, the same number of training steps, in turns of a few steps so that all see the same machine. Then
all sample: the peers with their usual 1,000 steps and with 50 (DDIM), this library by `calibrated`. Drift is W1 of the
frequency to the training data. Times of 10,000 are scaled from the samples made. `--quick` trains a few steps only: its
speeds hold, its drifts mean nothing. The roofline is the time that the network's multiplications would take at the rate
of a product of two 1,024 × 1,024 matrices on the same threads. `--widths` measures that for other networks alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

import pushforward as pf
from benchmarks import ragged
from benchmarks.contenders import USUAL_STEPS, Contender, DenoisingDiffusion, Diffusers
from benchmarks.peers import is_installed
from benchmarks.table import Row, table
from pushforward import systems
from pushforward.generators.diffusion import Diffusion
from pushforward.trajectories import Trajectories

_TURN = 25
# The noise levels that matter for normalised trajectories of smooth motions, for few calls.
_LEVELS = {"sigma_max": 20.0, "sigma_min": 0.02}
_OURS = 10_000
# Of the U-Net's levels, and residual blocks on each.
_NETWORKS: tuple[tuple[tuple[int, ...], int], ...] = (
    ((16, 32, 64), 2),
    ((24, 48, 96), 1),
    ((32, 64), 2),
    ((32, 96), 1),
    ((48, 96), 1),
    ((32, 64, 128), 1),
)
_TIMED, _WARMING = 80, 20


@dataclass(frozen=True)
class Budget:
    """How much to run.

    Attributes:
        steps: of training.
        usual: trajectories that a peer makes with 1,000 steps.
        few: trajectories that a peer makes with its few-step sampler.
        calls: denoiser calls of this library's sampler.
        clock: wall or CPU seconds.
    """

    steps: int = 1500
    usual: int = 256
    few: int = 2000
    calls: int = 8
    clock: Callable[[], float] = time.perf_counter


_QUICK = Budget(steps=75, usual=32, few=128)


def rows(budget: Budget = _QUICK, lengths: tuple[int, ...] = (32, 128)) -> list[Row]:
    """Training steps, time to 10,000 samples and the roofline; what is missing is said."""
    missing = [name for name in ("denoising_diffusion_pytorch", "diffusers") if not is_installed(name)]
    if missing:
        return [_row("diffusion beside its peers", "—", f"{', '.join(missing)} not installed", "—")]
    return [row for T in lengths for row in _compared(T, budget)] + ragged.rows()


def _compared(T: int, budget: Budget) -> list[Row]:
    data = _sinusoids(T)
    model, ours, peers = _trained(data, budget)
    threads = torch.get_num_threads()
    made = [
        _row(f"T = {T}: weights ({threads} thread{'s'[: threads > 1]})", f"{model.n_parameters:,}", "—", "—")
    ]
    for peer in peers:
        made.append(_row(f"  {peer.name}", "", f"{peer.n_parameters:,}", "—"))
    step = min(ours)
    for peer in peers:
        theirs = min(peer.rounds)
        made.append(
            _row(
                f"training step, batch 128, beside {peer.name}",
                f"{1e3 * step:.1f} ms",
                f"{1e3 * theirs:.1f} ms",
                f"{theirs / step:.2f}×",
            )
        )
    made += _sampled(model, data, peers, budget)
    return made + _rooflines(model, data, step, budget.clock)


def widths(lengths: tuple[int, ...], clock: Callable[[], float] = time.perf_counter) -> list[Row]:
    """The roofline of wider and shallower networks: the fastest tenth of some training steps of each."""
    made = []
    for T in lengths:
        data = _sinusoids(T)
        for sizes, blocks in _NETWORKS:
            model, marks = Diffusion(steps=_TIMED, widths=sizes, blocks=blocks, device="cpu"), []
            model.fit(data, seed=0, progress=lambda *_, marks=marks: marks.append(clock()))
            step = float(np.quantile(np.diff(marks)[_WARMING:], 0.1))
            for row in _rooflines(model, data, step, clock):
                label = f"T = {T}, {sizes}, {blocks}, {model.n_parameters:,} weights: {row['what']}"
                made.append(_row(label, row["ours"], row["peer"], row["ratio"]))
    return made


def _sinusoids(T: int) -> Trajectories:
    system = systems.create("sinusoid")
    return system.sample(20_000, pf.Intended.parse(system.default_intended), T=T, seed=0)


def _trained(data: Trajectories, budget: Budget) -> tuple[Diffusion, list[float], list[Contender]]:
    """Our model, seconds of a step in each of its turns, and the peers, trained in between."""
    model, clock = Diffusion(steps=budget.steps, device="cpu"), budget.clock
    peers: list[Contender] = [
        kind(data.values, model.settings, clock) for kind in (DenoisingDiffusion, Diffusers)
    ]
    ours: list[float] = []
    started = clock()

    def turn(done: int, total: int | None = None, note: str = "") -> None:
        nonlocal started
        if done % _TURN == 0 and done > 0:
            ours.append((clock() - started) / _TURN)
            for peer in peers:
                peer.train(_TURN)
            started = clock()

    model.fit(data, seed=0, progress=turn)
    for peer in peers:
        peer.finish()
    return model, ours[1:] or ours, peers


def _sampled(model: Diffusion, data: Trajectories, peers: list[Contender], budget: Budget) -> list[Row]:
    n = _OURS if budget.few >= Budget.few else budget.few
    started = budget.clock()
    mine = model.sample(n, seed=1, sampler="calibrated", sampler_steps=budget.calls, **_LEVELS)
    ours, drift = (budget.clock() - started) / n * _OURS, _drift(mine, data)
    found = []
    for peer in peers:
        for steps, count in ((USUAL_STEPS, budget.usual), (peer.few_steps, budget.few)):
            values, taken = peer.samples(count, steps)
            theirs = taken / count * _OURS
            found.append(
                _row(
                    f"10,000 samples, {budget.calls} calls, beside {peer.name} with {steps:,}",
                    f"{ours:.1f} s, {drift}",
                    f"{theirs:,.0f} s, {_drift(_like(values, data), data)}",
                    f"{theirs / ours:.0f}×",
                )
            )
    return found


def _like(values: NDArray[np.float64], data: Trajectories) -> Trajectories:
    return Trajectories(
        values, dt=data.dt, channels=data.channels, units=data.units, time_unit=data.time_unit
    )


def _drift(made: Trajectories, data: Trajectories) -> str:
    """W1 of the frequency to the training data, and what noise alone would give in one of twenty."""
    found = pf.audit(made, against=data, quantities=[systems.create("sinusoid").quantity]).quantities[0].w1
    return f"W1 {found.value:.3f} (noise {found.null_95:.3f})"


def _rooflines(model: Diffusion, data: Trajectories, step: float, clock: Callable[[], float]) -> list[Row]:
    rate, network = _matmul_rate(clock), model.denoiser
    x, level = torch.zeros(128, data.T, data.C), torch.ones(128)
    network.requires_grad_(True)
    with FlopCounterMode(display=False) as trained:
        network.loss(x, x, level).backward()
    network.requires_grad_(False)
    x, level = torch.zeros(1024, data.T, data.C), torch.ones(1024)
    with torch.inference_mode(), FlopCounterMode(display=False) as called:
        network(x, level)
    with torch.inference_mode():
        call = _fastest(lambda: network(x, level), clock, 5)
    floors = (trained.get_total_flops() / rate, called.get_total_flops() / rate)
    return [
        _row(
            f"{what} beside {rate / 1e9:.0f} GFLOP/s of matrix products",
            f"{1e3 * taken:.1f} ms",
            f"{1e3 * floor:.1f} ms",
            f"{floor / taken:.2f}×",
        )
        for what, taken, floor in (
            ("training step, batch 128,", step, floors[0]),
            ("denoiser call, batch 1,024,", call, floors[1]),
        )
    ]


def _matmul_rate(clock: Callable[[], float]) -> float:
    """FLOP/s of a product of two 1,024 × 1,024 matrices."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    return 2 * 1024**3 / _fastest(lambda: a @ b, clock, 20)


def _fastest(call: Callable[[], object], clock: Callable[[], float], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        started = clock()
        call()
        best = min(best, clock() - started)
    return best


def _row(what: str, ours: str, peer: str, ratio: str) -> Row:
    return {"what": what, "ours": ours, "peer": peer, "ratio": ratio}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generators", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few training steps and samples")
    parser.add_argument("--steps", type=int, help="training steps of each")
    parser.add_argument("--usual", type=int, help="trajectories that a peer makes with 1,000 steps")
    parser.add_argument("--few", type=int, help="trajectories that a peer makes with 50 steps")
    parser.add_argument("--calls", type=int, help="denoiser calls of this library's sampler")
    parser.add_argument("--T", type=int, nargs="*", default=[32, 128])
    parser.add_argument("--cpu", action="store_true", help="seconds of CPU, for a machine that is shared")
    parser.add_argument("--widths", action="store_true", help="only the rooflines of other networks")
    wanted = parser.parse_args()
    if wanted.widths:
        print(table(widths(tuple(wanted.T), time.process_time if wanted.cpu else time.perf_counter)))
        return
    basis = _QUICK if wanted.quick else Budget()
    chosen = {
        name: getattr(wanted, name) or getattr(basis, name) for name in ("steps", "usual", "few", "calls")
    }
    clock = time.process_time if wanted.cpu else time.perf_counter
    print(table(rows(Budget(**chosen, clock=clock), tuple(wanted.T))))


if __name__ == "__main__":
    main()
