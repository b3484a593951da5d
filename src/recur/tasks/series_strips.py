"""Series as numbers that a model reads: scaled values, what is known ahead, the calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recur.data.calendar import calendar
from recur.data.series import Series
from recur.data.static import encoded
from recur.data.tables import named
from recur.data.times import continue_times
from recur.data.windows import Strip
from recur.messages import InputError, count, must
from recur.tasks.scaled_series import ForecastPreprocessing, Values, scaled


def strip(
    series: Series, starts: NDArray[np.int64], fitted: ForecastPreprocessing, ahead: int = 0
) -> Strip:
    """Returns a series as numbers that a model reads.

    Args:
        series: the series.
        starts: (N,) the step of each first target.
        fitted: what was measured.
        ahead: steps after the last one that are asked for.

    Raises:
        InputError: if a number is too far away, or what should be known of these steps is not.
    """
    measures, cut = fitted.of(series), len(fitted.columns) - fitted.known
    values = scaled(series.values, measures, series.name)
    return Strip(
        values[:, :cut].astype(np.float32),
        starts,
        _known(series, values[:, cut:], fitted, ahead).astype(np.float32),
        encoded(fitted.static, series.static),
    )


def _known(series: Series, now: Values, fitted: ForecastPreprocessing, ahead: int) -> Values:
    """(T + ahead, K + 2 * circles) what is known of every step."""
    found = [np.concatenate([now, _known_ahead(series, fitted, ahead)])]
    if fitted.circles:
        if series.times is None:
            todo = "Give a column of times, or train without the calendar."
            raise InputError(must(series.name, "with times, for the calendar", "none", todo))
        times = series.times
        if ahead:
            times = np.concatenate([times, continue_times(times, ahead, series.zone)])
        found.append(calendar(times, fitted.circles, series.zone))
    return np.concatenate(found, axis=1)


def _known_ahead(series: Series, fitted: ForecastPreprocessing, ahead: int) -> Values:
    """(ahead, K), scaled."""
    if not (fitted.known and ahead):
        return np.empty((ahead, fitted.known))
    there = 0 if series.ahead is None else len(series.ahead)
    if series.ahead is None or there < ahead:
        names = named(list(fitted.columns[-fitted.known :]))
        todo = f"Add rows after the last one with values of {names} only."
        what = f"what {series.name} knows ahead"
        raise InputError(must(what, count(ahead, "step"), count(there, "step"), todo))
    found = scaled(series.ahead[:ahead], fitted.of(series), f"what {series.name} knows ahead")
    return found[:, -fitted.known :]
