"""Forecasts without learning, the errors that make forecasts comparable, and a plain verdict.

A forecast is worth something when it beats those that anyone can make: the last value again
(naive), the value of one season ago (seasonal naive), the last value and the mean change (drift).
R. J. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sections 5.2
and 5.8 (otexts.com/fpp3).

Legend: N windows, H steps of the horizon, m steps in a season.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recur.data.times import Times, step_of
from recur.messages import count, listed

Values = NDArray[np.float64]

# Steps in the season that people expect of a rhythm (those of `recur.data.times.step_of`).
_DAY = 86_400
SEASONS = {
    "quarter": 4,
    "month": 12,
    "business day": 5,
    str(7 * _DAY): 52,
    str(_DAY): 7,
    "3600": 24,
    "1800": 48,
    "900": 96,
    "600": 144,
    "60": 1_440,
}

SIMPLE = {
    "naive_": "naive (last value)",
    "seasonal_naive_": "seasonal naive",
    "drift_": "drift (last value, mean change)",
}
"""The forecasts that need no learning: the beginning of their scores' names, and their titles."""
MEASURES = ("mae", "rmse", "mase")
CHANCE = 0.05
"""A gain that is likelier by chance than this is none."""
MOST_TIMES = 10
"""Above this, two errors are named in the place of their ratio."""


def naive(values: Values, starts: NDArray[np.int64], horizon: int) -> Values:
    """Returns the last known value for every step of the horizon.

    Args:
        values: (T,) the series.
        starts: (N,) the index of the first step to forecast; 1 or more.
        horizon: Steps to forecast.

    Returns:
        (N, H).
    """
    return np.repeat(values[starts - 1][:, None], horizon, axis=1)


def seasonal_naive(values: Values, starts: NDArray[np.int64], horizon: int, season: int) -> Values:
    """Returns the values of one season ago, repeated where the horizon exceeds a season.

    Args:
        values: (T,) the series.
        starts: (N,) the index of the first step to forecast; `season` or more.
        horizon: Steps to forecast.
        season: m, the steps in a season.

    Returns:
        (N, H).
    """
    back = np.arange(horizon) % season - season
    forecast: Values = values[starts[:, None] + back]
    return forecast


def drift(values: Values, starts: NDArray[np.int64], horizon: int, step: float) -> Values:
    """Returns the last known value, going on by the mean change of the training part.

    Where prices rose, this is what a network that "beats the naive forecast" has often learnt.

    Args:
        values: (T,) the series.
        starts: (N,) the index of the first step to forecast; 1 or more.
        horizon: Steps to forecast.
        step: The mean change from one step to the next.

    Returns:
        (N, H).
    """
    return naive(values, starts, horizon) + step * np.arange(1, horizon + 1)


def errors(actual: Values, forecast: Values, scale: float) -> dict[str, float]:
    """Returns MAE and RMSE in the unit of the series, and MASE.

    Args:
        actual: (N, H).
        forecast: (N, H).
        scale: What `mase_scale` gives.
    """
    gap = actual - forecast
    mae = float(np.abs(gap).mean())
    return {"mae": mae, "rmse": float(np.sqrt((gap**2).mean())), "mase": mae / scale}


def mase_scale(training: Values, season: int) -> float:
    """Returns the mean error of the one-season-ago forecast within the training part.

    MASE divides by it: R. J. Hyndman and A. B. Koehler, Another look at measures of forecast
    accuracy, 2006. A season of 1 makes it the naive forecast's, and so does a series that
    repeats exactly, since nothing can be divided by an error of 0.
    """
    scale = float(np.abs(training[season:] - training[:-season]).mean())
    return scale or float(np.abs(np.diff(training)).mean())


def chance(actual: Values, one: Values, other: Values) -> float:
    """Returns the probability that two forecasts' errors differ so much by chance alone.

    The test of F. X. Diebold and R. S. Mariano (1995) on absolute errors, two-sided. Windows
    overlap, so the variance counts the covariance of neighbours up to two horizons apart, with
    the weights of W. K. Newey and K. D. West (1987), which would count too little of one horizon.

    Args:
        actual: (N, H), windows in the order of time.
        one: (N, H).
        other: (N, H).
    """
    gain = (np.abs(actual - other) - np.abs(actual - one)).mean(axis=1)
    centred, n, lags = gain - gain.mean(), len(gain), min(2 * actual.shape[1], len(gain) - 1)
    covariances = [centred[lag:] @ centred[: n - lag] / n for lag in range(lags + 1)]
    weights = [1.0, *(2 * (1 - lag / (lags + 1)) for lag in range(1, lags + 1))]
    variance = float(np.dot(weights, covariances)) / n
    if variance <= 0:
        return 1.0 if not gain.any() else 0.0
    return math.erfc(abs(float(gain.mean())) / math.sqrt(2 * variance))


def season_of(times: Times | None, training: Values, zone: str = "") -> int:
    """Returns the steps in a season, from the time stamps or else from the values; 1 for none.

    Args:
        times: (T,) time stamps, or None.
        training: (T',) the training part of the series.
        zone: The zone of the times; see `recur.data.zones`.
    """
    expected = 1 if times is None else SEASONS.get(step_of(times, zone), 1)
    if expected == 1:
        expected = _season_of_values(training)
    return expected if 2 * expected <= len(training) else 1


def _season_of_values(training: Values) -> int:
    """The lag of the highest peak of the autocorrelation, if it is a clear one (above 0.3)."""
    centred = training - training.mean()
    power = float(centred @ centred)
    lags = min(len(training) // 3, 400)
    if power == 0 or lags < 3:
        return 1
    acf = np.array([centred[lag:] @ centred[: len(centred) - lag] for lag in range(lags)]) / power
    peaks = [
        lag
        for lag in range(2, lags - 1)
        if acf[lag - 1] < acf[lag] >= acf[lag + 1] and acf[lag] > 0.3
    ]
    # A peak that never fell below 0 before is a trend's wobble, not a season.
    peaks = [lag for lag in peaks if acf[:lag].min() < 0]
    return max(peaks, key=lambda lag: acf[lag], default=1)


def simple(
    known: Values, starts: NDArray[np.int64], horizon: int, season: int, step: float
) -> dict[str, Values]:
    """Returns the forecasts that need no learning, by the keys of `SIMPLE`, (N, H) each.

    Args:
        known: (T,) the series.
        starts: (N,) the index of the first step to forecast.
        horizon: H, steps to forecast.
        season: Steps in a season.
        step: The mean change from one step to the next.
    """
    return {
        "naive_": naive(known, starts, horizon),
        "seasonal_naive_": seasonal_naive(known, starts, horizon, season),
        "drift_": drift(known, starts, horizon, step),
    }


def scores(
    actual: Values, model: Values, beside: Mapping[str, Values], scale: float
) -> dict[str, float]:
    """Returns the errors of all forecasts, and `chance`: how likely the model's gain is none.

    Args:
        actual: (N, H).
        model: (N, H).
        beside: What `simple` gives.
        scale: What MASE divides by.
    """
    found: dict[str, float] = {}
    for prefix, forecast in {"": model, **beside}.items():
        gaps = errors(actual, forecast, scale)
        found |= {f"{prefix}{name}": value for name, value in gaps.items()}
    return {**found, "chance": chance(actual, model, beside[_best(found)])}


def report(scores: Mapping[str, float]) -> str:
    """Returns a table of all forecasts, always together, and the verdict."""
    season = int(scores["season"])
    what = count(season, "step") if season > 1 else "no season found"
    rows = {"": "this model", **SIMPLE, "seasonal_naive_": f"seasonal naive ({what})"}
    lines = [f"{'test':<34}{'MAE':>12}{'RMSE':>12}{'MASE':>12}"]
    for prefix, title in rows.items():
        numbers = [scores[f"{prefix}{name}"] for name in MEASURES]
        lines.append(f"{title:<34}" + "".join(f"{number:>12.4g}" for number in numbers))
    return "\n".join([*lines, _verdict(scores)])


def _best(scores: Mapping[str, float]) -> str:
    return min(SIMPLE, key=lambda prefix: scores[f"{prefix}mae"])


def _verdict(scores: Mapping[str, float]) -> str:
    """Says plainly which of the forecasts that need no learning are not beaten."""
    names = {prefix: title.partition(" (")[0] for prefix, title in SIMPLE.items()}
    best, least = names[_best(scores)], scores[f"{_best(scores)}mae"]
    # Straight lines and series that repeat leave a forecast without learning (nearly) no error.
    times = scores["mae"] / least if least else math.inf
    unbeaten = [
        f"the {name}" for key, name in names.items() if not scores["mae"] < scores[f"{key}mae"]
    ]
    if unbeaten:
        forecasts = f"{listed(unbeaten, 'and')} forecast {'is' if len(unbeaten) == 1 else 'are'}"
        than = f"the model's MAE is {times - 1:.1%} higher than the {best} forecast's"
        if not times <= MOST_TIMES:  # or weights that are no numbers
            than = f"the model's MAE is {scores['mae']:.4g}, the {best} forecast's {least:.4g}"
        return f"{forecasts[0].upper()}{forecasts[1:]} not beaten: {than}."
    than = f"MAE is {1 - times:.1%} lower than the {best} forecast's"
    if scores["chance"] > CHANCE:
        return (
            f"The {best} forecast is not beaten beyond chance: the model's {than}, which chance "
            f"alone brings with probability {scores['chance']:.2f} (Diebold-Mariano test)."
        )
    return f"The model beats them all: its {than}."
