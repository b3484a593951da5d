"""Forecast: the next values of a series. Many-to-one over numbers, several steps ahead at once.

Every score stands beside those of the forecasts that need no learning
(`recur.scoring.forecasts`), and where one of these is not beaten, that is said.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.steps import Part, Steps, whole
from recur.data.sequences import Sequences
from recur.data.series import GAPS, Series, read_series
from recur.data.splits import Splits
from recur.data.times import continue_times, show_times
from recur.data.windows import Windows, split_by_time, windows
from recur.data.zones import clock
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, listed, must
from recur.models.many_to_one import ManyToOne
from recur.scoring import forecasts
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option
from recur.tasks.scaled_series import LARGEST, SHOWN, ForecastPreprocessing, measured, scaled
from recur.tasks.sources import dataset, loaded
from recur.tasks.task import Evaluation, Objective, Task, Trained
from recur.tasks.tiny import Tiny, series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

SHARE = 0.2
"""Of a series, for testing; and of the rest, for validation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastOptions(TableData):
    """Options of the task."""

    data: str = option("co2", "a CSV file, or a dataset: co2, sunspots, ett, stocks:AAPL ...")
    # A GRU with a larger step than Adam's own did best on the validation parts of the datasets.
    cell: str = cell_option("gru")
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    epochs: int = option(50, "passes over the training data at most", least=1)
    patience: int | None = option(
        10, "stop after so many epochs without a better validation result", least=1
    )
    target: str = option(
        "", "the column to forecast (default: the dataset's own, or the last)", reads=True
    )
    features: str = option(
        "",
        "more columns to look at, with commas between; or all",
        reads=True,
    )
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
    time: str = option(
        "", "the column of the times (default: found by its name or content)", reads=True
    )
    time_format: str = option(
        "", "how times are written, such as %d.%m.%Y, or unix (default: found)", reads=True
    )
    decimal: str = option(
        "",
        "the decimal mark in a file, . or , (default: found)",
        reads=True,
    )
    gaps: str = option(
        "refuse", "what to do about missing values and steps", choices=GAPS, reads=True
    )


@dataclasses.dataclass(frozen=True)
class Forecast(Answer):
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


TrainedHere = Trained[ForecastOptions, ForecastPreprocessing]


class ForecastTask(Task[ForecastOptions, Steps, ForecastPreprocessing, Answering]):
    """The task."""

    name = "forecast"
    kind = "many-to-one"
    summary = "the next values of a series of numbers, several steps ahead"
    takes = "a series of numbers"
    gives = "its next values"
    data = "co2"
    metric = "MASE"
    sample = (
        "prices.csv",
        "date,close\n2024-01-02,185.64\n2024-01-03,184.25\n2024-01-04,181.91\n2024-01-05,181.18\n",
    )
    inputs = "a CSV file with newer values"
    options = ForecastOptions
    preprocessing = ForecastPreprocessing
    records = Steps
    answering = Answering

    def read(self, options: ForecastOptions, source: Any = None) -> Splits[Steps]:
        """Reads a series, its target column first, and cuts it by time."""
        series = _read(options, source).first(options.limit)
        test = SHARE if options.test_split is None else options.test_split
        share = SHARE if options.validation_split is None else options.validation_split
        parts = split_by_time(len(series), validation=share * (1 - test), test=test)
        train, validation, held = (Steps.of(series, *part) for part in parts)
        cut = ("test", "validation")
        return Splits(train, validation, held, about=series.name, notes=series.notes, cut=cut)

    def open(
        self, source: Any, options: ForecastOptions, fitted: ForecastPreprocessing | None = None
    ) -> Splits[Steps]:
        """Reads another series with the columns that the model knows."""
        assert fitted is not None
        return whole(_read_like(source, options, fitted))

    def tested(self, splits: Splits[Steps], fitted: ForecastPreprocessing) -> Steps:
        """From the step on that was the first one then: a file may have grown."""
        return Steps.of(splits.train.only.series, fitted.test_start)

    def fit(self, splits: Splits[Steps], options: ForecastOptions) -> ForecastPreprocessing:
        """Measures the training part."""
        assert splits.test is not None
        return measured(
            splits.train.only.series,
            splits.train.only.end,
            splits.test.only.begin,
            horizon=options.horizon,
            window=options.window,
            season=options.season,
        )

    def encode(
        self, records: Steps, options: ForecastOptions, fitted: ForecastPreprocessing
    ) -> Sequences:
        """Windows: known steps, scaled, and what follows them."""
        cut = _windows(records.only, options, fitted)
        x = scaled(cut.x, fitted, records.only.series.name)
        y = (cut.y - fitted.scaler.mean[0]) / fitted.scaler.deviation[0]
        if options.differences:
            y = y - x[:, -1, :1]
            x = x - x[:, -1:]
        return Sequences(x.astype(np.float32), y.astype(np.float32))

    def model(self, options: ForecastOptions, fitted: ForecastPreprocessing) -> nn.Module:
        """Recurrent layers over the window, one linear layer for all steps of the horizon."""
        return ManyToOne(
            inputs=len(fitted.columns),
            outputs=options.horizon,
            **options.recurrent(),
        )

    def objective(self, options: ForecastOptions, fitted: ForecastPreprocessing) -> Objective:
        """Returns the mean squared error, of scaled values."""
        return Objective("mse", ("mae",))

    def score(
        self, trained: TrainedHere, records: Steps, examples: Examples | Documents
    ) -> Evaluation:
        """Returns MAE, RMSE and MASE of the model and of the forecasts that need no learning."""
        fitted, horizon = trained.preprocessing, trained.options.horizon
        # Every forecast is measured on the same windows.
        part = records.only
        part = dataclasses.replace(part, begin=max(part.begin, fitted.season))
        cut = _windows(part, trained.options, fitted)
        beside = forecasts.simple(
            part.series.values[:, 0], cut.starts, horizon, fitted.season, fitted.drift
        )
        found = forecasts.scores(cut.y, _forecast(trained, cut.x), beside, fitted.mase_scale)
        sizes = {"season": float(fitted.season), "windows": float(len(cut.starts))}
        return Evaluation({**sizes, **found})

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the forecasts in a table, and says whether the model is worth its work."""
        return forecasts.report(scores)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Steps:
        """The series it was trained on, or each of those given."""
        fitted = trained.preprocessing
        given = [_read_like(each, trained.options, fitted) for each in inputs]
        return Steps(tuple(Steps.of(series).only for series in given or [fitted.recent]))

    def answer(self, trained: TrainedHere, records: Steps, how: Answering) -> list[Answer]:
        """Forecasts what follows each series."""
        return [_what_follows(trained, part.series) for part in records.parts]

    def explained(self, trained: TrainedHere, records: Steps) -> list[Attribution]:
        """Says which steps of the window mattered for the next value, by integrated gradients."""
        return [_reasons(trained, part.series) for part in records.parts]

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = series(folder / "prices.csv")
        return Tiny({"data": data, "horizon": 3, "window": 7}, (data,))

    def inputs_of(self, file: str) -> list[str]:
        """Returns the file itself: it is one series."""
        if file == "-":
            raise InputError("forecast reads a series from a file, not from standard input.")
        return [file]

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws each forecast at the end of its series."""
        for number, each in enumerate(answers, start=1):
            assert isinstance(each, Forecast)
            name = "forecast" if len(answers) == 1 else f"forecast-{number}"
            yield name, _picture(each)


def _read(options: ForecastOptions, source: Any = None, day_first: bool | None = None) -> Series:
    """The series that the options name, its target column first."""
    named = dataset(options.data, ForecastTask()) if source is None else None
    if named is None:
        series = read_series(
            options.data if source is None else source,
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
        series = loaded(named, options.data).train.only.series
        target = options.target or named.TARGET
    others = list(series.columns) if options.features == "all" else _features(options)
    chosen = series.select([target, *(name for name in others if name != target)])
    largest = float(np.abs(chosen.values).max(initial=0.0))
    if largest > LARGEST:
        todo = "Give them in a larger unit, or check the file."
        raise InputError(must(f"the values of {chosen.name}", f"up to {LARGEST:g}", largest, todo))
    return chosen


def _read_like(source: Any, options: ForecastOptions, fitted: ForecastPreprocessing) -> Series:
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
    settings = dataclasses.replace(options, target=first, features=",".join(others))
    if isinstance(source, str | os.PathLike):
        settings, source = dataclasses.replace(settings, data=str(source)), None
    # What the column of the training data decided holds where this one does not say.
    return _read(settings, source, fitted.recent.day_first)


def _features(options: ForecastOptions) -> list[str]:
    return [name.strip() for name in options.features.split(",") if name.strip()]


def _wanted(options: ForecastOptions) -> list[str] | None:
    """The columns to read from a file: those named, so that gaps elsewhere do not matter."""
    if not options.target or options.features == "all":
        return None
    return list(dict.fromkeys([options.target, *_features(options)]))


def _windows(part: Part, options: ForecastOptions, fitted: ForecastPreprocessing) -> Windows:
    series, steps = part.series, (part.begin, part.end)
    return windows(series.values, fitted.window, options.horizon, 0, part=steps, name=series.name)


def _forecast(trained: TrainedHere, known: Values) -> Values:
    """(N, L, F) known values, in their units, to (N, H) forecasts in the unit of the target."""
    x, last = _read_by_model(trained, known)
    outputs = training.predict(trained.model, Sequences(x)).double().numpy()
    return trained.preprocessing.scaler.inverse(outputs + last[:, :, 0], 0)


def _read_by_model(trained: TrainedHere, known: Values) -> tuple[NDArray[np.float32], Values]:
    """What the model reads of known values (N, L, F), and (N, 1, F) what was taken off them."""
    x = scaled(known, trained.preprocessing, trained.preprocessing.recent.name)
    last = x[:, -1:] if trained.options.differences else np.zeros_like(x[:, -1:])
    return (x - last).astype(np.float32), last


def _reasons(trained: TrainedHere, series: Series) -> Attribution:
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


def _what_follows(trained: TrainedHere, series: Series) -> Forecast:
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
