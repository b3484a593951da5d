"""Anomaly: which rows of a table, such as connections in a network, are out of the usual?

Two ways, of which the data decide. Where a column says what each row is, it is learnt from
(`labelled_rows`), and validated on kinds of anomalies that were never learnt from: a validation of
chance promises 99.9% and takes the network that knows the old attacks by heart. Where none does,
rows follow one another, and what was not expected is one (`unlabelled_rows`).

Own data are a table, with or without a column of labels:

    protocol,service,bytes,failed_logins,label        time,pressure,temperature,current
    tcp,http,2310,0,normal                            08:00,2.31,71.2,0.41
    udp,dns,64,0,normal                               08:01,2.29,71.3,0.40
    tcp,ssh,950,4,guess                               08:02,2.30,71.3,0.43
    tcp,http,2118,0,normal                            08:03,4.95,71.6,0.92
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from recur import files, plots, schema
from recur.data.asked_rows import AskedRows, asked_rows
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.connections import (
    Connections,
    connections,
    latest,
    of_every_label,
    usual_of,
    what_of,
)
from recur.data.records.observed import Observed
from recur.data.records.readings import Readings, readings
from recur.data.splits import Parting, Splits, at_the_end
from recur.data.tables import NoColumnError, Table, no_column, parse_table, read_table
from recur.diagnostics import Attribution
from recur.messages import InputError
from recur.scoring.events import runs
from recur.tasks.alarms import (
    AnomalyAnswering,
    AnomalyOptions,
    Way,
    figures,
    lines,
)
from recur.tasks.answers import Answer
from recur.tasks.labelled_rows import Labelled, LabelledCalibration, LabelledFitted, distinct
from recur.tasks.task import Evaluation, Objective, Task, Trained, content_of
from recur.tasks.tiny import Tiny
from recur.tasks.unlabelled_rows import Unlabelled, UnlabelledCalibration, UnlabelledFitted
from recur.tasks.watcher import Unread, Watcher

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELLED: Way[Any, Any] = Labelled()
UNLABELLED: Way[Any, Any] = Unlabelled()
BESIDE = (
    ("this network", ""),
    ("a random forest", "forest_"),
    ("last row's value", "naive_"),
)


class AnomalyPreprocessing:
    """That of the way by which a run was trained; see the two."""

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> LabelledFitted | UnlabelledFitted:
        """Builds it again."""
        if "scaler" in stored or "names" in stored:
            return UnlabelledFitted.from_json(stored)
        if stored.keys() == {"columns", "usual"}:  # of before there were kinds
            stored = {**stored, "kinds": [], "together": 0, "left_out": []}
        return LabelledFitted.from_json(stored)


class Anomaly(Task[AnomalyOptions, Observed, Any, AnomalyAnswering]):
    """The task."""

    name = "anomaly"
    kind = "many-to-one"
    summary = "which rows of a table are attacks, or out of the usual; also as they come"
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
    records = Observed
    answering = AnomalyAnswering
    parting: Parting[Any] = Parting(latest, of_every_label, validation_share=0.1, mixes=True)

    def open(self, source: Any, options: AnomalyOptions, fitted: Any = None) -> Splits[Observed]:
        """Reads rows from a table, with labels where it has any."""
        table = read_table(source, delimiter=options.delimiter, encoding=options.encoding)
        found: Splits[Any] = _read(table, options, fitted)
        return found

    def rules(self, splits: Splits[Observed], options: AnomalyOptions) -> Parting[Any]:
        """Rows that follow one another are cut by time."""
        return Parting(at_the_end, at_the_end) if _in_time(splits.train) else self.parting

    def read(self, options: AnomalyOptions, source: Any = None) -> Splits[Observed]:
        """Reads the rows; what the mode asks for has to be there."""
        found = super().read(options, source)
        wanted = {"supervised": Connections, "unsupervised": Readings}.get(options.mode)
        if wanted is not None and not isinstance(found.train, wanted):
            other = "unsupervised" if wanted is Connections else "supervised"
            raise InputError(f"{found.about} is for mode {other}. Leave mode out.")
        return found

    def augmented(self, learnt: Observed, options: AnomalyOptions) -> Observed:
        """The training part; of rows that stand alone each once, as the bins see them."""
        return distinct(learnt, options) if isinstance(learnt, Connections) else learnt

    def fit(self, splits: Splits[Observed], options: AnomalyOptions) -> Any:
        """Fits the columns."""
        return (UNLABELLED if _in_time(splits.train) else LABELLED).fit(splits, options)

    def encode(self, records: Observed, options: AnomalyOptions, fitted: Any) -> Examples:
        """Rows as short sequences of columns, or windows of rows."""
        return _way(fitted).encode(records, options, fitted)

    def model(self, options: AnomalyOptions, fitted: Any) -> nn.Module:
        """Builds the network."""
        return _way(fitted).model(options, fitted)

    def objective(self, options: AnomalyOptions, fitted: Any) -> Objective:
        """Cross-entropy of what rows are, or how far the next row is from its forecast."""
        return _way(fitted).objective(options)

    def recipe(self, options: AnomalyOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def calibrate(self, trained: Trained[AnomalyOptions, Any], validation: Observed) -> Any:
        """Finds the threshold."""
        return _way(trained.preprocessing).calibrate(trained, validation)

    def calibrated(self, stored: Any, fitted: Any) -> Any:
        """A threshold, and what it needs."""
        labelled = _way(fitted) is LABELLED
        if labelled:
            return schema.read(LabelledCalibration, stored, "it")
        found = schema.read(UnlabelledCalibration, stored, "it")
        if len(found["scale"]) != len(fitted.names) or min(found["scale"]) <= 0:
            raise InputError("scale must be a number above 0 for each column.")
        return found

    def score(
        self,
        trained: Trained[AnomalyOptions, Any],
        records: Observed,
        examples: Examples | Documents,
    ) -> Evaluation:
        """Returns what the alarms are worth."""
        return _way(trained.preprocessing).score(trained, records)

    def beside(
        self,
        trained: Trained[AnomalyOptions, Any],
        learnt: Callable[[], Splits[Observed]],
        records: Observed,
    ) -> dict[str, float]:
        """Returns what those of methods without a network are worth."""
        return _way(trained.preprocessing).beside(trained, learnt, records)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in tables."""
        first = ("accuracy", "macro_f1", "roc_auc", "pr_auc", "recall", "false_alarms")
        found = list(lines(scores, BESIDE, [name for name in first if name in scores]))
        for more in (
            ("kinds_accuracy", "kinds_macro_f1"),
            ("vus_pr", "event_f1", "event_recall", "alarm_precision", "alarms"),
        ):
            names = [name for name in more if name in scores]
            if names:
                found += ["", *lines(scores, BESIDE, names)]
        return "\n".join(found if "accuracy" in scores else found[2:])

    def asked(self, trained: Trained[AnomalyOptions, Any], inputs: Sequence[Any]) -> Any:
        """Rows to judge: tables, or objects."""
        if not len(inputs):
            raise InputError(f"anomaly needs {self.inputs}.")
        fitted, options = trained.preprocessing, trained.options
        names = _way(fitted).names(fitted)
        return asked_rows(inputs, names, delimiter=options.delimiter, encoding=options.encoding)

    def answer(
        self, trained: Trained[AnomalyOptions, Any], records: Any, how: AnomalyAnswering
    ) -> list[Answer]:
        """Judges rows."""
        assert isinstance(records, AskedRows)
        found = self.watcher(trained).judge(records)
        bad = [each for each in found if isinstance(each, Unread)]
        if bad and not how.drop_bad:
            more = f" So are {len(bad) - 1:,} more rows." if len(bad) > 1 else ""
            todo = "Mend it, or judge the other rows (drop bad)."
            raise InputError(f"{bad[0].error} {todo}{more}")
        return found

    def watcher(self, trained: Trained[AnomalyOptions, Any]) -> Watcher:
        """What judges rows as they come."""
        return _way(trained.preprocessing).watcher(trained)

    def explained(
        self, trained: Trained[AnomalyOptions, Any], records: Any, how: AnomalyAnswering
    ) -> list[Attribution]:
        """Says which columns mattered."""
        return _way(trained.preprocessing).explained(trained, records)

    def figures(
        self, trained: Trained[AnomalyOptions, Any], answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the scores of rows with the threshold."""
        yield from figures(trained, answers)

    def evaluation_figures(
        self, trained: Trained[AnomalyOptions, Any], evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the scores: of usual rows and of anomalies, or in the order of time."""
        scores, strange, line = evaluation.detail
        if strange is not None:
            yield "separation", plots.separation(scores, strange, line)
        if not isinstance(trained.preprocessing, LabelledFitted):
            yield (
                "alarms",
                plots.alarms(scores, line, events=() if strange is None else runs(strange)),
            )

    def inputs_of(self, file: str, options: AnomalyOptions | None = None) -> list[str]:
        """The file itself: it is a table. "-" is a table or JSON lines on standard input."""
        if file != "-":
            return [file]
        text = content_of(file)
        if text.lstrip().startswith("{"):
            return [line for line in text.splitlines() if line.strip()]
        table = parse_table(text, "standard input")
        cells = {name: table.values(name) for name in table.header}
        return [
            json.dumps({name: each[row] for name, each in cells.items()})
            for row in range(len(table))
        ]

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data: connections of two services, with two kinds of attacks."""
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


def _way(fitted: Any) -> Way[Any, Any]:
    return LABELLED if isinstance(fitted, LabelledFitted) else UNLABELLED


def _in_time(records: Observed) -> bool:
    return isinstance(records, Readings)


def _read(table: Table, options: AnomalyOptions, fitted: Any) -> Splits[Any]:
    """Rows as the mode, the run or the table itself asks for."""
    labelled = options.label in table.columns
    ignored = [each.strip() for each in options.ignored.split(",") if each.strip()]
    supervised = {"supervised": True, "unsupervised": False}.get(options.mode, labelled)
    if fitted is not None:
        supervised = isinstance(fitted, LabelledFitted)
    default = AnomalyOptions.__dataclass_fields__["label"].default
    if not labelled and (supervised or options.label != default):
        raise NoColumnError(no_column(table.name, options.label, table.header))
    if supervised:
        usual = options.normal or (fitted.usual if fitted else "")
        return connections(
            table, options.label, usual=usual, ignored=ignored, drop_bad=options.drop_bad
        )
    strange = None
    if labelled:
        said = table.cells(options.label)
        usual = usual_of(options.normal, said, what_of(table, options.label))
        strange = np.array([each != usual for each in said])
    known = fitted.names if fitted is not None else ()
    without = [*ignored, options.label]
    found = readings(
        table, anomalous=strange, without=without, columns=known, drop_bad=options.drop_bad
    )
    if labelled or fitted is not None:
        return found
    note = "Learnt without labels. If a column says what each row is, name it (label)."
    return found.noted(note)
