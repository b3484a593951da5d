"""Arrays to figures, and nothing else.

Every function takes numbers and returns a matplotlib figure; `save` writes one. Figures are made
without pyplot: no window opens, no display is needed, and nothing stays in memory afterwards.
matplotlib is imported when the first figure is drawn.
"""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.files import PathLike, replacing
from recur.messages import InputError, listed, must, one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, vermilion, green and grey of Okabe and Ito (2008), told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"

# Columns of a history that are not drawn as curves of learning.
NOT_CURVES = ("epoch", "seconds", "gradient_norm", "gradient_norm_max", "learning_rate")

SIZE = (7.0, 4.3)  # inches
DPI = 150


@dataclass(frozen=True)
class Unrolled:
    """A network unrolled through time: what goes in and what comes out at each step.

    Attributes:
        inputs: a label for each step, in matplotlib's mathematical text; empty where nothing
            goes in.
        outputs: the same of what comes out.
        states: a label for each step's state.
        memory: whether each state is handed on to the next.
        fed_back: the steps whose output is the next step's input.
        attended: the steps that are looked at by those that come after them all.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    memory: bool = True
    fed_back: tuple[int, ...] = ()
    attended: tuple[int, ...] = ()


UNROLLED = {
    "one-to-one": Unrolled(("x",), ("y",), ("h",), memory=False),
    "one-to-many": Unrolled(
        ("x", "y_1", "y_2", "y_3"),
        ("y_1", "y_2", "y_3", "y_4"),
        ("h_1", "h_2", "h_3", "h_4"),
        fed_back=(0, 1, 2),
    ),
    "many-to-one": Unrolled(
        ("x_1", "x_2", "x_3", "x_4"), ("", "", "", "y"), ("h_1", "h_2", "h_3", "h_4")
    ),
    "many-to-many": Unrolled(
        ("x_1", "x_2", "x_3", "x_4"),
        ("y_1", "y_2", "y_3", "y_4"),
        ("h_1", "h_2", "h_3", "h_4"),
    ),
    "ctc": Unrolled(
        ("x_1", "x_2", "x_3", "x_4", "x_5", "x_6"),
        (r"\varepsilon", "c", "a", "a", r"\varepsilon", "t"),
        ("h_1", "h_2", "h_3", "h_4", "h_5", "h_6"),
    ),
    "encoder-decoder": Unrolled(
        ("x_1", "x_2", "x_3", "", "y_1", "y_2"),
        ("", "", "", "y_1", "y_2", "y_3"),
        ("h_1", "h_2", "h_3", "s_1", "s_2", "s_3"),
        fed_back=(3, 4),
    ),
    "attention": Unrolled(
        ("x_1", "x_2", "x_3", "", "y_1", "y_2"),
        ("", "", "", "y_1", "y_2", "y_3"),
        ("h_1", "h_2", "h_3", "s_1", "s_2", "s_3"),
        fed_back=(3, 4),
        attended=(0, 1, 2),
    ),
}


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
        figure = _figure(*SIZE)
        _curve(figure.subplots(), name, columns)
        figures.append((name, figure))
    return figures


def overview(columns: Mapping[str, Sequence[float]]) -> Figure:
    """Draws the same curves as `curves`, side by side in one figure."""
    names = _curve_names(columns)
    figure = _figure(5.5 * len(names), SIZE[1])
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        _curve(panel, name, columns)
    return figure


def forecast(
    past: Sequence[float],
    prediction: Sequence[float],
    *,
    actual: Sequence[float] | None = None,
    naive: Sequence[float] | None = None,
    past_times: Sequence[Any] | None = None,
    times: Sequence[Any] | None = None,
    title: str = "Forecast",
    value: str = "value",
) -> Figure:
    """Draws a forecast after the values it continues.

    Args:
        past: (P,) the last known values.
        prediction: (H,) the values forecast, which follow `past`.
        actual: (H,) what really came, if it is known.
        naive: (H,) the naive forecast, to compare with.
        past_times: (P,) dates or numbers of `past`; the steps up to 0 if None.
        times: (H,) dates or numbers of `prediction`; the steps from 1 on if None.
        title: the title.
        value: what is forecast, with its unit: the label of the vertical axis.

    Raises:
        InputError: if lengths do not fit, or there is nothing to draw.
    """
    _check_forecast(past, prediction, actual, naive, past_times, times)
    before = list(range(1 - len(past), 1)) if past_times is None else list(past_times)
    after = list(range(1, len(prediction) + 1)) if times is None else list(times)
    figure = _figure(*SIZE)
    axes = figure.subplots()
    # Each continuation starts at the last known value, so that no gap hides the first step.
    joined, last = before[-1:] + after, list(past[-1:])
    axes.plot(before, past, color=BLUE, label="known")
    if actual is not None:
        axes.plot(joined, last + list(actual), color=GREEN, label="what came")
    if naive is not None:
        axes.plot(joined, last + list(naive), color=GREY, linestyle="--", label="naive forecast")
    mark = "o" if len(prediction) <= 30 else ""
    axes.plot(joined, last + list(prediction), color=ORANGE, label="forecast")
    axes.plot(after, prediction, mark, color=ORANGE, markersize=4)
    axes.axvline(joined[0], color=GREY, linewidth=0.8, linestyle=":")
    _dress(axes, title, "time" if times is not None else "steps from now", value)
    if isinstance(after[0], datetime.date | np.datetime64):
        _dates(axes)
    return figure


def unrolled(network: str | Unrolled) -> Figure:
    """Draws a network unrolled through time: every step, its input and its output if it has them.

    Args:
        network: a type of network by name (the keys of `UNROLLED`), or a description of one.

    Returns:
        Inputs below, states in the middle, outputs above; time runs to the right. Dashed: an
        output that is read at the next step. Dotted: attention.

    Raises:
        InputError: an unknown name, or a description whose parts differ in length.
    """
    if isinstance(network, str):
        network = UNROLLED[one_of("a type of network", network, UNROLLED)]
    steps = len(network.states)
    for name, labels in (("inputs", network.inputs), ("outputs", network.outputs)):
        if len(labels) != steps:
            raise InputError(must(name, f"as many as the states, {steps}", len(labels)))
    figure = _figure(0.9 * steps + 0.5, 2.4)
    axes = figure.subplots()
    for row, labels, color in (
        (0, network.inputs, GREEN),
        (1, network.states, BLUE),
        (2, network.outputs, ORANGE),
    ):
        for step, label in enumerate(labels):
            if label:
                _box(axes, step, row, f"${label}$", color)
    for step in range(steps):
        if network.inputs[step]:
            _arrow(axes, (step, 0), (step, 1))
        if network.outputs[step]:
            _arrow(axes, (step, 1), (step, 2))
        if network.memory and step:
            _arrow(axes, (step - 1, 1), (step, 1))
    for step in network.fed_back:
        _arrow(axes, (step, 2), (step + 1, 0), linestyle="--", color=GREY)
    for step in network.attended:
        for asking in range(max(network.attended) + 1, steps):
            bend = {"connectionstyle": "arc3,rad=-0.22", "linestyle": ":", "color": ORANGE}
            _arrow(axes, (step, 1), (asking, 1), **bend)
    axes.set_xlim(-0.5, steps - 0.5)
    axes.set_ylim(-0.4, 2.4)
    axes.set_axis_off()
    return figure


def save(figure: Figure, path: PathLike) -> Path:
    """Writes a figure, whole or not at all; the format follows from the name (.png, .svg, .pdf).

    Returns:
        `path`.

    Raises:
        InputError: if the name ends in no format that can be written.
        FailedError: if the file cannot be written.
    """
    path = Path(path)
    known = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise InputError(must("the end of a figure's file name", listed(known), repr(path.name)))
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return path


def _curve_names(columns: Mapping[str, Sequence[float]]) -> list[str]:
    names = [
        name
        for name, values in columns.items()
        if name not in NOT_CURVES and not name.startswith("val_") and len(values)
    ]
    if "loss" not in names:
        got = listed(columns, "and") or "no columns"
        raise InputError(must("a history to draw", "one with a loss of at least one epoch", got))
    return names


def _curve(axes: Axes, name: str, columns: Mapping[str, Sequence[float]]) -> None:
    """One curve over the epochs, on training and, if known, validation data."""
    from matplotlib.ticker import MaxNLocator

    training, validation = columns[name], columns.get(f"val_{name}")
    epochs = columns.get("epoch") or list(range(1, len(training) + 1))
    axes.plot(epochs, training, "o-", color=BLUE, markersize=4, label="training")
    if validation is not None:
        axes.plot(epochs, validation, "s-", color=ORANGE, markersize=4, label="validation")
    if name == "accuracy":
        seen = [v for v in [*training, *(validation or [])] if math.isfinite(v)]
        axes.set_ylim(min([0.5, *seen]) - 0.02, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    words = name.replace("_", " ") if name == "loss" or len(name) > 4 else name.upper()
    _dress(axes, f"{words[0].upper()}{words[1:]} during training", "epoch", words)


def _box(axes: Axes, x: float, y: float, label: str, color: str) -> None:
    style = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "none"}
    axes.text(x, y, label, ha="center", va="center", color="white", bbox=style, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    drawn = {"arrowstyle": "-|>", "shrinkA": 11, "shrinkB": 13, "color": "black", **style}
    axes.annotate("", end, start, arrowprops=drawn, zorder=2)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")

    def png() -> bytes:
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DPI)
        return content.getvalue()

    # Notebooks show an object by this method; pyplot's figures are shown by pyplot instead.
    figure._repr_png_ = png  # type: ignore[attr-defined]
    return figure


def _dress(axes: Axes, title: str, across: str, up: str) -> None:
    """Title, labels, grid and legend, the same on every picture."""
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color="#D9D9D9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(facecolor="white", edgecolor="none", framealpha=0.9)


def _dates(axes: Axes) -> None:
    """Dates in as few characters as they need."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def _check_forecast(
    past: Sequence[float],
    prediction: Sequence[float],
    actual: Sequence[float] | None,
    naive: Sequence[float] | None,
    past_times: Sequence[Any] | None,
    times: Sequence[Any] | None,
) -> None:
    if not (len(past) and len(prediction)):
        raise InputError(must("past and prediction", "at least one value each", "none"))
    if (past_times is None) != (times is None):
        raise InputError(must("past_times and times", "given both or neither", "one of them"))
    for name, values, length in (
        ("actual", actual, len(prediction)),
        ("naive", naive, len(prediction)),
        ("past_times", past_times, len(past)),
        ("times", times, len(prediction)),
    ):
        if values is not None and len(values) != length:
            raise InputError(must(name, f"of length {length}", len(values)))
