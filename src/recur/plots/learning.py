"""The curves of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recur.messages import InputError, listed, must
from recur.plots.figure import BLUE, ORANGE, SIZE, dress, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Columns of a history that are not drawn as curves of learning.
NOT_CURVES = ("epoch", "seconds", "gradient_norm", "gradient_norm_max", "learning_rate")

MOST_CURVES = 64


@in_own_style
def curves(columns: Mapping[str, Sequence[float]]) -> list[tuple[str, Figure]]:
    """Draws the curves of a training: the loss, then each metric.

    Args:
        columns: values by column, one an epoch, as `History.history` has them: "loss", "accuracy",
            ... and the same on validation data as "val_loss", ...; "epoch" if it is there numbers
            the axis.

    Returns:
        (name, figure) pairs: "loss", "accuracy", ...

    Raises:
        InputError: if there is no loss to draw.
    """
    figures = []
    for name in _curve_names(columns):
        figure = new_figure(*SIZE)
        _curve(figure.subplots(), name, columns)
        figures.append((name, figure))
    return figures


@in_own_style
def overview(columns: Mapping[str, Sequence[float]]) -> Figure:
    """Draws the same curves as `curves`, side by side in one figure."""
    names = _curve_names(columns)
    figure = new_figure(5.5 * len(names), SIZE[1])
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        _curve(panel, name, columns)
    return figure


def _curve_names(columns: Mapping[str, Sequence[float]]) -> list[str]:
    names = [
        name
        for name, values in columns.items()
        if name not in NOT_CURVES and not name.startswith("val_") and len(values)
    ]
    if "loss" not in names:
        got = listed(columns, "and") or "no columns"
        raise InputError(must("a history to draw", "one with a loss of at least one epoch", got))
    if len(names) > MOST_CURVES:
        expected = f"one of at most {MOST_CURVES} metrics"
        raise InputError(must("a history to draw", expected, f"{len(names):,} of them"))
    return names


def _curve(axes: Axes, name: str, columns: Mapping[str, Sequence[float]]) -> None:
    """One curve over the epochs, on training and, if known, validation data."""
    training, validation = columns[name], columns.get(f"val_{name}")
    epochs = columns.get("epoch") or list(range(1, len(training) + 1))
    axes.plot(epochs, training, "o-", color=BLUE, markersize=4, label="training")
    if validation is not None:
        axes.plot(epochs, validation, "s-", color=ORANGE, markersize=4, label="validation")
    if name == "accuracy":
        seen = [v for v in [*training, *(validation or [])] if math.isfinite(v)]
        axes.set_ylim(min([0.5, *seen]) - 0.02, 1.02)
    words = name.replace("_", " ") if name == "loss" or len(name) > 4 else name.upper()
    dress(axes, f"{words[0].upper()}{words[1:]} during training", "epoch", words)
