"""Sound over time, and what was heard in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import ORANGE, SIZE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = 6
"""Bands that are marked with their frequency."""


@in_own_style
def spectrogram(
    energies: Any,
    *,
    seconds: float,
    frequencies: Sequence[float],
    letters: Sequence[tuple[str, float]] = (),
    title: str = "What was heard",
) -> Figure:
    """Draws a spectrogram, with letters where they were decided.

    Args:
        energies: (T, M) of each frame and band.
        seconds: from one frame to the next.
        frequencies: (M,) the middle of each band in Hz.
        letters: each with its time in seconds.
        title: the title.

    Raises:
        InputError: if the shapes do not fit.
    """
    shown = np.asarray(energies, dtype=float)
    if shown.ndim != 2 or not shown.size or shown.shape[1] != len(frequencies):
        expected = f"(time, {len(frequencies)} bands), not empty"
        raise InputError(must("energies", expected, f"the shape {shown.shape}"))
    time, bands = shown.shape
    figure = new_figure(min(max(SIZE[0], 0.25 * len(letters) + 2), 16.0), SIZE[1])
    axes = figure.subplots()
    extent = (-0.5 * seconds, (time - 0.5) * seconds, -0.5, bands - 0.5)
    axes.imshow(
        shown.T,
        aspect="auto",
        origin="lower",
        extent=extent,
        interpolation="nearest",
        cmap="Greys",
    )
    for letter, at in letters:
        axes.axvline(at, color=ORANGE, linewidth=1.0)
        text = axes.text(
            at, bands, drawable(letter), color=ORANGE, ha="center", fontweight="bold", clip_on=False
        )
        text.set_parse_math(False)
    marked = np.unique(np.linspace(0, bands - 1, min(TICKS, bands)).round().astype(int))
    axes.set_yticks(marked, [f"{frequencies[n]:,.0f}" for n in marked])
    axes.set_xlabel("seconds")
    axes.set_ylabel("Hz")
    axes.set_title(drawable(title), loc="left", fontweight="bold", pad=20, parse_math=False)
    return figure
