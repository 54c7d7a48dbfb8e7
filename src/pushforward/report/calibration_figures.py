"""The figure of a calibration: what was asked for against what was got."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from pushforward.errors import printable
from pushforward.report.style import GAIN, INK, INTENDED, MUTED, WIDTH, quiet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pushforward.mitigations.calibration import Calibration

__all__ = ["calibration_figure"]


def calibration_figure(calibration: Calibration) -> Figure:
    """Two panels over the asked value. Top: the mean of what was got, with the range of 90 % of it, and the diagonal.

    Bottom: the bias with its limits.
    """
    from matplotlib.figure import Figure

    levels = calibration.levels
    asked = np.array([one.asked for one in levels])
    name, unit = printable(calibration.quantity, 60), printable(calibration.unit, 20)
    bias = np.array([[one.bias.value, one.bias.low, one.bias.high] for one in levels])
    with styled():
        figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, 1))
        top.plot(asked, asked, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), label="as asked")
        top.fill_between(
            asked,
            [one.low for one in levels],
            [one.high for one in levels],
            color=INTENDED,
            alpha=0.7,
            linewidth=0,
            label="90 % of what was got",
        )
        top.plot(
            asked, [one.mean.value for one in levels], color=INK, marker="o", markersize=3.2, label="mean"
        )
        top.set_ylabel(f"got ({unit})" if unit else "got")
        bottom.axhline(0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
        bottom.vlines(asked, bias[:, 1], bias[:, 2], color=GAIN, linewidth=1.2)
        bottom.plot(asked, bias[:, 0], color=GAIN, marker="o", markersize=3.2, linewidth=0)
        bottom.set_ylabel("bias")
        bottom.set_xlabel(textwrap.fill(f"asked {name} ({unit})" if unit else f"asked {name}", 60))
        for axes in (top, bottom):
            quiet(axes)
        figure.legend(loc="outside upper left", ncols=3, borderaxespad=0.2, columnspacing=1.2)
        figure.align_ylabels([top, bottom])
        figure.draw_without_rendering()
    return figure
