"""Series as a model reads them: measured on their training parts, scaled, cut into windows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from recur import schema
from recur.data.calendar import CIRCLES
from recur.data.scaling import Scaler
from recur.data.series import Series
from recur.data.stamps import coarsest
from recur.data.static import StaticColumn
from recur.messages import InputError, count, did_you_mean, listed, must, one_of, whole
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
class Measures:
    """What was measured on the training part of one series, and where its test part begins.

    Attributes:
        scaler: The scaling of its F columns.
        drift: (C,) the mean change of each target from a step to the next.
        mase_scale: (C,) the error that MASE divides by.
        test_start: The first step of the test part.
        recent: The last steps of the series, to forecast what follows without the file.
    """

    scaler: Scaler
    drift: Values
    mase_scale: Values
    test_start: int
    recent: Series

    def __post_init__(self) -> None:
        features, steps = len(self.recent.columns), len(self.recent.values)
        for name, values in (("mean", self.scaler.mean), ("deviation", self.scaler.deviation)):
            _shaped(f"{name} of scaler", values, (features,))
        _shaped("values of recent", self.recent.values, (steps, features))
        if self.recent.times is not None:
            _shaped("times of recent", self.recent.times, (steps,))
        if self.recent.ahead is not None:
            _shaped("ahead of recent", self.recent.ahead, (len(self.recent.ahead), features))
        whole("test_start", self.test_start)
        _sized("mean of scaler", self.scaler.mean)
        _sized("deviation of scaler", self.scaler.deviation, 1 / LARGEST)
        _sized("values of recent", self.recent.values)
        _sized("drift", self.drift)
        _sized("mase_scale", self.mase_scale, LEAST_ERROR)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON, without the names of the columns."""
        series, times = self.recent, self.recent.times
        recent: dict[str, Any] = {
            "name": series.name,
            "values": series.values.tolist(),
            "times": None if times is None else times.astype(str).tolist(),
            "zone": series.zone,
            "day_first": series.day_first,
        }
        if series.id:
            recent["id"] = series.id
        if series.static:
            recent["static"] = dict(series.static)
        if series.ahead is not None:
            known = ~np.isnan(series.ahead).all(axis=0)
            recent["ahead"] = series.ahead[:, known].tolist()
        return {
            "drift": _alone(self.drift),
            "mase_scale": _alone(self.mase_scale),
            "test_start": self.test_start,
            "scaler": self.scaler.to_json(),
            "recent": recent,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], columns: Sequence[str]) -> Self:
        """Builds it again; the columns are those of the recent values too."""
        known = schema.read(_Stored, stored, "it")
        recent = schema.read(Series, {**known["recent"], "columns": list(columns)}, "recent of it")
        if recent.times is not None:
            recent = dataclasses.replace(recent, times=coarsest(recent.times))
        if recent.ahead is not None:
            recent = dataclasses.replace(recent, ahead=_widened(recent.ahead, len(columns)))
        return cls(
            known["scaler"],
            np.array(_together(known["drift"])),
            np.array(_together(known["mase_scale"])),
            known["test_start"],
            recent,
        )


class _Stored(TypedDict):
    """The JSON of the measures of a series."""

    scaler: Scaler
    drift: float | list[float]
    mase_scale: float | list[float]
    test_start: int
    recent: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class ForecastPreprocessing:
    """What was measured on the training parts, and what the model sees.

    Attributes:
        columns: The F columns that the model sees: the targets, others that are known until now,
            then those of which the future is known.
        window: L, known steps of an example.
        season: m, steps in a season; 1 for none.
        series: What was measured of each series.
        targets: C, columns that are forecast.
        known: K, columns of which the future is known.
        circles: What the calendar says of a step; see `recur.data.calendar`.
        static: What never changes within a series.
    """

    columns: tuple[str, ...]
    window: int
    season: int
    series: tuple[Measures, ...]
    targets: int = 1
    known: int = 0
    circles: tuple[str, ...] = ()
    static: tuple[StaticColumn, ...] = ()

    def __post_init__(self) -> None:
        for name in ("window", "season"):
            whole(name, getattr(self, name))
        whole("targets", self.targets, most=len(self.columns))
        whole("known", self.known, least=0, most=len(self.columns) - self.targets)
        for name in self.circles:
            one_of("circles", name, CIRCLES)
        if not self.series:
            raise InputError(must("series", "one at least", "none"))
        for each in self.series:
            _shaped("mean of scaler", each.scaler.mean, (len(self.columns),))
            for name in ("drift", "mase_scale"):
                _shaped(name, getattr(each, name), (self.targets,))

    @property
    def others(self) -> int:
        """Columns that are known until now, beside the targets."""
        return len(self.columns) - self.targets - self.known

    def of(self, series: Series) -> Measures:
        """What was measured of a series: the one of that id, or the only one, or all together.

        Raises:
            InputError: if there are several and none is called so.
        """
        found = next((each for each in self.series if each.recent.id == series.id), None)
        if found is None and len(self.series) > 1:
            known = [each.recent.id for each in self.series]
            raise InputError(
                must(
                    "a series",
                    listed(map(repr, known), "or"),
                    repr(series.id),
                    did_you_mean(series.id, known),
                )
            )
        return found or self.series[0]

    @property
    def only(self) -> Measures:
        """What was measured of the first series, which is the only one in most runs."""
        return self.series[0]

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON; of one series and one target as it always was."""
        found = {
            "columns": list(self.columns),
            "window": self.window,
            "season": self.season,
            **self.only.to_json(),
        }
        more = {
            "targets": self.targets,
            "known": self.known,
            "circles": list(self.circles),
            "static": [schema.written(each) for each in self.static],
            "more": [each.to_json() for each in self.series[1:]],
        }
        usual = {"targets": 1, "known": 0, "circles": [], "static": [], "more": []}
        return found | {name: each for name, each in more.items() if each != usual[name]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        known = schema.read(_Whole, stored, "it")
        each = [dict(stored), *known.get("more", [])]
        series = tuple(Measures.from_json(one, known["columns"]) for one in each)
        return cls(
            tuple(known["columns"]),
            known["window"],
            known["season"],
            series,
            known.get("targets", 1),
            known.get("known", 0),
            tuple(known.get("circles", [])),
            tuple(known.get("static", [])),
        )


class _Whole(TypedDict):
    """What the JSON says of all series; the rest is of the first, and `more` of the others."""

    columns: list[str]
    window: int
    season: int
    targets: NotRequired[int]
    known: NotRequired[int]
    circles: NotRequired[list[str]]
    static: NotRequired[list[StaticColumn]]
    more: NotRequired[list[dict[str, Any]]]


def measured(
    series: Series,
    train_end: int,
    test_start: int,
    *,
    season: int,
    targets: int = 1,
    kept: int = SHOWN,
) -> Measures:
    """Measures the training part of a series.

    Args:
        series: the series, its targets first.
        train_end: one after the last step of the training part.
        test_start: the first step of the test part.
        season: steps in a season.
        targets: C.
        kept: last steps of the series to keep.

    Raises:
        InputError: if the part is too short, does not change, or changes too little.
    """
    part = series.values[:train_end]
    for at in range(targets):
        _check_changes(series, part[:, at], series.columns[at])
    scaler = Scaler.fit(part)
    if scaler.deviation.min() < 1 / LARGEST:
        got = f"a standard deviation of {scaler.deviation.min():.3g}"
        todo = "Give it in a smaller unit, multiplied by a power of ten."
        expected = f"values that differ by {1 / LARGEST:g} or more"
        raise InputError(must(_part_of(series, series.columns[0]), expected, got, todo))
    if 2 * season > len(part):
        got = f"{season} where {count(len(part), 'step')} are for training"
        raise InputError(must("season", "at most half of the training part", got))
    times = None if series.times is None else series.times[-kept:]
    recent = dataclasses.replace(series, values=series.values[-kept:], times=times, notes=())
    target = part[:, :targets]
    return Measures(
        scaler=scaler,
        drift=(target[-1] - target[0]) / (len(target) - 1),
        mase_scale=np.array([forecasts.mase_scale(each, season) for each in target.T]),
        test_start=test_start,
        recent=recent,
    )


def season_of(series: Series, train_end: int) -> int:
    """Returns the steps in a season of a series: what the times or the values of a part show."""
    times = None if series.times is None else series.times[:train_end]
    return forecasts.season_of(times, series.values[:train_end, 0], series.zone)


def window_of(season: int, horizon: int) -> int:
    """Returns the known steps of an example where none are asked for: two seasons or horizons."""
    return min(max(2 * season, 2 * horizon, 16), MOST_KNOWN)


def scaled(values: Values, measures: Measures, name: str) -> Values:
    """Returns values in standard deviations of the training part; `name` is the series' own.

    Raises:
        InputError: if one is too far away to be counted with.
    """
    found = measures.scaler.transform(values)
    # Of what is known ahead the targets are not there.
    farthest = np.abs(found).max(initial=0.0, where=~np.isnan(found))
    if farthest > FARTHEST:
        got = f"one that is {farthest:.3g} of its standard deviations away"
        expected = f"values within {FARTHEST:g} standard deviations of the training part"
        raise InputError(must(name, expected, got, "Check the file."))
    return found


def changes(series: Series, train_end: int, targets: int) -> bool:
    """Whether the training part of a series can be measured: 3 steps at least, and changes."""
    part = series.values[:train_end, :targets]
    return len(part) >= 3 and bool((part.min(axis=0) < part.max(axis=0)).all())


def _check_changes(series: Series, target: Values, column: str) -> None:
    what = _part_of(series, column)
    if len(target) < 3:
        got, todo = count(len(target), "step"), "Give a longer series."
        raise InputError(must(what, "at least 3 steps long", got, todo))
    if target.min() == target.max():
        got = f"{target[0]:g} in all {count(len(target), 'step')}"
        raise InputError(must(what, "values that change", got, "Choose another column."))


def _part_of(series: Series, column: str) -> str:
    return f"the training part of {column!r} of {series.name}"


def _widened(ahead: Values, columns: int) -> Values:
    """Columns that are known ahead, after those that are not."""
    if ahead.ndim != 2 or ahead.shape[1] > columns:
        raise InputError(must("ahead of recent", f"rows of {columns} numbers at most", ahead.shape))
    return np.pad(ahead, ((0, 0), (columns - ahead.shape[1], 0)), constant_values=np.nan)


def _alone(values: Values) -> Any:
    """The only number of an array, or all of them as a list."""
    return values.tolist() if len(values) > 1 else float(values[0])


def _together(stored: Any) -> Any:
    """What `_alone` gave, as a list."""
    return stored if isinstance(stored, list) else [stored]


def _shaped(what: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(must(what, f"of shape {shape}", values.shape))


def _sized(what: str, values: Values, least: float = -math.inf) -> None:
    """Refuses numbers that no training part has, and that answers cannot be counted with."""
    most = 10 * LARGEST  # room for sums
    wrong = [v for v in np.ravel(values).tolist() if not (v >= least and abs(v) <= most)]
    if wrong:
        expected = f"from {max(least, -most):g} to {most:g}"
        raise InputError(must(what, expected, wrong[0]))
