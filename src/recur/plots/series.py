"""A series and its forecast."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import BLUE, GREEN, GREY, ORANGE, SIZE, dress, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@in_own_style
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
    figure = new_figure(*SIZE)
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
    dress(axes, title, "time" if times is not None else "steps from now", value)
    if isinstance(after[0], datetime.date | np.datetime64):
        _dates(axes)
    return figure


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
