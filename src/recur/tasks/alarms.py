"""What both ways of finding anomalies share: with labels to learn from, and without.

The options, the answer, and what a way has to know. `labelled_rows` and `unlabelled_rows` are the
two; `recur.tasks.anomaly` picks the one that the data ask for.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recur import plots
from recur.data.asked_rows import AskedRows
from recur.data.examples import Examples
from recur.data.records.observed import Observed
from recur.data.splits import Splits
from recur.diagnostics import Attribution
from recur.models.many_to_one import POOLINGS
from recur.scoring import anomalies, classes
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option
from recur.tasks.task import Evaluation, Fitted, Objective, Trained
from recur.tasks.watcher import Watcher

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODES = ("auto", "supervised", "unsupervised")
SCORES = ("roc_auc", "pr_auc", "f1", "precision", "recall", "false_alarms")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnomalyOptions(TableData):
    """Options of the task."""

    data: str = option("made-traffic", "a table, or a dataset: nsl-kdd, made-traffic, made-sensors")
    mode: str = option(
        "auto",
        "learn from labels, or from rows that follow one another without any (auto: from labels "
        "where the table has their column)",
        choices=MODES,
    )
    label: str = option("label", "the column that says what each row is", reads=True)
    normal: str = option(
        "", "what it says of a usual row (default: normal, benign, 0 and the like)", reads=True
    )
    ignored: str = option("", "columns that are not read, with commas between", reads=True)
    drop_bad: bool = option(False, "leave out rows with a cell that cannot be read", reads=True)
    false_alarms: float | None = option(
        None,
        "share of the usual rows of the validation part that may be alarms (default: with labels, "
        "where alarms tell the two kinds apart best; else 0.01)",
        above=0.0,
        below=1.0,
    )
    bins: int = option(8, "bins that the numbers of a column fall into (with labels)", least=2)
    together: int = option(
        4, "neighbouring columns that are read at one step (with labels)", least=1
    )
    embedding: int = option(32, "size of a step's vector (with labels)", least=1)
    pooling: str = option(
        "attention",
        "what is judged: the last output, the mean or the greatest of all steps, or their mean "
        "with learnt weights (with labels)",
        choices=POOLINGS,
    )
    column_dropout: float = option(
        0.3, "share of the cells hidden in training (with labels)", least=0.0, below=1.0
    )
    window: int = option(64, "rows that a training example has (without labels)", least=2)
    contamination: float | None = option(
        None,
        "share of the validation part that may be anomalies (without labels; default: those that "
        "stand out)",
        least=0.0,
        below=0.5,
    )
    adaptive: int | None = option(
        None,
        "judge a score beside the median of so many before it, for what drifts (without labels)",
        least=2,
    )
    members: int = option(
        4,
        "networks side by side, each of which leaves out some kinds of anomalies to be validated "
        "on them (with labels)",
        least=1,
        most=50,
    )
    cell: str = cell_option("gru")
    units: int = option(32, "hidden units in each layer and direction", least=1)
    dropout: float = option(
        0.3, "share of values dropped in training (with labels)", least=0.0, below=1.0
    )
    epochs: int = option(6, "passes over the training data", least=1)
    batch_size: int = option(128, "rows, or windows of them, in a batch", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnomalyAnswering(Answering):
    """How rows are judged."""

    drop_bad: bool = option(
        False, "say in its place what is wrong with a row that cannot be read, and judge the others"
    )


@dataclasses.dataclass(frozen=True)
class Flagged(Answer):
    """What a row is taken for.

    Attributes:
        row: what it is called.
        anomaly: whether its score is above the threshold.
        score: how strange it is: with labels how likely it is an anomaly, as the network has it;
            without, how many times as far from what was expected as is usual.
        threshold: see above.
        kind: of several kinds the likeliest, or what a usual row is called; else empty.
        column: the one that is farthest from what was expected; empty where rows stand alone.
    """

    row: str
    anomaly: bool
    score: float
    threshold: float
    kind: str = ""
    column: str = ""

    def __str__(self) -> str:
        said = f"{'ALARM' if self.anomaly else 'usual'}  {self.score:.4f}  {self.row}"
        return "  ".join(filter(None, (said, (self.kind or self.column) if self.anomaly else "")))

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON, without what is empty."""
        return {name: value for name, value in vars(self).items() if value != ""}


R = TypeVar("R", bound=Observed)
F = TypeVar("F", bound=Fitted)


class Way(abc.ABC, Generic[R, F]):
    """A way of finding anomalies: what `recur.tasks.task.Task` asks for, where the two differ."""

    @abc.abstractmethod
    def fit(self, splits: Splits[R], options: AnomalyOptions) -> F:
        """As `Task.fit`."""

    @abc.abstractmethod
    def encode(self, records: R, options: AnomalyOptions, fitted: F) -> Examples:
        """As `Task.encode`."""

    @abc.abstractmethod
    def model(self, options: AnomalyOptions, fitted: F) -> nn.Module:
        """As `Task.model`."""

    @abc.abstractmethod
    def objective(self, options: AnomalyOptions) -> Objective:
        """As `Task.objective`."""

    @abc.abstractmethod
    def calibrate(self, trained: Trained[AnomalyOptions, F], validation: R) -> Any:
        """As `Task.calibrate`."""

    @abc.abstractmethod
    def score(self, trained: Trained[AnomalyOptions, F], records: R) -> Evaluation:
        """As `Task.score`."""

    @abc.abstractmethod
    def beside(
        self, trained: Trained[AnomalyOptions, F], learnt: Callable[[], Splits[R]], records: R
    ) -> dict[str, float]:
        """As `Task.beside`."""

    @abc.abstractmethod
    def names(self, fitted: F) -> list[str]:
        """The columns that the network reads."""

    @abc.abstractmethod
    def watcher(self, trained: Trained[AnomalyOptions, F]) -> Watcher:
        """What judges rows; `predict` asks a fresh one."""

    @abc.abstractmethod
    def explained(self, trained: Trained[AnomalyOptions, F], rows: AskedRows) -> list[Attribution]:
        """As `Task.explained`."""


def measured(
    scores: NDArray[np.float64], strange: NDArray[np.bool_], line: float
) -> dict[str, float]:
    """The accuracy and macro F1 of alarms above a line, and what scores are worth at all lines."""
    said, meant = (
        ["anomaly" if each else "usual" for each in flags] for flags in (scores > line, strange)
    )
    single = classes.single(said, meant)
    found = anomalies.detection(scores, strange, threshold=line)
    kept = {name: found[name] for name in SCORES}
    return {"accuracy": single["accuracy"], "macro_f1": single["macro_f1"], **kept}


def threshold_of(trained: Trained[Any, Any]) -> float:
    """Above it a score is an alarm."""
    return float((trained.calibration or {}).get("threshold", 0.5))


def lines(
    scores: Mapping[str, float], titles: Sequence[tuple[str, str]], names: Sequence[str]
) -> Iterator[str]:
    """A table: a line for each title, whose scores begin with a prefix."""
    yield f"{'test':<18}" + "".join(f"{name:>16}" for name in names)
    for title, prefix in titles:
        row = [scores.get(prefix + name) for name in names]
        if any(value is not None for value in row):
            cells = ("-" if value is None else f"{value:.4f}" for value in row)
            yield f"{title:<18}" + "".join(f"{cell:>16}" for cell in cells)


def figures(trained: Trained[Any, Any], answers: Sequence[Answer]) -> Iterator[tuple[str, Figure]]:
    """Draws the scores of rows with the threshold."""
    scores = [each.score for each in answers if isinstance(each, Flagged)]
    if scores:
        yield "alarms", plots.alarms(scores, threshold_of(trained))
