"""Recordings of several channels, and what was believed of them while they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import dress, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 10
"""Channels or classes that are told apart by colour."""
MOST_LETTERS = 22


@in_own_style
def recording(
    values: Any,
    channels: Sequence[str],
    *,
    beliefs: Any,
    moments: Sequence[int],
    classes: Sequence[str],
    title: str = "What was believed",
) -> Figure:
    """Draws a recording, and below it how likely each class was while it came in.

    Of many channels the first ten are drawn, of many classes the ten that were likeliest.

    Args:
        values: (T, F).
        channels: (F,) names.
        beliefs: (M, C) probabilities, after as many steps as each moment says.
        moments: (M,) numbers of steps.
        classes: (C,) names.
        title: the title.

    Raises:
        InputError: if the shapes do not fit.
    """
    shown, believed = np.asarray(values, dtype=float), np.asarray(beliefs, dtype=float)
    if shown.ndim != 2 or not shown.size or shown.shape[1] != len(channels):
        expected = f"(time, {len(channels)} channels), not empty"
        raise InputError(must("values", expected, f"the shape {shown.shape}"))
    if believed.shape != (len(moments), len(classes)) or not believed.size:
        expected = f"of the shape ({len(moments)}, {len(classes)}), not empty"
        raise InputError(must("beliefs", expected, believed.shape))
    figure = new_figure(8.0, 6.0)
    above, below = figure.subplots(2, sharex=True)
    for n, name in enumerate(channels[:MOST_LINES]):
        above.plot(np.arange(1, len(shown) + 1), shown[:, n], linewidth=1.0, label=_name(name))
    likely = np.sort(np.argsort(-believed.max(axis=0), kind="stable")[:MOST_LINES])
    for n in likely:
        below.plot(moments, believed[:, n], marker=".", label=_name(classes[n]))
    below.set_ylim(-0.03, 1.03)
    dress(above, title, "", "value")
    dress(below, "", "step", "probability")
    for axes in (above, below):
        _beside(axes)
    return figure


def _name(name: str) -> str:
    return brief(drawable(name), MOST_LETTERS)


def _beside(axes: Axes) -> None:
    """Puts the legend beside the lines, which would hide it or be hidden."""
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7, facecolor="white", edgecolor="none"
    )
    for label in legend.get_texts():
        label.set_parse_math(False)
