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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.files import PathLike, replacing
from recur.messages import InputError, listed, must

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, vermilion, green and grey of Okabe and Ito (2008), told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"

# Columns of a history that are not drawn as curves of learning.
NOT_CURVES = ("epoch", "seconds", "gradient_norm", "gradient_norm_max", "learning_rate")

SIZE = (7.0, 4.3)  # inches
DPI = 150


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
