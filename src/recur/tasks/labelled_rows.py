"""Anomalies among rows that stand alone, learnt from labels: a row is read as a short sequence.

Neighbouring columns are a step, since tables put together what belongs together; a network
gives a score for "an anomaly", and one for each kind of these.

What counts is what comes later, and was never seen: a validation on kinds that were learnt from
promises 99.9%. So several networks stand side by side, and each leaves out some of the kinds,
between them every kind once. The epoch is chosen, and the threshold found, on how each judges the
kinds that it never learnt from; rows are judged by all together, which leave no kind out.

Letters: N rows, S steps, G columns of a step, K kinds of anomalies, M networks.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur import training
from recur.data.asked_rows import AskedRows
from recur.data.cells import Cells
from recur.data.records.connections import Connections
from recur.data.sequences import Sequences
from recur.data.splits import Splits
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, must, shown
from recur.models.ensemble import Ensemble
from recur.models.fronts.bags import NONE, Bags
from recur.models.many_to_one import ManyToOne
from recur.scoring import classes
from recur.scoring.forests import forest
from recur.scoring.thresholds import threshold
from recur.tasks.alarms import (
    AnomalyOptions,
    Flagged,
    Way,
    measured,
    threshold_of,
)
from recur.tasks.answers import Answer
from recur.tasks.leaving_out import (
    NONE_KNOWN,
    accuracy,
    alarm_loss,
    by_strangers,
    dealt,
    side_by_side,
    unseen_auc,
)
from recur.tasks.task import Evaluation, Fitted, Objective, Trained
from recur.tasks.watcher import Unread, Watcher

RARE = 1000.0
"""Rows of an anomaly below which each counts for more: sqrt(RARE / rows) times; fewer where there
are fewer usual rows."""
MOST_KINDS = 50
"""Kinds of anomalies that are told apart: the most frequent ones."""


@dataclasses.dataclass(frozen=True)
class LabelledFitted(Fitted):
    """The columns, and what rows are called.

    Attributes:
        columns: the tokens of each.
        usual: the label of usual rows.
        kinds: (K,) the kinds of anomalies that are told apart; none where there is but one.
        together: G; 0 in runs of before there were steps of several columns.
        left_out: (M,) the labels that each network leaves out; in older runs none.
    """

    columns: tuple[Cells, ...]
    usual: str
    kinds: tuple[str, ...]
    together: int
    left_out: tuple[tuple[str, ...], ...]

    @property
    def firsts(self) -> NDArray[np.int64]:
        """Where the tokens of each column begin, its unknown one first, and how many there are."""
        none = int(self.together > 0)  # token 0 fills up a step
        return none + np.cumsum([0, *map(len, self.columns)])

    def steps(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, columns) as (N, S, G), filled up with none; of old runs as it is."""
        if not self.together:
            return tokens
        more = -tokens.shape[1] % self.together
        filled = np.pad(tokens, ((0, 0), (0, more)), constant_values=NONE)
        return filled.reshape(len(tokens), -1, self.together)


class LabelledCalibration(TypedDict):
    """What is found on the validation part."""

    threshold: float


TrainedHere = Trained[AnomalyOptions, LabelledFitted]


class Labelled(Way[Connections, LabelledFitted]):
    """See the module."""

    def fit(self, splits: Splits[Connections], options: AnomalyOptions) -> LabelledFitted:
        """Fits the bins and the symbols of each column, and which kinds there are."""
        learnt = splits.train
        cells = tuple(Cells.of(name, c, options.bins) for name, c in learnt.columns.items())
        named = zip(learnt.kinds, learnt.anomalous.tolist(), strict=True)
        kinds = Counter(kind for kind, strange in named if strange)
        kept = sorted(kind for kind, _ in kinds.most_common(MOST_KINDS))
        several = tuple(kept if len(kinds) > 1 else ())
        left_out = dealt(learnt, options.members)
        return LabelledFitted(cells, learnt.usual, several, options.together, left_out)

    def encode(
        self, records: Connections, options: AnomalyOptions, fitted: LabelledFitted
    ) -> Sequences:
        """(N, S, G) tokens, and targets as `alarm_loss` has them.

        Anomalies of which there are few rows count more, so that they are learnt at all.
        """
        tokens = []
        for first, column in zip(fitted.firsts, fitted.columns, strict=False):
            if column.name not in records.columns:
                todo = "The run was trained on it."
                raise InputError(must("the rows", f"with {column.name!r}", "none such", todo))
            tokens.append(first + column.tokens(_as(records.columns[column.name], column)))
        x = fitted.steps(np.stack(tokens, axis=1))
        return Sequences(x, _targets(records, fitted) if records.labels else None)

    def model(self, options: AnomalyOptions, fitted: LabelledFitted) -> nn.Module:
        """Networks side by side: a vector for each step, recurrent layers over them, scores."""
        if not fitted.together:
            return self._member(options, fitted)
        return Ensemble(self._member(options, fitted) for _ in fitted.left_out)

    def _member(self, options: AnomalyOptions, fitted: LabelledFitted) -> nn.Module:
        read: dict[str, Any] = {"vocabulary": int(fitted.firsts[-1])}
        if fitted.together:
            unknown = torch.from_numpy(fitted.steps(fitted.firsts[None, :-1])[0])
            dropout = options.column_dropout
            front = Bags(
                read["vocabulary"], options.embedding, std=0.3, unknown=unknown, dropout=dropout
            )
            read = {"front": front, "embedding_dropout": 0.0}
        return ManyToOne(
            **read,
            embedding=options.embedding,
            embedding_std=0.1,
            outputs=1 + len(fitted.kinds),
            pooling=options.pooling,
            **options.recurrent(),
        )

    def objective(self, options: AnomalyOptions) -> Objective:
        """Cross-entropy of the alarm, and of anomalies that of their kind."""
        return Objective(alarm_loss, (accuracy, unseen_auc), monitor="val_unseen_auc")

    def calibrate(self, trained: TrainedHere, validation: Connections) -> LabelledCalibration:
        """Finds the threshold on anomalies that were never learnt from."""
        strange = validation.anomalous
        scores = _unseen(trained, validation)
        if strange.all() or not strange.any():
            return {"threshold": 0.5}
        share, weights = trained.options.false_alarms, weights_of(validation)
        return {"threshold": threshold(scores, strange, false_alarms=share, weights=weights)}

    def score(self, trained: TrainedHere, records: Connections) -> Evaluation:
        """Returns what the alarms are worth, and of several kinds what these are."""
        line, strange = threshold_of(trained), records.anomalous
        scores, kinds = _judged(trained, records)
        values = measured(scores, strange, line)
        if trained.preprocessing.kinds:
            said = np.where(scores > line, kinds, records.usual).tolist()
            values |= _of_kinds(said, records.kinds)
        return Evaluation(values, (), (scores, strange, line))

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Connections]], records: Connections
    ) -> dict[str, float]:
        """Returns what the alarms of a random forest are worth, which learns the same rows."""
        rows = learnt().train
        kinds, found = forest(rows.columns, rows.kinds, records.columns)
        scores = 1 - found[:, kinds.index(rows.usual)]
        values = measured(scores, records.anomalous, 0.5)
        if trained.preprocessing.kinds:
            said = [kinds[best] for best in found.argmax(axis=1)]
            values |= _of_kinds(said, records.kinds)
        return {f"forest_{name}": value for name, value in values.items()}

    def names(self, fitted: LabelledFitted) -> list[str]:
        """The columns that the network reads."""
        return [column.name for column in fitted.columns]

    def watcher(self, trained: TrainedHere) -> Watcher:
        """What judges rows, each by itself."""
        return _Watcher(trained)

    def explained(self, trained: TrainedHere, rows: AskedRows) -> list[Attribution]:
        """Says which columns mattered, by integrated gradients from a row of unknown cells."""
        records, wrong = read_rows(rows, trained.preprocessing)
        if wrong:
            raise InputError(next(iter(wrong.values())))
        examples = self.encode(records, trained.options, trained.preprocessing)
        return [
            _reason(trained, examples[row][0], records.shown(row)) for row in range(len(records))
        ]


def distinct(records: Connections, options: AnomalyOptions) -> Connections:
    """Each row once, of those that are alike in their bins, their symbols and their label.

    Traffic repeats itself: what is there a thousand times is learnt no better by that.
    """
    cells = [Cells.of(name, c, options.bins).tokens(c) for name, c in records.columns.items()]
    labels = np.unique(records.labels, return_inverse=True)[1]
    _, rows = np.unique(np.stack([*cells, labels], axis=1), axis=0, return_index=True)
    return records.take(np.sort(rows))


def weights_of(records: Connections) -> NDArray[np.float64]:
    """(N,) how much each row counts: 1, and more where there are few rows of an anomaly."""
    rows = Counter(records.labels)
    enough = min(RARE, rows[records.usual])
    each = {label: max(1.0, (enough / number) ** 0.5) for label, number in rows.items()}
    each[records.usual] = 1.0
    return np.array([each[label] for label in records.labels])


def _targets(records: Connections, fitted: LabelledFitted) -> NDArray[np.float32]:
    number = {kind: n for n, kind in enumerate(fitted.kinds)}
    kinds = [number.get(kind, NONE_KNOWN) for kind in records.kinds]
    strange = records.anomalous
    kinds_known = np.where(strange, kinds, NONE_KNOWN)
    rows = (strange, kinds_known, weights_of(records), _left_out(records, fitted))
    return np.stack(rows, axis=1).astype(np.float32)


def _left_out(records: Connections, fitted: LabelledFitted) -> NDArray[np.int64]:
    """(N,) the network that leaves each row out, -1 for none; a kind of later none has seen."""
    network = {label: n for n, labels in enumerate(fitted.left_out) for label in labels}
    return np.array([network.get(label, NONE_KNOWN) for label in records.labels], dtype=np.int64)


def _of_kinds(said: Sequence[str], meant: Sequence[str]) -> dict[str, float]:
    found = classes.single(said, meant)
    return {"kinds_accuracy": found["accuracy"], "kinds_macro_f1": found["macro_f1"]}


def _outputs(trained: TrainedHere, records: Connections) -> Tensor:
    """(N, M, 1 + K)."""
    asked = dataclasses.replace(records, labels=[])
    examples = Labelled().encode(asked, trained.options, trained.preprocessing)
    return side_by_side(training.predict(trained.model, examples)).double()


def _unseen(trained: TrainedHere, records: Connections) -> NDArray[np.float64]:
    """(N,) how likely each row is an anomaly, by who never learnt of its label."""
    out = torch.from_numpy(_left_out(records, trained.preprocessing))
    return by_strangers(_outputs(trained, records)[..., 0], out).sigmoid().numpy()


def _judged(
    trained: TrainedHere, records: Connections
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """(N,) how likely each row is an anomaly, and the likeliest kind of one, by all networks."""
    outputs = _outputs(trained, records).mean(dim=1)
    kinds = np.array(trained.preprocessing.kinds or ("",))
    best = outputs[:, 1:].argmax(dim=1).numpy() if outputs.shape[1] > 1 else [0] * len(outputs)
    return outputs[:, 0].sigmoid().numpy(), kinds[best]


class _Watcher(Watcher):
    def __init__(self, trained: TrainedHere) -> None:
        self.trained = trained
        self.names = Labelled().names(trained.preprocessing)

    def judge(self, rows: AskedRows) -> list[Answer]:
        """As `Watcher.judge`."""
        records, wrong = read_rows(rows, self.trained.preprocessing)
        judged = iter(self._flagged(records) if len(records) else ())
        return [
            Unread(place, wrong[row]) if row in wrong else next(judged)
            for row, place in enumerate(rows.places)
        ]

    def _flagged(self, records: Connections) -> Iterator[Flagged]:
        line, fitted = threshold_of(self.trained), self.trained.preprocessing
        scores, kinds = _judged(self.trained, records)
        for place, score, kind in zip(records.places, scores.tolist(), kinds.tolist(), strict=True):
            named = (kind if score > line else fitted.usual) if fitted.kinds else ""
            yield Flagged(place, score > line, score, line, named)


def read_rows(rows: AskedRows, fitted: LabelledFitted) -> tuple[Connections, dict[int, str]]:
    """Rows as the network reads them, without those that cannot be, and why these cannot."""
    columns, wrong = {}, dict[int, str]()
    for column in fitted.columns:
        cells = rows.cells[column.name]
        columns[column.name], bad = column.like(cells)
        for row in bad:
            what = f"{column.name!r} of {rows.places[row]}"
            wrong.setdefault(row, must(what, "a number", shown(cells[row])))
    found = Connections(columns, [], fitted.usual, list(rows.places))
    kept = [row for row in range(len(rows.places)) if row not in wrong]
    return (found.take(kept) if wrong else found), wrong


def _as(cells: NDArray[Any], column: Cells) -> NDArray[Any]:
    """Cells of other data as the column had them in training."""
    if (cells.dtype != object) == column.numbers:
        return cells
    found, wrong = column.like(cells.tolist())
    if wrong:
        what = f"{column.name!r} of row {wrong[0] + 1}"
        raise InputError(must(what, "a number", shown(cells[wrong[0]])))
    return found


class _ByColumn(nn.Module):
    """A network that is given the vectors (N, S * G, E) of the columns, for its alarm."""

    def __init__(self, network: nn.Module, together: int) -> None:
        super().__init__()
        self.network, self.together = network, together

    def forward(self, vectors: Tensor) -> Tensor:
        alone = vectors.view(len(vectors), -1, self.together, vectors.shape[-1])
        scores: Tensor = self.network(alone)
        return scores[:, :1]


def _reason(trained: TrainedHere, x: Tensor, labels: list[str]) -> Attribution:
    """The mean of what the columns added to the score of each network."""
    fitted, model = trained.preprocessing, trained.model
    if not fitted.together:
        return integrated_gradients(model, x, labels=labels, names=["anomaly"], output=0)
    assert isinstance(model, Ensemble)
    found = [_reason_of(member, x, len(labels), fitted.together) for member in model.members]
    values = np.mean([each.values for each in found], axis=0).tolist()
    score, nothing = (
        float(np.mean([getattr(each, name) for each in found])) for name in ("score", "baseline")
    )
    return dataclasses.replace(
        found[0], values=tuple(values), labels=tuple(labels), score=score, baseline=nothing
    )


def _reason_of(member: nn.Module, x: Tensor, columns: int, together: int) -> Attribution:
    front = member.front
    assert isinstance(front, Bags)
    unknown = front.get_buffer("unknown")
    with torch.no_grad():
        there = (x.flatten() != NONE).unsqueeze(1)
        row, nothing = (there * front.vectors(each.flatten()) for each in (x, unknown))
    model = _ByColumn(member, together)
    found = integrated_gradients(model, row, names=["anomaly"], output=0, baseline=nothing)
    return dataclasses.replace(found, values=found.values[:columns])
