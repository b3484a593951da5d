"""Forecast: the next values of a series. Many-to-one over numbers, several steps ahead at once.

Every score stands beside those of the forecasts that need no learning
(`recur.scoring.forecasts`), and where one of these is not beaten, that is said.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recur import plots, schema, training
from recur.data.scaling import Scaler
from recur.data.sequences import Sequences
from recur.data.series import GAPS, Series, read_series
from recur.data.stamps import coarsest
from recur.data.times import continue_times, show_times
from recur.data.windows import Windows, split_by_time, windows
from recur.data.zones import clock
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, listed, must, whole
from recur.models.deep import CELLS
from recur.models.many_to_one import ManyToOne
from recur.scoring import forecasts
from recur.tasks.options import Options, option
from recur.tasks.sources import dataset
from recur.tasks.task import HeldOut, Prediction, Prepared, Task, Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

SHOWN = 120
"""Known steps that a picture shows before a forecast."""
LARGEST, FARTHEST = 1e140, 1e18
"""Beyond these, squares of errors leave the numbers that there are, and float32 those of inputs."""
LEAST_ERROR = 1e-200
"""The least that MASE can divide by: of a series that nearly repeats it is far below its values."""
MOST_KNOWN = 200
"""The longest window chosen unasked."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastOptions(Options):
    """Options of the task."""

    data: str = option("co2", "a CSV file, or a dataset: co2, sunspots, ett, stocks:AAPL ...")
    # A GRU with a larger step than Adam's own did best on the validation parts of the datasets.
    cell: str = option("gru", "the recurrent cell", choices=tuple(CELLS))
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    epochs: int = option(50, "passes over the training data at most", least=1)
    patience: int | None = option(
        10, "stop after so many epochs without a better validation result", least=1
    )
    target: str = option("", "the column to forecast (default: the dataset's own, or the last)")
    features: str = option("", "more columns to look at, with commas between; or all")
    horizon: int = option(12, "steps to forecast", least=1)
    window: int | None = option(
        None, "known steps to look at (default: two seasons or horizons)", least=2
    )
    season: int | None = option(
        None, "steps in a season (default: what the times or the values show)", least=1
    )
    # Error on the validation part beside the naive forecast's, with and without: CO2 0.25 and 1.06,
    # AAPL 1.00 and 1.75, sunspots 0.42 and 0.41.
    differences: bool = option(True, "learn the change from the last known value, not the value")
    time: str = option("", "the column of the times (default: found by its name or content)")
    time_format: str = option(
        "", "how times are written, such as %d.%m.%Y, or unix (default: found)"
    )
    delimiter: str = option(
        "", "comma, semicolon, tab, pipe or a character, in a file (default: found)"
    )
    encoding: str = option("", "of a file, such as cp1252 (default: UTF-8, or UTF-16 by its mark)")
    decimal: str = option("", "the decimal mark in a file, . or , (default: found)")
    gaps: str = option("refuse", "what to do about missing values and steps", choices=GAPS)
    test_split: float = option(0.2, "the last share, held out for testing", above=0.0, below=1.0)


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


@dataclasses.dataclass(frozen=True)
class Forecast:
    """An answer: the values that follow a series.

    Attributes:
        series: The series as far as it is known (its last steps); the target is its first column.
        times: (H,) time stamps as text, or step numbers after the last known.
        values: (H,) in the unit of the series.
        baselines: Other forecasts by name, (H,) each.
    """

    series: Series
    times: list[str]
    values: list[float]
    baselines: dict[str, list[float]]

    def __str__(self) -> str:
        digits = _digits(self.values)
        lines = [f"{self.series.columns[0]} of {self.series.name}"]
        pairs = zip(self.times, self.values, strict=True)
        lines += [f"{time}  {value:.{digits}f}" for time, value in pairs]
        return "\n".join([*lines, *self.series.notes])

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        name, target = self.series.name, self.series.columns[0]
        answer = {"series": name, "target": target, "times": self.times, "values": self.values}
        notes = {"notes": list(self.series.notes)} if self.series.notes else {}
        return {**answer, **self.baselines, **notes}


@dataclasses.dataclass(frozen=True)
class Held:
    """The part of a series that is tested: steps from `begin` on."""

    series: Series
    begin: int


class ForecastTask(Task[ForecastOptions, ForecastPreprocessing, Held]):
    """The task."""

    name = "forecast"
    kind = "many-to-one"
    summary = "the next values of a series of numbers, several steps ahead"
    inputs = "a CSV file with newer values"
    options = ForecastOptions
    preprocessing = ForecastPreprocessing
    metrics = ("mae",)
    monitor = "val_loss"
    adjustable = ("time", "time_format", "gaps", "delimiter", "encoding", "decimal")
    reading = ("target", "features", *adjustable)

    def prepare(self, options: ForecastOptions) -> Prepared[ForecastPreprocessing, Held]:
        """Reads a series, cuts it by time, and measures its training part."""
        series = _read(options).first(options.limit)
        validation = options.validation_split * (1 - options.test_split)
        parts = split_by_time(len(series), validation=validation, test=options.test_split)
        fitted = _fit(series, parts.train[1], parts.test[0], options)
        train = _examples(series, parts.train, options, fitted)
        validate = _examples(series, parts.validation, options, fitted)
        held = Held(series, parts.test[0])
        _windows(series, (held.begin, len(series)), options, fitted)  # none: said before training
        about = f"{series.name}: {', '.join(fitted.columns)}; {count(len(series), 'step')}, "
        about += f"{len(train):,} windows to learn from, {len(validate):,} to choose the best "
        about += f"epoch by; {fitted.window} steps known, {options.horizon} to forecast"
        return Prepared(about, train, validate, HeldOut(held, series.notes), fitted)

    def held_out(
        self, options: ForecastOptions, preprocessing: ForecastPreprocessing, data: str = ""
    ) -> HeldOut[Held]:
        """Returns the last part of the series, or all of another."""
        if data:
            series = _read_like(data, options, preprocessing)
            return HeldOut(Held(series, 0), series.notes)
        series = _read(options).first(options.limit)
        return HeldOut(Held(series, preprocessing.test_start), series.notes)

    def model(self, options: ForecastOptions, preprocessing: ForecastPreprocessing) -> nn.Module:
        """Recurrent layers over the window, one linear layer for all steps of the horizon."""
        return ManyToOne(
            inputs=len(preprocessing.columns),
            outputs=options.horizon,
            **options.recurrent(),
        )

    def loss(self, preprocessing: ForecastPreprocessing) -> str:
        """Returns the mean squared error, of scaled values."""
        return "mse"

    def evaluate(
        self, trained: Trained[ForecastOptions, ForecastPreprocessing], data: Held
    ) -> dict[str, float]:
        """Returns MAE, RMSE and MASE of the model and of the forecasts that need no learning."""
        fitted, horizon = trained.preprocessing, trained.options.horizon
        # Every forecast is measured on the same windows.
        begin = max(data.begin, fitted.season)
        cut = _windows(data.series, (begin, len(data.series)), trained.options, fitted)
        beside = forecasts.simple(
            data.series.values[:, 0], cut.starts, horizon, fitted.season, fitted.drift
        )
        found = forecasts.scores(cut.y, _forecast(trained, cut.x), beside, fitted.mase_scale)
        return {"season": float(fitted.season), "windows": float(len(cut.starts)), **found}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the forecasts in a table, and says whether the model is worth its work."""
        return forecasts.report(scores)

    def predict(
        self, trained: Trained[ForecastOptions, ForecastPreprocessing], inputs: Sequence[str]
    ) -> list[Prediction]:
        """Forecasts what follows the series it was trained on, or each of the files given."""
        fitted = trained.preprocessing
        series = [_read_like(path, trained.options, fitted) for path in inputs]
        return [_what_follows(trained, each) for each in series or [fitted.recent]]

    def why(
        self, trained: Trained[ForecastOptions, ForecastPreprocessing], inputs: Sequence[str]
    ) -> list[Attribution]:
        """Says which steps of the window mattered for the next value, by integrated gradients."""
        fitted = trained.preprocessing
        series = [_read_like(path, trained.options, fitted) for path in inputs]
        return [_reasons(trained, each) for each in series or [fitted.recent]]

    def inputs_of(self, file: str) -> list[str]:
        """Returns the file itself: it is one series."""
        if file == "-":
            raise InputError("forecast reads a series from a file, not from standard input.")
        return [file]

    def pictures(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Figure]]:
        """Draws each forecast at the end of its series."""
        for number, each in enumerate(predictions, start=1):
            assert isinstance(each, Forecast)
            name = "forecast" if len(predictions) == 1 else f"forecast-{number}"
            yield name, _picture(each)


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


def _read(options: ForecastOptions, day_first: bool | None = None) -> Series:
    """The series that the options name, its target column first."""
    named = dataset(options.data, ForecastTask.name)
    if named is None:
        series = read_series(
            options.data,
            time=options.time or None,
            columns=_wanted(options),
            gaps=options.gaps,
            time_format=options.time_format,
            day_first=day_first,
            delimiter=options.delimiter,
            encoding=options.encoding,
            decimal=options.decimal,
        )
        target = options.target or series.columns[-1]
    else:
        part = options.data.partition(":")[2]
        series = named.load(part) if part else named.load()
        target = options.target or named.TARGET
    others = list(series.columns) if options.features == "all" else _features(options)
    chosen = series.select([target, *(name for name in others if name != target)])
    largest = float(np.abs(chosen.values).max(initial=0.0))
    if largest > LARGEST:
        todo = "Give them in a larger unit, or check the file."
        raise InputError(must(f"the values of {chosen.name}", f"up to {LARGEST:g}", largest, todo))
    return chosen


def _read_like(data: str, options: ForecastOptions, fitted: ForecastPreprocessing) -> Series:
    """Another series with the columns that the model knows, under the names that they have there.

    The target and the features that the options name stand for those of the training, in order.
    """
    first = options.target or fitted.columns[0]
    others = list(fitted.columns[1:])
    if options.features not in ("", "all"):
        others = [name for name in _features(options) if name != first]
    if len(others) != len(fitted.columns) - 1:
        known = listed(map(repr, fitted.columns[1:]), "and") or "none"
        expected = f"a name for each that the model knows: {known}, in this order"
        raise InputError(must("features", expected, repr(options.features)))
    settings = dataclasses.replace(options, data=data, target=first, features=",".join(others))
    # What the column of the training data decided holds where this one does not say.
    return _read(settings, fitted.recent.day_first)


def _features(options: ForecastOptions) -> list[str]:
    return [name.strip() for name in options.features.split(",") if name.strip()]


def _wanted(options: ForecastOptions) -> list[str] | None:
    """The columns to read from a file: those named, so that gaps elsewhere do not matter."""
    if not options.target or options.features == "all":
        return None
    return list(dict.fromkeys([options.target, *_features(options)]))


def _fit(
    series: Series, train_end: int, test_start: int, options: ForecastOptions
) -> ForecastPreprocessing:
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
    season = options.season or forecasts.season_of(times, target, series.zone)
    if 2 * season > len(target):
        got = f"{season} where {count(len(target), 'step')} are for training"
        raise InputError(must("season", "at most half of the training part", got))
    window = options.window or min(max(2 * season, 2 * options.horizon, 16), MOST_KNOWN)
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


def _windows(
    series: Series, part: tuple[int, int], options: ForecastOptions, fitted: ForecastPreprocessing
) -> Windows:
    return windows(series.values, fitted.window, options.horizon, 0, part=part, name=series.name)


def _examples(
    series: Series, part: tuple[int, int], options: ForecastOptions, fitted: ForecastPreprocessing
) -> Sequences:
    cut = _windows(series, part, options, fitted)
    x = _scaled(cut.x, fitted, series.name)
    y = (cut.y - fitted.scaler.mean[0]) / fitted.scaler.deviation[0]
    if options.differences:
        y = y - x[:, -1, :1]
        x = x - x[:, -1:]
    return Sequences(x.astype(np.float32), y.astype(np.float32))


def _scaled(values: Values, fitted: ForecastPreprocessing, name: str) -> Values:
    scaled = fitted.scaler.transform(values)
    farthest = np.abs(scaled).max(initial=0.0)
    if farthest > FARTHEST:
        got = f"one that is {farthest:.3g} of its standard deviations away"
        expected = f"values within {FARTHEST:g} standard deviations of the training part"
        raise InputError(must(name, expected, got, "Check the file."))
    return scaled


def _forecast(trained: Trained[ForecastOptions, ForecastPreprocessing], known: Values) -> Values:
    """(N, L, F) known values, in their units, to (N, H) forecasts in the unit of the target."""
    x, last = _read_by_model(trained, known)
    outputs = training.predict(trained.model, Sequences(x)).double().numpy()
    return trained.preprocessing.scaler.inverse(outputs + last[:, :, 0], 0)


def _read_by_model(
    trained: Trained[ForecastOptions, ForecastPreprocessing], known: Values
) -> tuple[NDArray[np.float32], Values]:
    """What the model reads of known values (N, L, F), and (N, 1, F) what was taken off them."""
    x = _scaled(known, trained.preprocessing, trained.preprocessing.recent.name)
    last = x[:, -1:] if trained.options.differences else np.zeros_like(x[:, -1:])
    return (x - last).astype(np.float32), last


def _reasons(
    trained: Trained[ForecastOptions, ForecastPreprocessing], series: Series
) -> Attribution:
    _check_long(series, trained.preprocessing)
    window = trained.preprocessing.window
    x, _ = _read_by_model(trained, series.values[None, -window:])
    times = series.times
    labels = [f"{n - window}" for n in range(window)]
    labels = labels if times is None else show_times(times, series.zone)
    names = [f"step +{n}" for n in range(1, trained.options.horizon + 1)]
    return integrated_gradients(trained.model, x[0], labels=labels[-window:], names=names, output=0)


def _check_long(series: Series, fitted: ForecastPreprocessing) -> None:
    needed = max(fitted.window, fitted.season)
    if len(series) < needed:
        got = count(len(series), "step")
        raise InputError(must(series.name, f"at least {needed} steps long", got))


def _what_follows(
    trained: Trained[ForecastOptions, ForecastPreprocessing], series: Series
) -> Forecast:
    fitted, horizon = trained.preprocessing, trained.options.horizon
    _check_long(series, fitted)
    values = _forecast(trained, series.values[None, -fitted.window :])[0]
    end = np.array([len(series)])
    beside = forecasts.simple(series.values[:, 0], end, horizon, fitted.season, fitted.drift)
    simple = {name.rstrip("_"): values[0].tolist() for name, values in beside.items()}
    if series.times is None:
        times = [f"+{step}" for step in range(1, horizon + 1)]
    else:
        following = continue_times(series.times, horizon, series.zone)
        times = show_times(following, series.zone)
    return Forecast(series, times, values.tolist(), simple)


def _picture(answer: Forecast) -> Figure:
    known = answer.series.values[-SHOWN:, 0]
    times = answer.series.times
    before = after = None
    if times is not None:
        zone = answer.series.zone
        following = continue_times(times, len(answer.values), zone)
        before, after = list(clock(times[-SHOWN:], zone)), list(clock(following, zone))
    target = answer.series.columns[0]
    return plots.forecast(
        known.tolist(),
        answer.values,
        naive=answer.baselines["naive"],
        past_times=before,
        times=after,
        title=f"{answer.series.name}: the next {count(len(answer.values), 'step')}",
        value=target,
    )


def _digits(values: Sequence[float]) -> int:
    """Decimals that show five significant digits of the largest value."""
    largest = max(abs(value) for value in values)
    return max(0, 4 - int(np.floor(np.log10(largest)))) if largest > 0 else 1
