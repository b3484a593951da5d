"""Scores of rows, and the threshold above which they are alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import BLUE, GREY, ORANGE, SIZE, dress, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = 40


@in_own_style
def alarms(
    scores: Any, threshold: float, *, events: Sequence[tuple[int, int]] = (), title: str = "Alarms"
) -> Figure:
    """Draws scores in the order of their rows; those above the threshold in another colour.

    Args:
        scores: (N,) from 0 to 1; others, from 0 on, are drawn on a logarithmic scale.
        threshold: above it a score is an alarm.
        events: what is shaded, known anomalies: the first row of each, from 0, and one after the
            last.
        title: the title.

    Raises:
        InputError: if there is no score.
    """
    shown = _checked(scores)
    rows, over = np.arange(1, len(shown) + 1), shown > threshold
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    for n, (start, end) in enumerate(events):
        label = None if n else "known anomaly"
        axes.axvspan(start + 0.5, end + 0.5, color=GREY, alpha=0.25, linewidth=0, label=label)
    size = 5 if len(shown) <= 200 else 2
    for kept, color, label in ((~over, BLUE, "usual"), (over, ORANGE, "alarm")):
        axes.plot(rows[kept], shown[kept], "o", color=color, markersize=size, label=label)
    axes.axhline(threshold, color=GREY, linestyle="--", linewidth=1.0, label="threshold")
    if _are_shares(shown):
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_yscale("symlog", linthresh=max(float(threshold), 1e-9))
    dress(axes, title, "row", "score")
    return figure


@in_own_style
def separation(
    scores: Any, anomalous: Any, threshold: float, *, title: str = "How well scores tell"
) -> Figure:
    """Draws how often each score was given to what is usual, and to anomalies.

    Args:
        scores: (N,) from 0 to 1; others, from 0 on, are drawn on a logarithmic scale.
        anomalous: (N,) True where it is an anomaly.
        threshold: above it a score is an alarm.
        title: the title.

    Raises:
        InputError: if there is no score, or not as many on both sides.
    """
    shown, strange = _checked(scores), np.asarray(anomalous).astype(bool)
    if strange.shape != shown.shape:
        raise InputError(must("anomalous", f"of the shape {shown.shape}", strange.shape))
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    edges = np.linspace(0, 1, BARS + 1)
    if not _are_shares(shown):
        edges = np.geomspace(max(shown[shown > 0].min(initial=1.0), 1e-3), shown.max(), BARS + 1)
        axes.set_xscale("log")
    for part, color, label in ((~strange, BLUE, "usual"), (strange, ORANGE, "anomalies")):
        axes.hist(shown[part], edges.tolist(), color=color, alpha=0.6, label=label)
    axes.axvline(threshold, color=GREY, linestyle="--", linewidth=1.0, label="threshold")
    axes.set_yscale("log")
    dress(axes, title, "score", "rows")
    return figure


def _are_shares(scores: Any) -> bool:
    return bool(scores.max() <= 1)


def _checked(scores: Any) -> Any:
    shown = np.asarray(scores, dtype=float)
    if shown.ndim != 1 or not len(shown):
        raise InputError(must("scores", "one a row, one at least", f"the shape {shown.shape}"))
    return shown
