"""What goes on inside a network: gradients, states, attention, and which inputs mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import BLUE, GREEN, GREY, ORANGE, SIZE, dress, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS, STYLES = (BLUE, ORANGE, GREEN, GREY), ("-", "--", ":", "-.")
MOST_LABELS = 60
"""Labels on an axis at most; beyond it numbers say more."""


@in_own_style
def gradients(
    norms: Mapping[str, Sequence[float]], *, title: str = "Gradients through time"
) -> Figure:
    """Draws how much of a gradient is left at each lag, a line for each network or layer.

    Args:
        norms: by name, the norm of the gradient at each lag from 0. Each is drawn over its own
            largest, on a logarithmic axis; the dotted line marks 1%.
        title: the title.

    Raises:
        InputError: if there is nothing to draw.
    """
    if not norms or not all(len(each) for each in norms.values()):
        raise InputError(must("norms", "at least one name with at least one norm", dict(norms)))
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    for number, (name, each) in enumerate(norms.items()):
        values = np.asarray(each, dtype=float)
        largest = np.nanmax(np.where(np.isfinite(values), values, np.nan), initial=0.0)
        shown = np.where(values > 0, values, np.nan) / (largest or 1.0)
        style = STYLES[number // len(COLORS) % len(STYLES)]
        axes.plot(shown, color=COLORS[number % len(COLORS)], linestyle=style, label=name)
    axes.axhline(0.01, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(1e-8, 2.0)
    dress(axes, title, "lag: steps back from the end", "gradient, over its largest")
    return figure


@in_own_style
def layer_sizes(columns: Mapping[str, Sequence[float]]) -> Figure:
    """Draws how large gradients and updates were in training, a line for each layer.

    Args:
        columns: "gradient NAME" and "update NAME" by epoch, as `recur.diagnostics.LayerSizes` has
            them.

    Raises:
        InputError: if there is no such column.
    """
    kinds = {"gradient": "gradient's norm", "update": "update, over the weights' norm"}
    found = {
        kind: {n.removeprefix(f"{kind} "): v for n, v in columns.items() if n.startswith(kind)}
        for kind in kinds
    }
    if not any(found.values()):
        raise InputError(must("columns", "sizes of gradients or updates", list(columns)))
    figure = new_figure(2 * SIZE[0] - 3, SIZE[1])
    panels = figure.subplots(1, len(kinds))
    for axes, (kind, label) in zip(panels, kinds.items(), strict=True):
        for number, (name, values) in enumerate(found[kind].items()):
            epochs = range(1, len(values) + 1)
            color, style = COLORS[number % len(COLORS)], STYLES[number // len(COLORS) % len(STYLES)]
            axes.plot(epochs, values, "o", markersize=4, color=color, linestyle=style, label=name)
        axes.set_yscale("log")
        dress(axes, f"Each layer's {kind}", "epoch", label)
    return figure


@in_own_style
def heatmaps(
    values: Mapping[str, Any], *, steps: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Draws values of units over time, a panel for each name.

    Args:
        values: by name, an array (T, H). What is never negative is drawn from 0 to 1 at least, the
            rest with white at 0.
        steps: T labels of the steps, such as the words that were read.
        title: the title.

    Raises:
        InputError: if there is nothing to draw, or the panels' steps differ.
    """
    panels = {name: np.asarray(each, dtype=float) for name, each in values.items()}
    times = {len(each) for each in panels.values()}
    if len(times) != 1 or any(each.ndim != 2 or not each.size for each in panels.values()):
        got = {name: each.shape for name, each in panels.items()}
        raise InputError(must("values", "arrays (T, H) of the same T", got))
    (time,) = times
    _check_labels("steps", steps, time)
    figure = new_figure(min(max(SIZE[0], 0.25 * time), 16.0), 1.0 + 1.5 * len(panels))
    column = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, each) in zip(column, panels.items(), strict=True):
        largest = max(1.0, float(np.nanmax(np.abs(each))))
        signed = bool((each < 0).any())
        image = axes.imshow(
            each.T,
            aspect="auto",
            interpolation="nearest",
            cmap="RdBu_r" if signed else "viridis",
            vmin=-largest if signed else 0.0,
            vmax=largest,
        )
        axes.set_ylabel(f"{name}: unit")
        figure.colorbar(image, ax=axes)
    column[0].set_title(title, loc="left", fontweight="bold")
    _label_steps(column[-1], steps, time)
    return figure


@in_own_style
def alignment(
    weights: Any,
    *,
    source: Sequence[str] | None = None,
    target: Sequence[str] | None = None,
    title: str = "Attention",
) -> Figure:
    """Draws where attention looked: a row for each question, a column for each step of the source.

    Args:
        weights: (Q, S), which sum to 1 over each row.
        source: S labels.
        target: Q labels.
        title: the title.

    Raises:
        InputError: if the shapes do not fit.
    """
    shown = np.asarray(weights, dtype=float)
    if shown.ndim != 2 or not shown.size:
        raise InputError(must("weights", "of two axes (Q, S), not empty", shown.shape))
    _check_labels("source", source, shown.shape[1])
    _check_labels("target", target, shown.shape[0])
    rows, columns = (min(max(4.0, 0.3 * n + 2), 14.0) for n in shown.shape)
    figure = new_figure(columns, rows)
    axes = figure.subplots()
    image = axes.imshow(shown, aspect="auto", interpolation="nearest", cmap="Greys", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes)
    _label_steps(axes, source, shown.shape[1])
    if target is not None and len(target) <= MOST_LABELS:
        axes.set_yticks(range(len(target)), _words(target))
    axes.set_ylabel("written")
    axes.set_title(title, loc="left", fontweight="bold")
    return figure


@in_own_style
def attribution(
    values: Sequence[float], labels: Sequence[str] | None = None, *, title: str = "What mattered"
) -> Figure:
    """Draws what each step added to a score: above zero it spoke for it, below against it.

    Args:
        values: (T,).
        labels: T labels, such as words.
        title: the title.

    Raises:
        InputError: if there is nothing to draw, or the labels do not fit.
    """
    if not len(values):
        raise InputError(must("values", "at least one", "none"))
    _check_labels("labels", labels, len(values))
    figure = new_figure(min(max(SIZE[0], 0.25 * len(values)), 16.0), SIZE[1])
    axes = figure.subplots()
    colors = [BLUE if value >= 0 else ORANGE for value in values]
    axes.bar(range(len(values)), values, color=colors, width=0.9)
    axes.axhline(0, color=GREY, linewidth=0.8)
    head = axes.set_title(title, loc="left", fontweight="bold")
    head.set_parse_math(False)  # a dollar in a word begins no formula
    axes.set_ylabel("added to the score")
    axes.spines[["top", "right"]].set_visible(False)
    _label_steps(axes, labels, len(values))
    return figure


def _check_labels(name: str, labels: Sequence[str] | None, length: int) -> None:
    if labels is not None and len(labels) != length:
        raise InputError(must(name, f"of length {length}", len(labels)))


def _label_steps(axes: Axes, labels: Sequence[str] | None, time: int) -> None:
    if labels is not None and time <= MOST_LABELS:
        axes.set_xticks(range(time), _words(labels), rotation=90)
    else:
        axes.set_xlabel("step")


def _words(labels: Sequence[str]) -> list[str]:
    """Labels as they can be drawn; a dollar would begin a formula."""
    return [drawable(each).replace("$", r"\$") for each in labels]
