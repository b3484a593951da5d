"""A series as a model reads it: measured on its training part, scaled, cut into windows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from recur import schema
from recur.data.scaling import Scaler
from recur.data.series import Series
from recur.data.stamps import coarsest
from recur.messages import InputError, count, must, whole
from recur.scoring import forecasts

Values = NDArray[np.float64]

SHOWN = 120
"""Known steps that a picture shows before a forecast."""
LARGEST, FARTHEST = 1e140, 1e18
"""Beyond these, squares of errors leave the numbers that there are, and float32 those of inputs."""
LEAST_ERROR = 1e-200
"""The least that MASE can divide by: of a series that nearly repeats it is far below its values."""
MOST_KNOWN = 200
"""The longest window chosen unasked."""


@dataclasses.dataclass(frozen=True)
class ForecastPreprocessing:
    """What was measured on the training part, and where the parts begin.

    Attributes:
        columns: The F columns that the model sees; the first is the target.
        scaler: Their scaling.
        window: L, known steps of an example.
        season: m, steps in a season; 1 for none.
        drift: The mean change from a step to the next.
        mase_scale: The error that MASE divides by.
        test_start: The first step of the test part.
        recent: The last steps of the series, to forecast what follows without the file.
    """

    columns: tuple[str, ...]
    scaler: Scaler
    window: int
    season: int
    drift: float
    mase_scale: float
    test_start: int
    recent: Series

    def __post_init__(self) -> None:
        features, steps = len(self.columns), len(self.recent.values)
        for name, values in (("mean", self.scaler.mean), ("deviation", self.scaler.deviation)):
            _shaped(f"{name} of scaler", values, (features,))
        _shaped("values of recent", self.recent.values, (steps, features))
        if self.recent.times is not None:
            _shaped("times of recent", self.recent.times, (steps,))
        for name in ("window", "season", "test_start"):
            whole(name, getattr(self, name))
        _sized("mean of scaler", self.scaler.mean)
        _sized("deviation of scaler", self.scaler.deviation, 1 / LARGEST)
        _sized("values of recent", self.recent.values)
        _sized("drift", self.drift)
        _sized("mase_scale", self.mase_scale, LEAST_ERROR)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        times = self.recent.times
        recent = {
            "name": self.recent.name,
            "values": self.recent.values.tolist(),
            "times": None if times is None else times.astype(str).tolist(),
            "zone": self.recent.zone,
            "day_first": self.recent.day_first,
        }
        return {
            "columns": list(self.columns),
            "window": self.window,
            "season": self.season,
            "drift": self.drift,
            "mase_scale": self.mase_scale,
            "test_start": self.test_start,
            "scaler": self.scaler.to_json(),
            "recent": recent,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        known = schema.read(_Stored, stored, "it")
        # The columns are written once, and are those of the recent values too.
        recent = {**known["recent"], "columns": known["columns"]}
        found = schema.read(cls, {**stored, "recent": recent}, "it")
        times = found.recent.times
        if times is None:
            return found
        series = dataclasses.replace(found.recent, times=coarsest(times))
        return dataclasses.replace(found, recent=series)


class _Stored(TypedDict):
    """The parts of the JSON that lie otherwise than in the preprocessing."""

    columns: list[str]
    recent: dict[str, Any]


def measured(
    series: Series,
    train_end: int,
    test_start: int,
    *,
    horizon: int,
    window: int | None,
    season: int | None,
) -> ForecastPreprocessing:
    """Measures the training part of a series.

    Args:
        series: the series, its target column first.
        train_end: one after the last step of the training part.
        test_start: the first step of the test part.
        horizon: steps to forecast.
        window: known steps of an example; None: two seasons or horizons.
        season: steps in a season; None: what the times or the values show.

    Raises:
        InputError: if the part is too short, does not change, or changes too little.
    """
    training_part = series.values[:train_end]
    target = training_part[:, 0]
    what = f"the training part of {series.columns[0]!r} of {series.name}"
    if len(target) < 3:
        got, todo = count(len(target), "step"), "Give a longer series."
        raise InputError(must(what, "at least 3 steps long", got, todo))
    if target.min() == target.max():
        got = f"{target[0]:g} in all {count(len(target), 'step')}"
        raise InputError(must(what, "values that change", got, "Choose another column."))
    scaler = Scaler.fit(training_part)
    if scaler.deviation.min() < 1 / LARGEST:
        got = f"a standard deviation of {scaler.deviation.min():.3g}"
        todo = "Give it in a smaller unit, multiplied by a power of ten."
        raise InputError(must(what, f"values that differ by {1 / LARGEST:g} or more", got, todo))
    times = None if series.times is None else series.times[:train_end]
    season = season or forecasts.season_of(times, target, series.zone)
    if 2 * season > len(target):
        got = f"{season} where {count(len(target), 'step')} are for training"
        raise InputError(must("season", "at most half of the training part", got))
    window = window or min(max(2 * season, 2 * horizon, 16), MOST_KNOWN)
    kept = max(window, season, SHOWN)
    recent = dataclasses.replace(
        series,
        values=series.values[-kept:],
        times=None if series.times is None else series.times[-kept:],
        notes=(),
    )
    return ForecastPreprocessing(
        columns=series.columns,
        scaler=scaler,
        window=window,
        season=season,
        drift=float(target[-1] - target[0]) / (len(target) - 1),
        mase_scale=forecasts.mase_scale(target, season),
        test_start=test_start,
        recent=recent,
    )


def scaled(values: Values, fitted: ForecastPreprocessing, name: str) -> Values:
    """Returns values in standard deviations of the training part; `name` is the series' own.

    Raises:
        InputError: if one is too far away to be counted with.
    """
    found = fitted.scaler.transform(values)
    farthest = np.abs(found).max(initial=0.0)
    if farthest > FARTHEST:
        got = f"one that is {farthest:.3g} of its standard deviations away"
        expected = f"values within {FARTHEST:g} standard deviations of the training part"
        raise InputError(must(name, expected, got, "Check the file."))
    return found


def _shaped(what: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(must(what, f"of shape {shape}", values.shape))


def _sized(what: str, values: Values | float, least: float = -math.inf) -> None:
    """Refuses numbers that no training part has, and that answers cannot be counted with."""
    most = 10 * LARGEST  # room for sums
    wrong = [v for v in np.ravel(values).tolist() if not (v >= least and abs(v) <= most)]
    if wrong:
        expected = f"from {max(least, -most):g} to {most:g}"
        raise InputError(must(what, expected, wrong[0]))
