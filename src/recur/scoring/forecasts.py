"""Forecasts without learning, and the errors that make forecasts comparable.

A forecast is worth something when it beats those that anyone can make: the last value again
(naive), the value of one season ago (seasonal naive), the last value and the mean change (drift).
R. J. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sections 5.2
and 5.8 (otexts.com/fpp3).

Legend: N windows, H steps of the horizon, m steps in a season.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from recur.data.times import Times, step_of

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


def chance(actual: Values, one: Values, other: Values, horizon: int | None = None) -> float:
    """Returns the probability that two forecasts' errors differ so much by chance alone.

    The test of F. X. Diebold and R. S. Mariano (1995) on absolute errors, two-sided. Windows
    overlap, so the variance counts the covariance of neighbours up to two horizons apart, with
    the weights of W. K. Newey and K. D. West (1987), which would count too little of one horizon.
    The statistic is made smaller for few windows, and compared with Student's distribution, after
    D. Harvey, S. Leybourne and P. Newbold (1997).

    Args:
        actual: (N, H), windows in the order of time.
        one: (N, H).
        other: (N, H).
        horizon: steps that windows reach ahead; None: H.
    """
    gain = (np.abs(actual - other) - np.abs(actual - one)).mean(axis=1)
    steps = actual.shape[1] if horizon is None else horizon
    centred, n, lags = gain - gain.mean(), len(gain), min(2 * steps, len(gain) - 1)
    covariances = [centred[lag:] @ centred[: n - lag] / n for lag in range(lags + 1)]
    weights = [1.0, *(2 * (1 - lag / (lags + 1)) for lag in range(1, lags + 1))]
    variance = float(np.dot(weights, covariances)) / n
    if variance <= 0:
        return 1.0 if not gain.any() else 0.0
    if n <= steps:  # every window overlaps every other one
        return 1.0
    few = math.sqrt((n + 1 - 2 * steps + steps * (steps - 1) / n) / n)
    return _beyond(few * abs(float(gain.mean())) / math.sqrt(variance), n - 1)


def _beyond(statistic: float, freedom: int) -> float:
    """The probability that Student's t is as far from 0 as that, or farther."""
    # The density over the angle of t / sqrt(freedom): smooth, and between finite ends.
    angle = math.atan(statistic / math.sqrt(freedom))
    at, weights = np.polynomial.legendre.leggauss(64)
    half = (math.pi / 2 - angle) / 2
    power = np.sin(half * (at + 1)) ** (freedom - 1)  # the cosine, counted from the end
    logarithm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    return min(1.0, 2 * half * float(power @ weights) * math.exp(logarithm) / math.sqrt(math.pi))


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
