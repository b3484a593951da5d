"""Forecasts of test parts, put beside what came: from every origin, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recur import plots
from recur.data.records.steps import Part, Steps
from recur.data.splits import Splits
from recur.data.zones import clock
from recur.messages import count
from recur.scoring import backtest
from recur.scoring.backtest import Backtest
from recur.scoring.ridge import Parts, ridge
from recur.tasks.forecast_model import Foretold, foretold, window_starts
from recur.tasks.scaled_series import ForecastPreprocessing
from recur.tasks.task import Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recur.tasks.forecast import ForecastOptions

    TrainedHere = Trained[ForecastOptions, ForecastPreprocessing]

MOST_HORIZONS = 10
"""Horizons of the end of a test part that a picture shows."""


def backtests(trained: TrainedHere, records: Steps) -> tuple[list[Backtest], tuple[str, ...]]:
    """Forecasts from every step of the records, beside those that need no learning.

    Every forecast is measured on the same windows: none that lacks a season before it.

    Returns:
        One for each target of each series that is long enough, and what must be said of others.

    Raises:
        InputError: if no series is long enough.
    """
    fitted = trained.preprocessing
    starts = window_starts(records, trained.options, fitted, after=fitted.season)
    pairs = [(p, at) for p, at in zip(records.parts, starts, strict=True) if len(at)]
    parts, kept = [part for part, _ in pairs], [at for _, at in pairs]
    found = foretold(trained, [part.series for part in parts], kept)
    tests = [
        _of_target(part, at, each, fitted, target)
        for part, at, each in zip(parts, kept, found, strict=True)
        for target in range(fitted.targets)
    ]
    short = len(records.parts) - len(parts)
    notes = (f"{short:,} of {len(records.parts):,} series are too short to be tested on.",)
    return tests, notes if short else ()


def _of_target(
    part: Part, at: NDArray[np.int64], found: Foretold, fitted: ForecastPreprocessing, target: int
) -> Backtest:
    series, measures = part.series, fitted.of(part.series)
    times = None
    if series.times is not None:
        end = int(at[-1]) + found.values.shape[1]
        times = clock(series.times[int(at[0]) : end], series.zone)
    return backtest.backtest(
        series.name,
        series.columns[target],
        series.values[:, target],
        at,
        found.values[:, :, target],
        season=fitted.season,
        drift=float(measures.drift[target]),
        scale=float(measures.mase_scale[target]),
        quantiles={level: each[:, :, target] for level, each in found.quantiles.items()},
        unit=float(measures.scaler.deviation[target]),
        times=times,
    )


def linear(trained: TrainedHere, learnt: Splits[Steps], records: Steps) -> dict[str, float]:
    """The errors of ridge regression, learnt from the training windows, on the same windows."""
    tests, _ = backtests(trained, records)
    fitted, options = trained.preprocessing, trained.options
    assert learnt.validation is not None
    none = np.empty(0, np.int64)

    def scaled(part: Part) -> NDArray[np.float64]:
        return fitted.of(part.series).scaler.transform(part.series.values)[:, : fitted.targets]

    parts = []
    ways = (window_starts(each, options, fitted) for each in (learnt.train, learnt.validation))
    for part, train, validation in zip(learnt.train.parts, *ways, strict=True):
        parts.append(Parts(scaled(part), train, validation, none))
    starts = window_starts(records, options, fitted, after=fitted.season)
    pairs = [(part, at) for part, at in zip(records.parts, starts, strict=True) if len(at)]
    parts += [Parts(scaled(part), none, none, at) for part, at in pairs]
    found = ridge(parts, fitted.window, options.horizon)[len(learnt.train.parts) :]
    values = [
        fitted.of(part.series).scaler.inverse(each[:, :, target], target)
        for (part, _), each in zip(pairs, found, strict=True)
        for target in range(fitted.targets)
    ]
    return backtest.linear(tests, values, scaled=fitted.targets > 1)


def drawn(test: Backtest) -> Figure:
    """A picture of the end of a test part, with a forecast from the end of each before it."""
    number, horizon = test.forecast.shape
    came = np.concatenate([test.actual[:, 0], test.actual[-1, 1:]])
    begin = max(0, number - 1 - MOST_HORIZONS * max(horizon, 12))
    origins = range(begin, number, horizon)
    lines = [(at - begin, test.forecast[at].tolist()) for at in origins]
    gaps = backtest.by_step([test])
    errors = {
        title: (gaps[key] * test.unit).tolist()
        for key, title in (
            ("", "this model"),
            ("naive_", "naive"),
            ("seasonal_naive_", "seasonal naive"),
        )
    }
    times = None if test.times is None else list(test.times[begin:])
    return plots.backtest(
        came[begin:].tolist(),
        lines,
        errors,
        times=times,
        title=f"{test.series}: {count(horizon, 'step')} ahead from every origin",
        value=test.target,
    )
