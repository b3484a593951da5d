"""Forecast: the next values of series, several steps ahead at once.

Many-to-one over numbers, where one target of one series is asked for and nothing of the future is
known; else segment by segment, many-to-many (`recur.models.segment_rnn`).

Every score stands beside those of the forecasts that need no learning (`recur.scoring.backtest`),
and where one of these is not beaten, that is said.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from recur.data.calendar import circles
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.steps import Part, Steps, by_time, whole
from recur.data.series import GAPS, Series
from recur.data.splits import Splits
from recur.data.static import StaticColumn
from recur.data.tables import parse_table
from recur.diagnostics import Attribution
from recur.messages import InputError, must
from recur.scoring import backtest
from recur.tasks import forecast_model, forecast_series
from recur.tasks.answers import Answer
from recur.tasks.forecast_answers import Forecast
from recur.tasks.forecast_scores import backtests, drawn, linear
from recur.tasks.options import Answering, Recipe, TableData, cell_option, option
from recur.tasks.scaled_series import (
    SHOWN,
    ForecastPreprocessing,
    changes,
    measured,
    season_of,
    window_of,
)
from recur.tasks.sources import dataset
from recur.tasks.task import Evaluation, Objective, Task, Trained, content_of
from recur.tasks.tiny import Tiny, series
from recur.training.pinball import Pinball

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.2
"""Of a series, for testing; and of the rest, for validation."""
DECODERS = ("linear", "segments")
MOST_DRAWN, MOST_BACKTESTS = 20, 4
"""Pictures of answers, and of an evaluation."""


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
        "",
        "the column to forecast, or several with commas between, or all (default: the dataset's "
        "own, or the last)",
        reads=True,
    )
    features: str = option(
        "",
        "more columns to look at, with commas between; or all",
        reads=True,
    )
    known: str = option(
        "", "columns whose future is known: in rows after the last value", reads=True
    )
    calendar: bool = option(False, "look at the hour, the weekday and the day of the year too")
    id_column: str = option("", "the column that says which of several series", reads=True)
    static: str = option("", "columns that never change within a series", reads=True)
    horizon: int = option(12, "steps to forecast", least=1)
    window: int | None = option(
        None, "known steps to look at (default: two seasons or horizons)", least=2
    )
    season: int | None = option(
        None, "steps in a season (default: what the times or the values show)", least=1
    )
    decoder: str | None = option(
        None,
        "linear, or segments: each target alone, by segments of its window (default: segments "
        "where more than one target of one series is asked for)",
        choices=DECODERS,
    )
    segment: int | None = option(
        None, "steps of a segment (default: a season, or a 30th of the window)", least=1
    )
    quantiles: str = option("", "quantiles to forecast too, such as 0.1,0.9")
    decay: bool | None = option(
        None,
        "let the step size fall along half a cosine, to 0 at the end (default: by segments, whose "
        "absolute error does not settle without)",
    )
    # Error on the validation part beside the naive forecast's, with and without: CO2 0.25 and 1.06,
    # AAPL 1.00 and 1.75, sunspots 0.42 and 0.41.
    differences: bool = option(True, "learn the change from the last known value, not the value")
    logarithm: bool = option(False, "learn the logarithm of the target: changes are returns")
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decoder == "linear" and self._more():
            raise InputError(
                "The decoder linear forecasts one target of one series and no quantiles, and reads "
                "nothing of the future. Choose segments, or leave decoder out."
            )
        if self.segmented and self.bidirectional:
            raise InputError("bidirectional is no option of the decoder segments. Leave it out.")
        forecast_model.levels(self.quantiles)
        targets, known = map(forecast_series.names, (self.target, self.known))
        both = next((name for name in targets if name in known), None)
        if both is not None:
            raise InputError(must("known", "columns that are not forecast", repr(both)))

    @property
    def segmented(self) -> bool:
        """Whether the forecast is made by segments."""
        return self.decoder == "segments" or self._more()

    def _more(self) -> bool:
        """Whether more is asked for than the linear decoder can do."""
        several = self.target == "all" or len(forecast_series.names(self.target)) > 1
        given = (self.known, self.id_column, self.static, self.quantiles)
        return several or self.calendar or any(given)


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
    inputs = "a CSV file with newer values; - reads one from standard input"
    options = ForecastOptions
    preprocessing = ForecastPreprocessing
    records = Steps
    answering = Answering
    grows = True
    recipes: Mapping[str, Recipe] = {
        "long": Recipe(
            "many steps ahead of hourly columns that have days in them: a segment a day",
            {
                "target": "all",
                "decoder": "segments",
                "window": 720,
                "segment": 24,
                "horizon": 96,
                "units": 64,
                "dropout": 0.1,
                "batch_size": 16,
                "learning_rate": 0.001,
                "epochs": 4,
            },
        )
    }

    def read(self, options: ForecastOptions, source: Any = None) -> Splits[Steps]:
        """Reads series, their targets first, and cuts each by time."""
        named = dataset(options.data, self) if source is None else None
        splits, columns = forecast_series.read(options, source, named)
        test = SHARE if options.test_split is None else options.test_split
        share = SHARE if options.validation_split is None else options.validation_split
        limit = options.limit
        parted = by_time(splits, validation=share * (1 - test), test=test, limit=limit)
        return _learnable(parted, len(columns.targets))

    def open(
        self, source: Any, options: ForecastOptions, fitted: ForecastPreprocessing | None = None
    ) -> Splits[Steps]:
        """Reads other series with the columns that the model knows."""
        assert fitted is not None
        return whole(*self._like(source, options, fitted))

    def _like(
        self, source: Any, options: ForecastOptions, fitted: ForecastPreprocessing
    ) -> list[Series]:
        settings, named = forecast_series.named_like(options, fitted), None
        if isinstance(source, str | os.PathLike):
            settings = dataclasses.replace(settings, data=str(source))
            source, named = None, dataset(settings.data, self)
        # What the column of the training data decided holds where this one does not say.
        day_first = fitted.only.recent.day_first
        splits, _ = forecast_series.read(settings, source, named, day_first)
        return [part.series for part in splits.train.parts]

    def tested(self, splits: Splits[Steps], fitted: ForecastPreprocessing) -> Steps:
        """From the step on that was the first one then: a file may have grown."""
        assert splits.test is not None
        if "test" not in splits.cut:
            return splits.test
        series = [part.series for part in splits.train.parts]
        return Steps(tuple(Part(s, fitted.of(s).test_start, len(s)) for s in series))

    def fit(self, splits: Splits[Steps], options: ForecastOptions) -> ForecastPreprocessing:
        """Measures the training part of each series."""
        assert splits.test is not None
        pairs = list(zip(splits.train.parts, splits.test.parts, strict=True))
        first = splits.train.parts[0]
        columns = forecast_series.columns_of(options, first.series, first.series.columns[0])
        season = options.season or season_of(first.series, first.end)
        window = options.window or window_of(season, options.horizon)
        kept = max(window, season, SHOWN)
        targets = len(columns.targets)
        static = [
            StaticColumn.fit(name, [part.series.static[name] for part, _ in pairs])
            for name in forecast_series.names(options.static)
        ]
        return ForecastPreprocessing(
            columns.all,
            window,
            season,
            tuple(
                measured(p.series, p.end, t.begin, season=season, targets=targets, kept=kept)
                for p, t in pairs
            ),
            targets,
            len(columns.known),
            _circles(first.series) if options.calendar else (),
            tuple(static),
        )

    def encode(
        self, records: Steps, options: ForecastOptions, fitted: ForecastPreprocessing
    ) -> Examples:
        """Windows: known steps, scaled, and what follows them."""
        return forecast_model.encoded(records, options, fitted)

    def model(self, options: ForecastOptions, fitted: ForecastPreprocessing) -> nn.Module:
        """Recurrent layers over the window, one linear layer for all steps; or by segments."""
        return forecast_model.built(options, fitted)

    def objective(self, options: ForecastOptions, fitted: ForecastPreprocessing) -> Objective:
        """Returns the mean squared error, of scaled values; by segments the absolute one."""
        if levels := forecast_model.levels(options.quantiles):
            return Objective(Pinball(levels))
        return Objective("mae", ("mse",)) if options.segmented else Objective("mse", ("mae",))

    def recipe(self, options: ForecastOptions) -> dict[str, Any]:
        """The step size may fall along half a cosine."""
        decay = options.segmented if options.decay is None else options.decay
        return {"schedule": "cosine"} if decay else {}

    def score(
        self, trained: TrainedHere, records: Steps, examples: Examples | Documents
    ) -> Evaluation:
        """Returns MAE, RMSE and MASE of the model and of the forecasts that need no learning."""
        fitted, (tests, notes) = trained.preprocessing, backtests(trained, records)
        found = backtest.scores(tests, scaled=fitted.targets > 1)
        number = sum(len(test.starts) for test in tests) / fitted.targets
        sizes = {"season": float(fitted.season), "windows": number}
        ways = backtest.direction(tests) if trained.options.logarithm else {}
        return Evaluation({**sizes, **found, **ways}, notes, tests)

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Steps]], records: Steps
    ) -> dict[str, float]:
        """Returns the errors of ridge regression on the same windows, beside one by segments."""
        return linear(trained, learnt(), records) if trained.options.segmented else {}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the forecasts in a table, and says whether the model is worth its work."""
        return backtest.report(scores)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Steps:
        """The series it was trained on, or those of each input."""
        options, fitted = trained.options, trained.preprocessing
        given = [each for source in inputs for each in self._like(source, options, fitted)]
        series = given or [each.recent for each in fitted.series]
        return Steps(tuple(Part(each, 0, len(each)) for each in series))

    def answer(self, trained: TrainedHere, records: Steps, how: Answering) -> list[Answer]:
        """Forecasts what follows each series: an answer for each of its targets."""
        return list(forecast_model.answers(trained, [part.series for part in records.parts]))

    def explained(self, trained: TrainedHere, records: Steps, how: Answering) -> list[Attribution]:
        """Says which steps of the window mattered for the next value, by integrated gradients."""
        series = [part.series for part in records.parts]
        return [reasons for each in series for reasons in forecast_model.reasons(trained, each)]

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = series(folder / "prices.csv")
        return Tiny({"data": data, "horizon": 3, "window": 7, "segment": 7}, (data,))

    def inputs_of(self, file: str, options: ForecastOptions | None = None) -> list[Any]:
        """Returns the file itself: it is one table of series; "-" is one on standard input."""
        if file == "-":
            return [parse_table(content_of(file), "standard input", each="step")]
        return [file]

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws each forecast at the end of its series."""
        for number, each in enumerate(answers[:MOST_DRAWN], start=1):
            assert isinstance(each, Forecast)
            name = "forecast" if len(answers) == 1 else f"forecast-{number}"
            yield name, each.picture()

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws forecasts from several origins over what came."""
        for number, test in enumerate(evaluation.detail[:MOST_BACKTESTS], start=1):
            name = "backtest" if len(evaluation.detail) == 1 else f"backtest-{number}"
            yield name, drawn(test)


def _circles(series: Series) -> tuple[str, ...]:
    """What the calendar says of the steps of a series."""
    if series.times is None:
        todo = "Give a column of times, or leave calendar out."
        raise InputError(must(series.name, "with times, for the calendar", "none", todo))
    return circles(series.times, series.zone)


def _learnable(splits: Splits[Steps], targets: int) -> Splits[Steps]:
    """Without the series of several that are too short, or whose targets never change."""
    parts = splits.train.parts
    kept = [n for n, part in enumerate(parts) if changes(part.series, part.end, targets)]
    if len(kept) in (0, len(parts)):
        return splits
    left = next(part.series.name for n, part in enumerate(parts) if n not in kept)
    note = f"{len(parts) - len(kept):,} of {len(parts):,} series are left out, whose training part "
    note += f"is too short or never changes, such as {left}."
    assert splits.validation is not None
    assert splits.test is not None
    return dataclasses.replace(
        splits,
        train=splits.train.take(kept),
        validation=splits.validation.take(kept),
        test=splits.test.take(kept),
    ).noted(note)
