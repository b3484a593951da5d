"""From series to the model of a forecast and back: windows, outputs, values in their units."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from recur import training
from recur.data.records.steps import Steps
from recur.data.sequences import Sequences
from recur.data.series import Series
from recur.data.times import show_times
from recur.data.window_examples import WindowExamples
from recur.data.windows import starts_of, too_short, windows
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, must
from recur.models.many_to_one import ManyToOne
from recur.models.segment_rnn import SegmentRNN
from recur.scoring import forecasts
from recur.tasks.forecast_answers import Forecast, following
from recur.tasks.scaled_series import ForecastPreprocessing, Values, scaled
from recur.tasks.series_strips import strip
from recur.tasks.task import Trained

if TYPE_CHECKING:
    from recur.tasks.forecast import ForecastOptions

    TrainedHere = Trained[ForecastOptions, ForecastPreprocessing]

FEWEST = 30
"""Segments of a window, where no season says how long one is."""
MIDDLE = 0.5


class Foretold(NamedTuple):
    """Forecasts of the windows of a series, in the units of its targets.

    Attributes:
        values: (N, H, C).
        quantiles: (N, H, C) each, by their level.
    """

    values: Values
    quantiles: dict[float, Values]


def levels(quantiles: str) -> tuple[float, ...]:
    """The levels that an option names, in order, with the middle one; none where it is empty.

    Raises:
        InputError: if one is no number between 0 and 1.
    """
    found = set()
    for text in filter(None, map(str.strip, quantiles.split(","))):
        try:
            level = float(text)
        except ValueError:
            level = 0.0
        if not 0 < level < 1:
            expected = "numbers between 0 and 1 with commas between, such as 0.1,0.9"
            raise InputError(must("quantiles", expected, repr(quantiles)))
        found.add(level)
    return tuple(sorted({*found, MIDDLE})) if found else ()


def built(options: ForecastOptions, fitted: ForecastPreprocessing) -> nn.Module:
    """The model, not trained."""
    layers = options.recurrent()
    if not options.segmented:
        return ManyToOne(inputs=len(fitted.columns), outputs=options.horizon, **layers)
    del layers["bidirectional"]
    usual = fitted.season if 1 < fitted.season <= fitted.window // 2 else fitted.window // FEWEST
    return SegmentRNN(
        targets=fitted.targets,
        window=fitted.window,
        horizon=options.horizon,
        segment=options.segment or max(usual, 1),
        quantiles=len(levels(options.quantiles)) or None,
        others=fitted.others,
        known=fitted.known + 2 * len(fitted.circles),
        static=sum(map(len, fitted.static)),
        differences=options.differences,
        **layers,
    )


def encoded(
    records: Steps, options: ForecastOptions, fitted: ForecastPreprocessing
) -> Sequences | WindowExamples:
    """Windows as numbers, with what follows them.

    Raises:
        InputError: if there is not one window.
    """
    if options.segmented:
        starts = window_starts(records, options, fitted)
        pairs = zip(records.parts, starts, strict=True)
        strips = [strip(part.series, each, fitted) for part, each in pairs]
        return WindowExamples(strips, fitted.window, options.horizon, fitted.targets)
    part, scaler = records.only, fitted.only.scaler
    steps, name = (part.begin, part.end), part.series.name
    cut = windows(part.series.values, fitted.window, options.horizon, 0, part=steps, name=name)
    x = scaled(cut.x, fitted.only, name)
    y = (cut.y - scaler.mean[0]) / scaler.deviation[0]
    if options.differences:
        y = y - x[:, -1, :1]
        x = x - x[:, -1:]
    return Sequences(x.astype(np.float32), y.astype(np.float32))


def window_starts(
    records: Steps, options: ForecastOptions, fitted: ForecastPreprocessing, after: int = 0
) -> list[NDArray[np.int64]]:
    """The steps of the first targets of each series, none of the first `after` steps.

    Raises:
        InputError: if no series has a window.
    """
    sizes = fitted.window, options.horizon
    parts = [(max(part.begin, after), part.end) for part in records.parts]
    found = [starts_of(part, *sizes) for part in parts]
    if not any(map(len, found)):
        raise too_short(records.parts[0].series.name, parts[0], *sizes)
    return found


def foretold(
    trained: TrainedHere, series: Sequence[Series], starts: Sequence[NDArray[np.int64]]
) -> list[Foretold]:
    """Forecasts of windows of several series, all in one pass.

    Args:
        trained: the model.
        series: the series, with what is known ahead.
        starts: (N,) of each the step of each first target; the last may be the one after the end.

    Raises:
        InputError: if a value is too far away, or what should be known ahead is not.
    """
    if not trained.options.segmented:
        pairs = zip(series, starts, strict=True)
        return [_by_linear_layer(trained, each, at) for each, at in pairs]
    fitted, horizon = trained.preprocessing, trained.options.horizon
    ahead = [
        max(0, int(at.max(initial=0)) + horizon - len(s))
        for s, at in zip(series, starts, strict=True)
    ]
    strips = [strip(s, at, fitted, n) for s, at, n in zip(series, starts, ahead, strict=True)]
    examples = WindowExamples(strips, fitted.window, horizon, 0)
    outputs = training.predict(trained.model, examples).double().numpy()
    ends = np.cumsum([len(at) for at in starts])[:-1]
    pieces = zip(series, np.split(outputs, ends), strict=True)
    return [_in_units(piece, each, trained) for each, piece in pieces]


def _in_units(outputs: Values, series: Series, trained: TrainedHere) -> Foretold:
    """(N, H, C) or (N, H, C, Q) scaled numbers as values."""
    fitted, asked = trained.preprocessing, levels(trained.options.quantiles)
    scaler = fitted.of(series).scaler
    mean, deviation = (each[: fitted.targets] for each in (scaler.mean, scaler.deviation))
    if not asked:
        return Foretold(outputs * deviation + mean, {})
    # Quantiles that cross are put in order (V. Chernozhukov et al., Econometrica 2010).
    ordered = np.sort(outputs, axis=3)
    each = {level: ordered[..., at] * deviation + mean for at, level in enumerate(asked)}
    return Foretold(each[MIDDLE], each)


def _by_linear_layer(trained: TrainedHere, series: Series, starts: NDArray[np.int64]) -> Foretold:
    window = trained.preprocessing.window
    known = series.values[starts[:, None] + np.arange(-window, 0)]
    x, last = _read_by_model(trained, known)
    outputs = training.predict(trained.model, Sequences(x)).double().numpy()
    values = trained.preprocessing.only.scaler.inverse(outputs + last[:, :, 0], 0)
    return Foretold(values[:, :, None], {})


def _read_by_model(trained: TrainedHere, known: Values) -> tuple[NDArray[np.float32], Values]:
    """What the model reads of known values (N, L, F), and (N, 1, F) what was taken off them."""
    measures = trained.preprocessing.only
    x = scaled(known, measures, measures.recent.name)
    last = x[:, -1:] if trained.options.differences else np.zeros_like(x[:, -1:])
    return (x - last).astype(np.float32), last


def answers(trained: TrainedHere, series: Sequence[Series]) -> Iterator[Forecast]:
    """Yields what follows each target of each series.

    Raises:
        InputError: if one is shorter than a window.
    """
    for each in series:
        _check_long(each, trained.preprocessing)
    ends = [np.array([len(each)]) for each in series]
    for each, found in zip(series, foretold(trained, series, ends), strict=True):
        for target in range(trained.preprocessing.targets):
            yield _answer(trained, each, found, target)


def _answer(trained: TrainedHere, series: Series, found: Foretold, target: int) -> Forecast:
    fitted, horizon = trained.preprocessing, trained.options.horizon
    shown = series.select([series.columns[target]])
    end = np.array([len(series)])
    step = float(fitted.of(series).drift[target])
    beside = forecasts.simple(shown.values[:, 0], end, horizon, fitted.season, step)
    # Learnt as logarithms, shown as what they are of.
    unit = np.exp if trained.options.logarithm else np.asarray
    simple = {name.rstrip("_"): unit(each[0]).tolist() for name, each in beside.items()}
    levels = {f"{level:g}": unit(q[0, :, target]).tolist() for level, q in found.quantiles.items()}
    values = unit(found.values[0, :, target]).tolist()
    shown = dataclasses.replace(shown, values=unit(shown.values))
    return Forecast(shown, following(series, horizon), values, simple, levels)


def reasons(trained: TrainedHere, series: Series) -> Iterator[Attribution]:
    """Yields for each target which steps of the window mattered for its next value."""
    fitted, horizon = trained.preprocessing, trained.options.horizon
    _check_long(series, fitted)
    window = fitted.window
    labels = [f"{n - window}" for n in range(window)]
    if series.times is not None:
        labels = show_times(series.times[-window:], series.zone)
    names = [f"step +{n}" for n in range(1, horizon + 1)]
    if not trained.options.segmented:
        x, _ = _read_by_model(trained, series.values[None, -window:])
        yield integrated_gradients(trained.model, x[0], labels=labels, names=names, output=0)
        return
    whole = strip(series, np.array([len(series)]), fitted, horizon)
    batch = WindowExamples([whole], window, horizon, 0).batch([0])
    for target in range(fitted.targets):
        one = _OneTarget(
            trained.model, target, len(levels(trained.options.quantiles)) // 2, batch.also
        )
        yield integrated_gradients(one, batch.x[0], labels=labels, names=names, output=0)


class _OneTarget(nn.Module):
    """The forecast of one target as the only output: (B, L, F) to (B, H)."""

    def __init__(
        self, model: nn.Module, target: int, middle: int, also: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        self.model, self.target, self.middle, self.also = model, target, middle, also

    def forward(self, x: Tensor) -> Tensor:
        also = {name: each.expand(len(x), *each.shape[1:]) for name, each in self.also.items()}
        found: Tensor = self.model(x, **also)[:, :, self.target]
        return found if found.dim() == 2 else found[..., self.middle]


def _check_long(series: Series, fitted: ForecastPreprocessing) -> None:
    needed = max(fitted.window, fitted.season)
    if len(series) < needed:
        got = count(len(series), "step")
        raise InputError(must(series.name, f"at least {needed} steps long", got))
