"""A forecast beside those that need no learning: scores, a table, and a plain verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recur.messages import count, listed
from recur.tasks import baselines

Values = NDArray[np.float64]

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
        "naive_": baselines.naive(known, starts, horizon),
        "seasonal_naive_": baselines.seasonal_naive(known, starts, horizon, season),
        "drift_": baselines.drift(known, starts, horizon, step),
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
        errors = baselines.errors(actual, forecast, scale)
        found |= {f"{prefix}{name}": value for name, value in errors.items()}
    return {**found, "chance": baselines.chance(actual, model, beside[_best(found)])}


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
