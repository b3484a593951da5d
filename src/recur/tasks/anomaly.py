"""Anomaly: is a row of a table, such as a connection in a network, an attack? Many-to-one.

A row is a short sequence: its columns are the steps. Numbers become bins, and
symbols what they are, so that every cell is a token of its column; the network reads them as words
of a sentence, and a score judges the whole. A value beyond all that was seen falls into the last
bin, and a symbol that was never seen is "unknown": neither leads out of what was learnt.

It is validated on kinds of anomalies that it never learnt from, and the threshold is found on them:
a validation of chance promises 99.9% and takes the network that knows the old attacks by heart.

Own data are a table with a column that says what each row is:

    protocol,service,bytes,failed_logins,label
    tcp,http,2310,0,normal
    udp,dns,64,0,normal
    tcp,ssh,950,4,guess
    tcp,http,2118,0,normal
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recur import plots, schema, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.frames import library_of
from recur.data.records.connections import Connections, latest, read_connections, unseen
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits
from recur.data.tables import Table, parse_table, read_table
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import FailedError, InputError, brief, must, shown
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.scoring import anomalies, classes
from recur.scoring.thresholds import forest, threshold
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained, content_of
from recur.tasks.tiny import Tiny

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SYMBOLS = 1000
"""Symbols of a column that are known: the most frequent ones."""
MOST_LETTERS = 60
"""Of a row that is called by its cells."""
ROW = "(row)"
"""In an object: what the row is called, where it came from a table."""
UNKNOWN = 0
"""The token of a column for what is missing, or no symbol that is known."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnomalyOptions(TableData):
    """Options of the task."""

    data: str = option("made-traffic", "a table, or the name of a dataset (nsl-kdd)")
    label: str = option("label", "the column that says what each row is", reads=True)
    normal: str = option(
        "", "what it says of a usual row (default: normal, benign, 0 and the like)", reads=True
    )
    ignored: str = option("", "columns that are not read, with commas between", reads=True)
    false_alarms: float | None = option(
        None,
        "share of the usual rows of the validation part that may be alarms (default: where "
        "alarms tell the two kinds apart best)",
        above=0.0,
        below=1.0,
    )
    bins: int = option(16, "bins that the numbers of a column fall into", least=2)
    embedding: int = option(16, "size of a cell's vector", least=1)
    pooling: str = option(
        "attention",
        "what is judged: the last output, the mean or the greatest of all columns, or their mean "
        "with learnt weights",
        choices=POOLINGS,
    )
    cell: str = cell_option("gru")
    dropout: float = option(
        0.3,
        "share of cells, and of values that are judged, dropped in training",
        least=0.0,
        below=1.0,
    )
    epochs: int = option(5, "passes over the training data", least=1)
    batch_size: int = option(128, "rows in a batch", least=1)
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")


@dataclasses.dataclass(frozen=True)
class Cells:
    """The tokens of a column: 0 for unknown, then its bins or its symbols.

    Attributes:
        name: of the column.
        edges: where bins of numbers begin, in order; of symbols none.
        symbols: the symbols; of numbers none.
        numbers: whether the column has numbers.
    """

    name: str
    edges: tuple[float, ...]
    symbols: tuple[str, ...]
    numbers: bool

    @classmethod
    def of(cls, name: str, cells: NDArray[Any], bins: int) -> Cells:
        """Fits it to the cells of the training rows."""
        if cells.dtype == object:
            symbols, counts = np.unique(cells.astype(str), return_counts=True)
            kept = symbols[np.argsort(-counts, kind="stable")[:MOST_SYMBOLS]]
            return cls(name, (), tuple(sorted(kept.tolist())), False)
        return cls(name, tuple(_edges(cells[~np.isnan(cells)], bins).tolist()), (), True)

    def __len__(self) -> int:
        return 1 + (len(self.edges) + 1 if self.numbers else len(self.symbols))

    def tokens(self, cells: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) the token of each cell."""
        if self.numbers:
            bins = 1 + np.searchsorted(np.array(self.edges), cells, side="right")
            return np.where(np.isnan(cells), UNKNOWN, bins).astype(np.int64)
        number = {symbol: n for n, symbol in enumerate(self.symbols, start=1)}
        return np.array([number.get(str(cell), UNKNOWN) for cell in cells], dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class AnomalyPreprocessing(Fitted):
    """The columns, and what a usual row is called.

    Attributes:
        columns: the tokens of each.
        usual: the label of usual rows.
    """

    columns: tuple[Cells, ...]
    usual: str

    @property
    def vocabulary(self) -> int:
        """How many tokens there are, of all columns."""
        return sum(map(len, self.columns))


@dataclasses.dataclass(frozen=True)
class Flagged(Answer):
    """What a row is taken for.

    Attributes:
        row: what it is called.
        anomaly: whether its score is above the threshold.
        score: how likely it is an anomaly, as the network has it.
        threshold: see above.
    """

    row: str
    anomaly: bool
    score: float
    threshold: float

    def __str__(self) -> str:
        return f"{'ALARM' if self.anomaly else 'usual'}  {self.score:.4f}  {self.row}"


TrainedHere = Trained[AnomalyOptions, AnomalyPreprocessing]


class _Calibration(TypedDict):
    threshold: float


class Anomaly(Task[AnomalyOptions, Connections, AnomalyPreprocessing, Answering]):
    """The task."""

    name = "anomaly"
    kind = "many-to-one"
    summary = "which rows of a table, such as connections in a network, are attacks"
    takes = "rows of a table"
    gives = "whether each is usual or an attack"
    data = "made-traffic"
    metric = "accuracy"
    sample = (
        "traffic.csv",
        "seconds,service,bytes,label\n"
        "0.2,http,1811,normal\n"
        "0.0,http,0,flood\n"
        "4.1,ssh,912,normal\n"
        "0.0,http,0,flood\n",
    )
    inputs = "rows: a table, or a JSON object with a value for each column"
    options = AnomalyOptions
    preprocessing = AnomalyPreprocessing
    records = Connections
    answering = Answering
    parting = Parting(latest, unseen, mixes=True)

    def open(
        self, source: Any, options: AnomalyOptions, fitted: AnomalyPreprocessing | None = None
    ) -> Splits[Connections]:
        """Reads rows with labels from a table."""
        return read_connections(
            source,
            label=options.label,
            usual=options.normal or (fitted.usual if fitted else ""),
            ignored=[each.strip() for each in options.ignored.split(",") if each.strip()],
            delimiter=options.delimiter,
            encoding=options.encoding,
        )

    def fit(self, splits: Splits[Connections], options: AnomalyOptions) -> AnomalyPreprocessing:
        """Fits the bins and the symbols of each column."""
        columns = splits.train.columns.items()
        cells = tuple(Cells.of(name, values, options.bins) for name, values in columns)
        return AnomalyPreprocessing(cells, splits.train.usual)

    def encode(
        self, records: Connections, options: AnomalyOptions, fitted: AnomalyPreprocessing
    ) -> Sequences:
        """(N, columns) tokens, and 1 for anomalies."""
        first, found = 0, []
        for column in fitted.columns:
            if column.name not in records.columns:
                todo = "The run was trained on it."
                raise InputError(must("the rows", f"with {column.name!r}", "none such", todo))
            found.append(first + column.tokens(_as(records.columns[column.name], column)))
            first += len(column)
        targets = records.anomalous.astype(np.int64) if records.labels else None
        return Sequences(np.stack(found, axis=1), targets)

    def model(self, options: AnomalyOptions, fitted: AnomalyPreprocessing) -> nn.Module:
        """A vector for each cell, recurrent layers over the columns, and one score."""
        return ManyToOne(
            vocabulary=fitted.vocabulary,
            embedding=options.embedding,
            embedding_std=0.1,
            outputs=1,
            pooling=options.pooling,
            **options.recurrent(),
        )

    def objective(self, options: AnomalyOptions, fitted: AnomalyPreprocessing) -> Objective:
        """Binary cross-entropy."""
        return Objective("binary_crossentropy_with_logits", ("accuracy",))

    def recipe(self, options: AnomalyOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def calibrate(self, trained: TrainedHere, validation: Connections) -> dict[str, float]:
        """Finds the threshold on kinds of anomalies that were never learnt from."""
        scores, strange = self._scores(trained, validation), validation.anomalous
        if strange.all() or not strange.any():
            return {"threshold": 0.5}
        found = threshold(scores, strange, false_alarms=trained.options.false_alarms)
        return {"threshold": found}

    def calibrated(self, stored: Any, fitted: AnomalyPreprocessing) -> _Calibration:
        """A threshold."""
        return schema.read(_Calibration, stored, "it")

    def score(
        self, trained: TrainedHere, records: Connections, examples: Examples | Documents
    ) -> Evaluation:
        """Returns what the alarms are worth, beside those of a random forest."""
        scores, line = self._scores(trained, records), _threshold(trained)
        strange = records.anomalous
        values = _measured(scores, strange, line)
        notes: tuple[str, ...] = ()
        try:
            learnt = self.read(trained.options).train
            beside = forest(learnt.columns, learnt.anomalous, records.columns)
            found = _measured(beside, strange, 0.5)
            values |= {f"forest_{name}": value for name, value in found.items()}
        except (InputError, FailedError, KeyError):
            notes = ("Without a random forest beside: what it would learn from is not here.",)
        return Evaluation(values, notes, (scores, strange, line))

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a table."""
        names = ("accuracy", "macro_f1", "roc_auc", "pr_auc", "recall", "false_alarms")
        lines = [f"{'test':<16}" + "".join(f"{name:>14}" for name in names)]
        for title, prefix in (("this network", ""), ("a random forest", "forest_")):
            row = [scores.get(prefix + name) for name in names]
            cells = "".join("" if value is None else f"{value:>14.4f}" for value in row)
            lines += [f"{title:<16}{cells}"] if cells else []
        return "\n".join(lines)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Connections:
        """Rows to judge: tables, or objects."""
        if not len(inputs):
            raise InputError(f"anomaly needs {self.inputs}.")
        names = [column.name for column in trained.preprocessing.columns]
        found: dict[str, list[Any]] = {name: [] for name in names}
        places: list[str] = []
        for number, given in enumerate(inputs, start=1):
            if isinstance(given, Mapping) or str(given).lstrip().startswith("{"):
                row = _object(given)
                for name in names:
                    if name not in row:
                        raise InputError(must(f"row {number}", f"with {name!r}", shown(row)))
                    found[name].append(row[name])
                told = brief(", ".join(str(row[name]) for name in names), MOST_LETTERS)
                places.append(str(row.get(ROW, told)))
                continue
            table = _table(given, trained.options)
            for name in names:
                found[name] += table.values(name)
            places += [f"row {row}" for row in table.rows]
        columns = {name: np.array(cells, dtype=object) for name, cells in found.items()}
        return Connections(columns, [], trained.preprocessing.usual, places)

    def answer(self, trained: TrainedHere, records: Connections, how: Answering) -> list[Answer]:
        """Judges rows."""
        line = _threshold(trained)
        scores = self._scores(trained, records).tolist()
        rows = zip(records.places, scores, strict=True)
        return [Flagged(place, score > line, score, line) for place, score in rows]

    def explained(self, trained: TrainedHere, records: Connections) -> list[Attribution]:
        """Says which columns mattered, by integrated gradients."""
        examples = self.encode(records, trained.options, trained.preprocessing)
        found = []
        for row in range(len(records)):
            x, _ = examples[row]
            labels = records.shown(row)
            found.append(
                integrated_gradients(trained.model, x, labels=labels, names=["anomaly"], output=0)
            )
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the scores of rows with the threshold."""
        scores = [each.score for each in answers if isinstance(each, Flagged)]
        yield "alarms", plots.alarms(scores, _threshold(trained))

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the scores of usual rows and of anomalies."""
        scores, strange, line = evaluation.detail
        yield "separation", plots.separation(scores, strange, line)

    def inputs_of(self, file: str) -> list[str]:
        """The rows of a table, each as a JSON object; "-" is a table on standard input."""
        table = parse_table(content_of(file), "standard input") if file == "-" else None
        table = table or read_table(file)
        cells = {name: table.values(name) for name in table.header}
        rows = range(len(table))
        return [
            json.dumps(
                {ROW: f"row {table.rows[row]}", **{name: each[row] for name, each in cells.items()}}
            )
            for row in rows
        ]

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data: connections of two services, with two kinds of attacks."""
        from recur import files

        rng = np.random.default_rng(0)
        rows = []
        for number in range(60):
            kind = ("normal", "flood", "normal", "guess")[number % 4]
            size = int(rng.integers(100, 200)) if kind != "flood" else 0
            tries = int(kind == "guess") * 3
            rows.append((("http", "ssh")[int(kind == "guess")], size, tries, kind))
        path = folder / "rows.csv"
        files.write_csv(path, ("service", "bytes", "tries", "label"), rows)
        usual, strange = (
            json.dumps({"service": service, "bytes": size, "tries": tries})
            for service, size, tries in (("http", 150, 0), ("ssh", 0, 3))
        )
        return Tiny({"data": str(path)}, (usual, strange))

    def _scores(self, trained: TrainedHere, records: Connections) -> NDArray[np.float64]:
        """(N,) how likely each row is an anomaly."""
        asked = dataclasses.replace(records, labels=[])
        examples = self.encode(asked, trained.options, trained.preprocessing)
        found = training.predict(trained.model, examples)[:, 0].double().sigmoid()
        return found.numpy()


def _edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Where bins begin: of few different values each has one.

    Else half of the edges are quantiles of the rows, and half of the different values: those that
    tell are rare, and far from the others.
    """
    values = np.unique(known)
    if len(values) <= bins:
        return values[1:]
    first, second = ((bins - 1) // 2, (bins - 1) - (bins - 1) // 2)
    of_rows = np.quantile(known, np.linspace(0, 1, first + 2)[1:-1], method="higher")
    of_values = np.quantile(values, np.linspace(0, 1, second + 2)[1:-1], method="higher")
    return np.unique(np.concatenate([of_rows, of_values]))


def _threshold(trained: TrainedHere) -> float:
    return float((trained.calibration or {}).get("threshold", 0.5))


def _measured(
    scores: NDArray[np.float64], strange: NDArray[np.bool_], line: float
) -> dict[str, float]:
    said, meant = (
        ["anomaly" if each else "usual" for each in flags] for flags in (scores > line, strange)
    )
    single = classes.single(said, meant)
    found = anomalies.detection(scores, strange, threshold=line)
    names = ("roc_auc", "pr_auc", "f1", "precision", "recall", "false_alarms")
    kept = {name: found[name] for name in names}
    return {"accuracy": single["accuracy"], "macro_f1": single["macro_f1"], **kept}


def _as(cells: NDArray[Any], column: Cells) -> NDArray[Any]:
    """Cells as the column had them in training: numbers, or symbols."""
    if cells.dtype != object:
        return cells if column.numbers else np.array([f"{cell:g}" for cell in cells], object)
    if not column.numbers:
        return cells
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        try:
            found[row] = float(cell)
        except (TypeError, ValueError) as error:
            what = f"{column.name!r} of row {row + 1}"
            raise InputError(must(what, "a number", shown(cell))) from error
    return found


def _object(given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    try:
        found = json.loads(given)
    except ValueError as error:
        raise InputError(must("a row", "a JSON object", shown(given))) from error
    assert isinstance(found, dict)
    return found


def _table(given: Any, options: AnomalyOptions) -> Table:
    if not (isinstance(given, str | Path) or library_of(given)):
        raise InputError(must("rows", "a table, or an object for each", shown(given)))
    return read_table(given, delimiter=options.delimiter, encoding=options.encoding)
