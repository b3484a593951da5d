"""Anomalies among rows that follow one another, learnt without labels: what was not expected.

A recurrent network forecasts each next row from those before it; how far a row lies from its
forecast, beside how far rows usually do, is its score (P. Malhotra et al., "Long short term memory
networks for anomaly detection in time series", ESANN 2015). It remembers all that came before in a
state of fixed size, so that rows can be judged as they come for ever.

Letters: T rows, F columns, L rows of a window, N windows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.data.asked_rows import AskedRows
from recur.data.cells import as_numbers
from recur.data.records.readings import LARGEST, Readings
from recur.data.scaling import Scaler
from recur.data.sequences import Sequences
from recur.data.splits import Splits, TooFewError
from recur.diagnostics import Attribution
from recur.messages import InputError, count, must, shown
from recur.models.many_to_many import ManyToMany
from recur.scoring import anomalies, events
from recur.scoring.thresholds import Level, of_clean
from recur.tasks.alarms import AnomalyOptions, Flagged, Way, measured, threshold_of
from recur.tasks.answers import Answer
from recur.tasks.task import Evaluation, Fitted, Objective, Trained
from recur.tasks.watcher import Unread, Watcher
from recur.training.measure import evaluating

FALSE_ALARMS = 0.01
"""The share of the usual rows that may be alarms, where nobody says."""
MOST_WINDOWS = 8000
"""Windows that an epoch has; of longer data every second row begins one, or every third ..."""
BEYOND = 10.0
"""Deviations beyond which the network reads a value as so far: an outlier is one, however far."""
LEAST = 0.01
"""Of a column's deviation, what is usual at least: less is no matter, however well forecast."""
POWER = 4
"""Of the mean over columns: one that is far off counts for more than many that are a little."""
PIECE = 10_000
"""Rows that are walked at once."""

Values = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class UnlabelledFitted(Fitted):
    """The columns and their scaling.

    Attributes:
        names: (F,) the columns.
        scaler: their scaling.
    """

    names: tuple[str, ...]
    scaler: Scaler


class UnlabelledCalibration(TypedDict):
    """What is found on the validation part.

    Attributes:
        threshold: above it a score is an alarm.
        scale: (F,) how far rows usually are from their forecast, in deviations of their column.
    """

    threshold: float
    scale: list[float]


TrainedHere = Trained[AnomalyOptions, UnlabelledFitted]


class Unlabelled(Way[Readings, UnlabelledFitted]):
    """See the module."""

    def fit(self, splits: Splits[Readings], options: AnomalyOptions) -> UnlabelledFitted:
        """Measures the columns."""
        return UnlabelledFitted(splits.train.columns, Scaler.fit(splits.train.values))

    def encode(
        self, records: Readings, options: AnomalyOptions, fitted: UnlabelledFitted
    ) -> Sequences:
        """(N, L, F) windows of rows, scaled, and (N, L, F) how each row changes to the next."""
        values = _scaled(records.values, fitted)
        length = options.window
        if len(values) <= length:
            expected = f"{length + 1} rows at least, for one window and what follows it"
            raise TooFewError(expected, count(len(values), "row"), "Lower window, or give more.")
        read = np.clip(values, -BEYOND, BEYOND).astype(np.float32)
        starts = np.arange(0, len(values) - length, _stride(len(values)))
        every = np.lib.stride_tricks.sliding_window_view(read, length + 1, axis=0)
        cut = every[starts].transpose(0, 2, 1)
        return Sequences(cut[:, :-1].copy(), cut[:, 1:] - cut[:, :-1])

    def model(self, options: AnomalyOptions, fitted: UnlabelledFitted) -> nn.Module:
        """Recurrent layers over rows, and a linear layer that says how the next one differs."""
        if options.bidirectional:
            todo = "It would look at what it forecasts."
            raise InputError(must("bidirectional", "off without labels", "on", todo))
        size = len(fitted.names)
        return ManyToMany(inputs=size, outputs=size, **{**options.recurrent(), "dropout": 0.0})

    def objective(self, options: AnomalyOptions) -> Objective:
        """Huber's loss, which outliers among the rows learnt from do not rule."""
        return Objective("huber", ("mae",))

    def calibrate(self, trained: TrainedHere, validation: Readings) -> UnlabelledCalibration:
        """Finds what is usual in each column, and the threshold, on rows not learnt from."""
        values = _scaled(validation.values, trained.preprocessing)
        warm_up = _warm_up(trained.options)
        off = np.abs(_Walk(trained.model, warm_up).off(values)[warm_up:])
        scale = np.maximum(np.median(off, axis=0), LEAST)
        known = dataclasses.replace(trained, calibration={"threshold": 0.0, "scale": scale})
        options = trained.options
        line = of_clean(
            _Watcher(known).scores(validation.values)[warm_up:],
            false_alarms=options.false_alarms or FALSE_ALARMS,
            contamination=options.contamination,
        )
        return {"threshold": line, "scale": scale.tolist()}

    def score(self, trained: TrainedHere, records: Readings) -> Evaluation:
        """Returns what the alarms are worth; without labels, how many there are."""
        line = threshold_of(trained)
        scores = _Watcher(trained).scores(records.values)
        return _worth(scores, records.anomalous, line)

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Readings]], records: Readings
    ) -> dict[str, float]:
        """Returns what the alarms of an isolation forest are worth, and of the last row's value."""
        if records.anomalous is None:
            return {}
        parts = learnt()
        assert parts.validation is not None
        values = [part.values for part in (parts.train, parts.validation, records)]
        options, found = trained.options, dict[str, float]()
        for name, judge in (("forest", anomalies.isolation), ("naive", anomalies.jumps)):
            usual, asked = judge(*values)
            share = options.false_alarms or FALSE_ALARMS
            line = of_clean(usual, false_alarms=share, contamination=options.contamination)
            worth = _worth(asked, records.anomalous, line).values
            found |= {f"{name}_{score}": value for score, value in worth.items()}
        return found

    def names(self, fitted: UnlabelledFitted) -> list[str]:
        """The columns that the network reads."""
        return list(fitted.names)

    def watcher(self, trained: TrainedHere) -> Watcher:
        """What judges rows, each after those before it."""
        return _Watcher(trained)

    def explained(self, trained: TrainedHere, rows: AskedRows) -> list[Attribution]:
        """Says which columns were not as expected; the shares sum to the score's fourth power."""
        watcher = _Watcher(trained)
        values, wrong = watcher.values(rows)
        if wrong:
            raise InputError(next(iter(wrong.values())))
        scaler = trained.preprocessing.scaler
        off = watcher.walk.off(scaler.transform(values))
        expected = values - off * scaler.deviation
        return [
            _reason(watcher, values[row], expected[row], off[row]) for row in range(len(values))
        ]


def _scaled(values: Values, fitted: UnlabelledFitted) -> Values:
    return fitted.scaler.transform(values)


def _warm_up(options: AnomalyOptions) -> int:
    """Rows that are read before any is judged."""
    return -(-options.window // 4)


def _stride(rows: int) -> int:
    return max(1, -(-rows // MOST_WINDOWS))


def _worth(scores: Values, strange: NDArray[np.bool_] | None, line: float) -> Evaluation:
    """What alarms above a line are worth; without labels of both kinds, how many there are."""
    alarms = {"alarms": float((scores > line).mean())}
    if strange is None or strange.all() or not strange.any():
        note = "Without rows of which it is known that they are anomalies, alarms are counted only."
        return Evaluation(alarms, (note,), (scores, None, line))
    values = measured(scores, strange, line) | alarms
    values |= dict(events.volume(scores, strange)) | dict(events.event_f1(scores > line, strange))
    return Evaluation(values, (), (scores, strange, line))


class _Walk:
    """A network that reads scaled rows and says how far each is from its forecast.

    Attributes:
        memory: the tensors of its state, after the rows so far; none before the first.
        expected: (F,) the next row; None before the first.
        seen: rows so far.
    """

    def __init__(self, model: nn.Module, warm_up: int) -> None:
        self.model, self.warm_up, self.seen = model, warm_up, 0
        self.memory: tuple[Tensor, ...] = ()
        self.expected: Values | None = None

    def off(self, scaled: Values) -> Values:
        """(T, F) how far each row is from what was expected; 0 of the first `warm_up` of all."""
        pieces = range(0, len(scaled), PIECE)
        return np.concatenate(
            [self._piece(scaled[start : start + PIECE]) for start in pieces] or [scaled]
        )

    def _piece(self, scaled: Values) -> Values:
        read = np.clip(scaled, -BEYOND, BEYOND).astype(np.float32)
        with evaluating(self.model):
            changes, state = self.model(
                torch.from_numpy(read).unsqueeze(0), state=self._state(), return_state=True
            )
        self.memory = state if isinstance(state, tuple) else (state,)
        ahead = read + changes[0].double().numpy()
        first = scaled[:1] if self.expected is None else self.expected[None]
        self.expected = ahead[-1]
        found: Values = scaled - np.concatenate([first, ahead[:-1]])
        found[: max(0, self.warm_up - self.seen)] = 0  # whoever has seen nothing expects nothing
        self.seen += len(scaled)
        return found

    def _state(self) -> Any:
        return (self.memory if len(self.memory) > 1 else self.memory[0]) if self.memory else None


class _Watcher(Watcher):
    """Judges rows as they come; what it remembers is of a fixed size."""

    def __init__(self, trained: TrainedHere) -> None:
        self.fitted, self.line = trained.preprocessing, threshold_of(trained)
        self.names = list(self.fitted.names)
        self.scale = np.asarray((trained.calibration or {})["scale"], dtype=float)
        self.walk = _Walk(trained.model, _warm_up(trained.options))
        self.level = Level(trained.options.adaptive) if trained.options.adaptive else None

    def scores(self, values: Values) -> Values:
        """(T,) the score of each row of values (T, F)."""
        return self._of(self.walk.off(_scaled(values, self.fitted)))

    def shares(self, off: Values) -> Values:
        """(..., F) what each column adds to the score's fourth power."""
        found: Values = (np.abs(off) / self.scale) ** POWER / len(self.scale)
        return found

    def _of(self, off: Values) -> Values:
        found: Values = self.shares(off).sum(axis=1) ** (1 / POWER)
        if self.level is None:
            return found
        judged = found > 0  # not while it warms up
        found[judged] = self.level.relative(found[judged].tolist())
        return found

    def values(self, rows: AskedRows) -> tuple[Values, dict[int, str]]:
        """The rows that can be read (T, F), and why the others cannot."""
        read = np.empty((len(rows.places), len(self.names)))
        wrong = dict[int, str]()
        for at, name in enumerate(self.names):
            read[:, at] = as_numbers(rows.cells[name])[0]
            for row in np.flatnonzero(~(np.abs(read[:, at]) <= LARGEST)).tolist():
                what, got = f"{name!r} of {rows.places[row]}", shown(rows.cells[name][row])
                wrong.setdefault(row, must(what, "a number", got))
        return (np.delete(read, list(wrong), axis=0) if wrong else read), wrong

    def judge(self, rows: AskedRows) -> list[Answer]:
        """As `Watcher.judge`."""
        values, wrong = self.values(rows)
        off = self.walk.off(_scaled(values, self.fitted))
        scores = self._of(off).tolist() if len(off) else []
        farthest = (np.abs(off) / self.scale).argmax(axis=1).tolist() if len(off) else []
        judged = iter(zip(scores, farthest, strict=True))
        answers: list[Answer] = []
        for row, place in enumerate(rows.places):
            if row in wrong:
                answers.append(Unread(place, wrong[row]))
                continue
            score, column = next(judged)
            alarm = score > self.line
            named = self.names[column] if alarm else ""
            answers.append(Flagged(place, alarm, score, self.line, column=named))
        return answers

    def state(self) -> dict[str, Tensor]:
        """The network's state, what it expects next, and the last scores where these are judged."""
        found = {f"state{n}": each.clone() for n, each in enumerate(self.walk.memory)}
        if self.walk.expected is not None:
            found["expected"] = torch.from_numpy(self.walk.expected.copy())
            found["seen"] = torch.tensor(self.walk.seen)
        if self.level is not None:
            found["recent"] = torch.tensor(list(self.level.recent), dtype=torch.float64)
        return found

    def go_on(self, state: Mapping[str, Tensor]) -> None:
        """As `Watcher.go_on`."""
        memory = tuple(state[name] for name in sorted(state) if name.startswith("state"))
        expected = state.get("expected")
        if expected is not None and expected.shape != self.scale.shape:
            got = f"the shape {tuple(expected.shape)}"
            raise InputError(must("expected of the state", f"({len(self.scale)},)", got))
        self.walk.memory, self.walk.seen = memory, int(state.get("seen", 0))
        self.walk.expected = None if expected is None else expected.double().numpy()
        if self.level is not None and "recent" in state:
            self.level = Level(self.level.window, state["recent"].tolist())


def _reason(watcher: _Watcher, values: Values, expected: Values, off: Values) -> Attribution:
    cells = zip(watcher.names, values.tolist(), expected.tolist(), strict=True)
    labels = tuple(f"{name}={is_:.4g} ({was:.4g} expected)" for name, is_, was in cells)
    shares = tuple(watcher.shares(off).tolist())
    method = "how far from what was expected"
    return Attribution(method, shares, labels, sum(shares), 0.0, 0, "anomaly")
