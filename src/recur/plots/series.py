"""A series and its forecast."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
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
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
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
        low: (H,) the lower end of an interval around the forecast.
        high: (H,) its upper end.
        past_times: (P,) dates or numbers of `past`; the steps up to 0 if None.
        times: (H,) dates or numbers of `prediction`; the steps from 1 on if None.
        title: the title.
        value: what is forecast, with its unit: the label of the vertical axis.

    Raises:
        InputError: if lengths do not fit, or there is nothing to draw.
    """
    _check_forecast(past, prediction, actual, naive, past_times, times)
    _check_interval(low, high, len(prediction))
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
    if low is not None and high is not None:
        ends = last + list(low), last + list(high)
        axes.fill_between(
            joined, ends[0], ends[1], color=ORANGE, alpha=0.2, linewidth=0, label="interval"
        )
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


def _check_interval(low: Sequence[float] | None, high: Sequence[float] | None, length: int) -> None:
    if (low is None) != (high is None):
        raise InputError(must("low and high", "given both or neither", "one of them"))
    for name, values in (("low", low), ("high", high)):
        if values is not None and len(values) != length:
            raise InputError(must(name, f"of length {length}", len(values)))


@in_own_style
def backtest(
    actual: Sequence[float],
    forecasts: Sequence[tuple[int, Sequence[float]]],
    errors: Mapping[str, Sequence[float]],
    *,
    times: Sequence[Any] | None = None,
    title: str = "Backtest",
    value: str = "value",
) -> Figure:
    """Draws forecasts from several origins over what came, and the error of each step ahead.

    Args:
        actual: (T,) what came.
        forecasts: from each origin the step of the first value, from 0 on, and (H,) values.
        errors: (H,) mean absolute errors by the name of a forecast.
        times: (T,) dates or numbers of `actual`; its steps if None.
        title: the title.
        value: what is forecast, with its unit: the label of the vertical axis.

    Raises:
        InputError: if lengths do not fit, or there is nothing to draw.
    """
    if not (len(actual) and len(forecasts) and errors):
        raise InputError(must("a backtest", "values, forecasts and errors", "none of some"))
    if times is not None and len(times) != len(actual):
        raise InputError(must("times", f"of length {len(actual)}", len(times)))
    at = list(range(len(actual))) if times is None else list(times)
    figure = new_figure(SIZE[0], SIZE[1] * 1.6)
    above, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": [2, 1]})
    above.plot(at, actual, color=GREEN, label="what came")
    for number, (first, values) in enumerate(forecasts):
        steps = at[first : first + len(values)]
        mark = "o" if len(values) == 1 else ""
        named = "forecast from each origin" if not number else None
        above.plot(
            steps, values[: len(steps)], mark or "-", color=ORANGE, markersize=3, label=named
        )
    dress(above, title, "time" if times is not None else "step", value)
    if isinstance(at[0], datetime.date | np.datetime64):
        _dates(above)
    colours = (ORANGE, GREY, BLUE, GREEN)
    for (name, each), colour in zip(errors.items(), itertools.cycle(colours)):
        below.plot(
            range(1, len(each) + 1),
            each,
            "o-" if len(each) == 1 else "-",
            color=colour,
            markersize=4,
            label=name,
        )
    dress(below, "", "steps ahead", "mean absolute error")
    below.set_ylim(bottom=0)
    return figure
