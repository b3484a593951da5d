"""Forecasts from every origin of a test part: their errors, a table, and a plain verdict.

A rolling origin: what was forecast at each step of the test part with all that was known by then
(L. Tashman, Out-of-sample tests of forecasting accuracy, 2000). The model is not trained again, so
that all origins are answered in one pass.

Legend: N windows, H steps of the horizon, Q quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import count, listed
from recur.scoring.forecasts import Values, chance, errors, simple

SIMPLE = {
    "naive_": "naive (last value)",
    "seasonal_naive_": "seasonal naive",
    "drift_": "drift (last value, mean change)",
}
"""The forecasts that need no learning: the beginning of their scores' names, and their titles."""
LINEAR = {"linear_": "linear (ridge regression)"}
"""The one that learns too, where there is one."""
MEASURES = ("mae", "rmse", "mase")
SCALED = ("mse", "mae", "mase")
"""Of several targets, whose units differ."""
CHANCE = 0.05
"""A gain that is likelier by chance than this is none."""
MOST_TIMES = 10
"""Above this, two errors are named in the place of their ratio."""


@dataclass(frozen=True)
class Backtest:
    """Forecasts of one target of one series, from many origins.

    Attributes:
        series: the name of the series.
        target: the name of the target.
        starts: (N,) the step of each first target.
        last: (N,) the last value known at each origin.
        actual: (N, H) what came.
        forecast: (N, H) what was foretold.
        beside: (N, H) each, other forecasts by the keys of `SIMPLE`.
        scale: what MASE divides by; see `recur.scoring.forecasts.mase_scale`.
        quantiles: (N, H) each, by their level.
        unit: what values are divided by before errors of several targets are averaged.
        times: (N + H - 1,) dates or times of the steps that were forecast; None: counted.
    """

    series: str
    target: str
    starts: NDArray[np.int64]
    last: Values
    actual: Values
    forecast: Values
    beside: Mapping[str, Values]
    scale: float
    quantiles: Mapping[float, Values] = field(default_factory=dict)
    unit: float = 1.0
    times: Any = None


def backtest(
    series: str,
    target: str,
    values: Values,
    starts: NDArray[np.int64],
    forecast: Values,
    *,
    season: int,
    drift: float,
    scale: float,
    quantiles: Mapping[float, Values] | None = None,
    unit: float = 1.0,
    times: Any = None,
) -> Backtest:
    """Puts forecasts beside what came, and beside those that need no learning.

    Args:
        series: its name.
        target: its name.
        values: (T,) the series.
        starts: (N,) the step of each first target; `season` or more.
        forecast: (N, H).
        season: steps in a season.
        drift: the mean change from one step to the next in the training part.
        scale: what MASE divides by.
        quantiles: (N, H) each, by their level.
        unit: see `Backtest`; so `times`.
        times: as that.
    """
    horizon = forecast.shape[1]
    actual = np.lib.stride_tricks.sliding_window_view(values, horizon)[starts]
    beside = simple(values, starts, horizon, season, drift)
    last = values[starts - 1]
    levels = quantiles or {}
    known = starts, last, actual, forecast, beside, scale
    return Backtest(series, target, *known, levels, unit, times)


def scores(tests: Sequence[Backtest], *, scaled: bool = False) -> dict[str, float]:
    """Returns the errors of all forecasts, and `chance`: how likely the model's gain is none.

    Args:
        tests: of every series and target; each window counts as much as any other.
        scaled: the errors are those of values divided by their unit, and `mse` is among them.
    """
    found: dict[str, float] = {}
    for prefix in ("", *SIMPLE):
        found |= {f"{prefix}{name}": each for name, each in _errors(tests, prefix, scaled).items()}
    found["chance"] = _chance(tests, _best(found))
    return {**found, **_coverage(tests)}


def linear(
    tests: Sequence[Backtest], forecasts: Sequence[Values], *, scaled: bool
) -> dict[str, float]:
    """Returns the errors of other forecasts (N, H) of the same windows, as a linear model's."""
    others = [_replaced(test, forecast) for test, forecast in zip(tests, forecasts, strict=True)]
    return {f"linear_{name}": value for name, value in _errors(others, "", scaled).items()}


def direction(tests: Sequence[Backtest]) -> dict[str, float]:
    """Returns how often the first step went the way that was foretold, and how often up.

    Steps without a change do not count. `direction_chance` is the probability that so many are
    right, or more, by always saying the commoner way: the normal approximation of the binomial.
    """
    last = np.concatenate([test.last for test in tests])
    came = np.concatenate([test.actual[:, 0] for test in tests]) - last
    said = np.concatenate([test.forecast[:, 0] for test in tests]) - last
    moved = came != 0
    right = float((np.sign(came) == np.sign(said))[moved].mean()) if moved.any() else 0.0
    up = float((came > 0)[moved].mean()) if moved.any() else 0.5
    usual, number = max(up, 1 - up), max(int(moved.sum()), 1)
    spread = math.sqrt(max(usual * (1 - usual), 1e-12) / number)
    by_chance = 0.5 * math.erfc((right - usual) / (spread * math.sqrt(2)))
    return {"direction": right, "up": up, "direction_chance": by_chance}


def by_step(tests: Sequence[Backtest]) -> dict[str, Values]:
    """Returns the mean absolute error of each step ahead, (H,), by the keys of `SIMPLE` and ""."""
    found = {}
    for prefix in ("", *SIMPLE):
        gaps = [np.abs(test.actual - _of(test, prefix)) / test.unit for test in tests]
        found[prefix] = np.concatenate(gaps).mean(axis=0)
    return found


def report(found: Mapping[str, float]) -> str:
    """Returns a table of all forecasts, always together, and the verdict."""
    season = int(found["season"])
    what = count(season, "step") if season > 1 else "no season found"
    rows = {"": "this model", **_beside(found), "seasonal_naive_": f"seasonal naive ({what})"}
    measures = SCALED if "mse" in found else MEASURES
    lines = [f"{'test':<34}" + "".join(f"{name.upper():>12}" for name in measures)]
    for prefix, title in rows.items():
        numbers = [found[f"{prefix}{name}"] for name in measures]
        lines.append(f"{title:<34}" + "".join(f"{number:>12.4g}" for number in numbers))
    if "mse" in found:
        lines.append("MSE and MAE are those of values in standard deviations of the training part.")
    return "\n".join([*lines, *_covered(found), _verdict(found), *_worth(found)])


def _errors(tests: Sequence[Backtest], prefix: str, scaled: bool) -> dict[str, float]:
    each = []
    for test in tests:
        unit = test.unit if scaled else 1.0
        forecast = _of(test, prefix)
        if scaled:
            each.append(errors(test.actual / unit, forecast / unit, test.scale / unit))
        else:
            each.append(errors(test.actual, forecast, test.scale))
    if len(tests) == 1 and not scaled:
        return each[0]
    windows = [len(test.starts) for test in tests]

    def mean(value: Callable[[dict[str, float]], float]) -> float:
        return float(np.average([value(one) for one in each], weights=windows))

    mse = mean(lambda one: one["rmse"] ** 2)
    found = {"mae": mean(lambda one: one["mae"]), "rmse": math.sqrt(mse)}
    found["mase"] = mean(lambda one: one["mase"])
    return {**found, "mse": mse} if scaled else found


def _of(test: Backtest, prefix: str) -> Values:
    return test.beside[prefix] if prefix else test.forecast


def _replaced(test: Backtest, forecast: Values) -> Backtest:
    return replace(test, forecast=forecast)


def _chance(tests: Sequence[Backtest], best: str) -> float:
    """Of the windows of all series, one after another; targets of a window are averaged."""
    together: dict[str, list[tuple[Values, Values, Values]]] = {}
    for test in tests:
        unit = test.unit if len(tests) > 1 else 1.0
        gaps = test.actual / unit, test.forecast / unit, test.beside[best] / unit
        together.setdefault(test.series, []).append(gaps)
    # Targets of one window stand side by side, as more steps of its horizon would.
    rows = [
        [np.concatenate(part, axis=1) for part in zip(*each, strict=True)]
        for each in together.values()
    ]
    actual, one, other = (np.concatenate(part) for part in zip(*rows, strict=True))
    return chance(actual, one, other, tests[0].actual.shape[1])


def _coverage(tests: Sequence[Backtest]) -> dict[str, float]:
    """How many of the values lie below each quantile, and the pinball loss of all."""
    found: dict[str, float] = {}
    losses = []
    for level in tests[0].quantiles:
        gaps = np.concatenate([(t.actual - t.quantiles[level]) / t.unit for t in tests])
        found[f"below_{level:g}"] = float((gaps <= 0).mean())
        losses.append(float(np.maximum(level * gaps, (level - 1) * gaps).mean()))
    return {**found, "pinball": float(np.mean(losses))} if losses else {}


def _covered(found: Mapping[str, float]) -> list[str]:
    """A line for each pair of quantiles around the middle."""
    below = {float(n.removeprefix("below_")): v for n, v in found.items() if n.startswith("below_")}
    lines = []
    for low in sorted(level for level in below if level < 0.5):
        high = next((level for level in below if math.isclose(level, 1 - low)), None)
        if high is not None:
            measured = below[high] - below[low]
            lines.append(
                f"Between the quantiles {low:g} and {high:g} lie {measured:.1%} of the values "
                f"({high - low:.0%} should)."
            )
    return lines


def _beside(found: Mapping[str, float]) -> dict[str, str]:
    return {**SIMPLE, **(LINEAR if "linear_mae" in found else {})}


def _best(found: Mapping[str, float]) -> str:
    return min(SIMPLE, key=lambda prefix: found[f"{prefix}mae"])


def _verdict(found: Mapping[str, float]) -> str:
    """Says plainly which of the other forecasts are not beaten: in each error that is compared."""
    names = {prefix: title.partition(" (")[0] for prefix, title in _beside(found).items()}
    for measure in ("mae", "mse") if "mse" in found else ("mae",):
        unbeaten = [key for key in names if not found[measure] < found[f"{key}{measure}"]]
        if unbeaten:
            which = listed([f"the {names[key]}" for key in unbeaten], "and")
            return (
                f"{which[0].upper()}{which[1:]} forecast {'is' if len(unbeaten) == 1 else 'are'} "
                f"not beaten: the model's {_than(found, measure, names)}."
            )
    if found["chance"] > CHANCE:
        best = _best(found)
        return (
            f"The {names[best]} forecast is not beaten beyond chance: the model's "
            f"{_than(found, 'mae', {best: names[best]})}, which chance alone brings with "
            f"probability {found['chance']:.2f} (Diebold-Mariano test)."
        )
    return f"The model beats them all: its {_than(found, 'mae', names)}."


def _than(found: Mapping[str, float], measure: str, names: Mapping[str, str]) -> str:
    """An error of the model beside that of the best of other forecasts."""
    closest = min(names, key=lambda prefix: found[f"{prefix}{measure}"])
    mine, least = found[measure], found[f"{closest}{measure}"]
    # Straight lines and series that repeat leave a forecast without learning (nearly) no error.
    times = mine / least if least else math.inf
    word = measure.upper()
    if not times <= MOST_TIMES:  # or weights that are no numbers
        return f"{word} is {mine:.4g}, the {names[closest]} forecast's {least:.4g}"
    way, share = ("lower", 1 - times) if times < 1 else ("higher", times - 1)
    return f"{word} is {share:.1%} {way} than the {names[closest]} forecast's"


def _worth(found: Mapping[str, float]) -> list[str]:
    """What a forecast of returns is worth, in a sentence."""
    if "direction" not in found:
        return []
    up = found["up"]
    way, usual = ("up", up) if up >= 0.5 else ("down", 1 - up)
    line = f"The next step goes the way foretold in {found['direction']:.1%} of all cases; always "
    line += f"'{way}' is right in {usual:.1%}. "
    beaten = all(found["mae"] < found[f"{key}mae"] for key in SIMPLE) and found["chance"] <= CHANCE
    if beaten and found["direction_chance"] <= CHANCE:
        return [line + "That is more than chance brings; costs of trading are not counted."]
    return [line + "To someone who trades, these forecasts are worth nothing."]
