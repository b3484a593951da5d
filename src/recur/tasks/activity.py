"""Activity: what was done in a recording of sensors? Many-to-one over several channels.

Convolutions over time, recurrent layers over what they give, and one answer from all steps
together. Where it is known who was recorded, whole subjects are held out: a network that knows a
person by heart says nothing about the next one.

Own data are a folder for each class with a table for each recording (FOLDER/walking/anna-1.csv), a
.ts file of the UEA archive, or one table of all recordings:

    recording,subject,label,x,y,z
    1,anna,walking,0.02,-0.11,1.01
    1,anna,walking,0.05,-0.14,0.98
    2,ben,running,1.92,-3.20,4.11
    2,ben,running,2.43,-1.07,0.32
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.labels import numbered, ordered
from recur.data.records.recording_files import asked, read_recordings
from recur.data.records.recordings import MISSING, How, Recordings, apart
from recur.data.scaling import Scaler
from recur.data.splits import Parting, Splits
from recur.data.variations import Variations
from recur.diagnostics import Attribution, beliefs, integrated_gradients
from recur.messages import InputError, must
from recur.models.fronts import Strided
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.scoring.classes import Confusion, single
from recur.scoring.linear import LinearSummary
from recur.scoring.warping import NearestByWarping
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, movements

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 12
"""Recordings of answers that are drawn at most."""
MOMENTS = 40
"""Of a recording, at which it is asked what is believed."""
BESIDE = {"linear_": "a linear model of mean and deviation", "nearest_": "the nearest by warping"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActivityOptions(TableData):
    """Options of the task."""

    data: str = option(
        "shoulder-exercises",
        "a folder with a folder for each class, a table, a .ts file, or the name of a dataset",
    )
    label: str = option("label", "the column of the classes, in a table", reads=True)
    recording: str = option(
        "recording", "the column that says which recording a row is of", reads=True
    )
    subject: str = option("subject", "the column of who was recorded, in a table", reads=True)
    ignored: str = option("", "columns that are no channels, with commas between", reads=True)
    missing: str = option(
        "refuse",
        "what becomes of a missing value: an error, or filled up from its neighbours",
        choices=MISSING,
        reads=True,
    )
    drop_bad: bool = option(False, "leave out recordings that cannot be read", reads=True)
    filters: int = option(32, "of the convolution over time; 0 for none", least=0)
    stride: int = option(2, "steps that become one in it", least=1)
    # Chosen by cross-validation on the training part of BasicMotions; docs/log.md has the rest.
    pooling: str = option(
        "mean",
        "what is judged: the last output, the mean or the greatest of all steps, or their mean "
        "with learnt weights",
        choices=POOLINGS,
    )
    scale: float = option(
        0.2, "in training, each channel up to this share greater or smaller", least=0.0, below=1.0
    )
    noise: float = option(0.1, "in training, noise of this many deviations", least=0.0)
    warp: float = option(
        0.2, "in training, up to this share faster or slower", least=0.0, below=1.0
    )
    crop: float = option(
        0.2, "in training, up to this share cut off at the ends", least=0.0, below=1.0
    )
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each recording in both directions")
    units: int = option(64, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.3, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(40, "passes over the training data", least=1)
    batch_size: int = option(16, "recordings in a batch", least=1)
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

    @property
    def how(self) -> How:
        """How recordings are read."""
        ignored = tuple(name.strip() for name in self.ignored.split(",") if name.strip())
        return How(
            self.label,
            self.recording,
            self.subject,
            ignored,
            self.missing,
            self.drop_bad,
            self.delimiter,
            self.encoding,
        )

    @property
    def variations(self) -> Variations:
        """What chance makes of a recording."""
        return Variations(self.scale, self.noise, self.warp, self.crop)


@dataclasses.dataclass(frozen=True, eq=False)
class ActivityPreprocessing(Fitted):
    """What was learnt before the model.

    Attributes:
        classes: the classes.
        channels: the names of the channels.
        scaler: brings each to mean 0 and deviation 1 over all steps of the training part.
    """

    classes: tuple[str, ...]
    channels: tuple[str, ...]
    scaler: Scaler

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(must("classes", "two at least", len(self.classes)))
        if len(self.channels) != len(self.scaler.mean):
            expected = f"of {len(self.channels)} channels"
            raise InputError(must("the scaling", expected, len(self.scaler.mean)))


@dataclasses.dataclass(frozen=True, eq=False)
class Recognised(Answer):
    """What was done in a recording.

    Attributes:
        recording: its name.
        label: the most probable class.
        probability: of it.
        values: (T, F), as they were read.
    """

    recording: str
    label: str
    probability: float
    values: NDArray[np.float64] = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.label}  {self.probability:.4f}  {self.recording}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON, without the values."""
        return {
            "recording": self.recording,
            "label": self.label,
            "probability": self.probability,
        }


TrainedHere = Trained[ActivityOptions, ActivityPreprocessing]


class Activity(Task[ActivityOptions, Recordings, ActivityPreprocessing, Answering]):
    """The task."""

    name = "activity"
    kind = "many-to-one"
    summary = "what was done in a recording of sensors"
    takes = "a recording of sensors"
    gives = "what was done in it"
    data = "shoulder-exercises"
    metric = "accuracy"
    sample = (
        "recordings.csv",
        "recording,subject,label,x,y,z\n"
        "1,anna,walking,0.02,-0.11,1.01\n"
        "1,anna,walking,0.05,-0.14,0.98\n"
        "2,ben,running,1.92,-3.20,4.11\n"
        "2,ben,running,2.43,-1.07,0.32\n",
    )
    inputs = "a table of a recording, a row a step"
    options = ActivityOptions
    preprocessing = ActivityPreprocessing
    records = Recordings
    answering = Answering
    parting = Parting(apart, apart, mixes=True)

    def open(
        self, source: Any, options: ActivityOptions, fitted: ActivityPreprocessing | None = None
    ) -> Splits[Recordings]:
        """Reads recordings with labels."""
        known = () if fitted is None else fitted.channels
        return read_recordings(source, options.how, known)

    def augmented(self, learnt: Recordings, options: ActivityOptions) -> Recordings:
        """Recordings that chance changes anew each time."""
        return dataclasses.replace(learnt, varied=bool(options.variations))

    def fit(self, splits: Splits[Recordings], options: ActivityOptions) -> ActivityPreprocessing:
        """Fits the scaling; a class may be known from any part."""
        parts = [p for p in (splits.train, splits.validation, splits.test) if p is not None]
        classes = ordered([label for part in parts for label in part.labels], "one")
        scaler = Scaler.fit(np.concatenate(splits.train.values))
        return ActivityPreprocessing(classes, splits.train.channels, scaler)

    def encode(
        self, records: Recordings, options: ActivityOptions, fitted: ActivityPreprocessing
    ) -> Lazy:
        """Scaled values, changed by chance where they are learnt from."""
        scaled = [fitted.scaler.transform(values) for values in records.values]
        varied = options.variations

        def read(row: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            values = scaled[row] if chance is None else varied(scaled[row], chance)
            return (np.asarray(values, dtype=np.float32),)

        return Lazy(
            len(records),
            read,
            lengths=[len(values) for values in scaled],
            y=[row[0] for row in numbered(records.labels, fitted.classes)] or None,
            augment=records.varied,
            seed=options.seed,
        )

    def model(self, options: ActivityOptions, fitted: ActivityPreprocessing) -> nn.Module:
        """A convolution over time, recurrent layers, and a score for each class."""
        front = None
        if options.filters:
            front = Strided(len(fitted.channels), options.filters, stride=options.stride)
        return ManyToOne(
            front=front,
            inputs=None if front else len(fitted.channels),
            outputs=len(fitted.classes),
            pooling=options.pooling,
            **options.recurrent(),
        )

    def objective(self, options: ActivityOptions, fitted: ActivityPreprocessing) -> Objective:
        """Cross-entropy of the classes."""
        return Objective("cross_entropy", ("accuracy",))

    def recipe(self, options: ActivityOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def score(
        self, trained: TrainedHere, records: Recordings, examples: Examples | Documents
    ) -> Evaluation:
        """Accuracy and macro-F1."""
        said = [label for label, _ in _judged(trained, examples)]
        found = single(said, records.labels)
        confusion = Confusion.of(said, records.labels, trained.preprocessing.classes)
        values = {"accuracy": found["accuracy"], "macro_f1": found["macro_f1"]}
        return Evaluation({**values, "recordings": float(len(records))}, detail=confusion)

    def beside(
        self,
        trained: TrainedHere,
        learnt: Callable[[], Splits[Recordings]],
        records: Recordings,
    ) -> dict[str, float]:
        """A linear model, and the nearest neighbour; both learn from all that is not tested on."""
        splits, scaler = learnt(), trained.preprocessing.scaler
        parts = [part for part in (splits.train, splits.validation) if part is not None]
        known, asked = (
            [scaler.transform(values) for part in some for values in part.values]
            for some in (parts, [records])
        )
        labels = [label for part in parts for label in part.labels]
        models: dict[str, Any] = {
            "linear_": LinearSummary.fit(known, labels),
            "nearest_": NearestByWarping(known, labels),
        }
        found: dict[str, float] = {}
        for before, model in models.items():
            with contextlib.suppress(InputError):  # so many that comparing takes too long
                scores = single(model.answers(asked), records.labels)
                found |= {f"{before}{name}": scores[name] for name in ("accuracy", "macro_f1")}
        return found

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores of the network, and of what stands beside it."""
        lines = [_said("test", "", scores)]
        lines += [
            _said(what, before, scores)
            for before, what in BESIDE.items()
            if f"{before}accuracy" in scores
        ]
        return "\n".join(lines)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Recordings:
        """Recordings to judge."""
        return asked(inputs, trained.preprocessing.channels, trained.options.how)

    def answer(self, trained: TrainedHere, records: Recordings, how: Answering) -> list[Answer]:
        """Judges recordings."""
        examples = self.encode(records, trained.options, trained.preprocessing)
        judged = _judged(trained, examples)
        return [
            Recognised(name, *judgement, values)
            for name, judgement, values in zip(records.names, judged, records.values, strict=True)
        ]

    def explained(
        self, trained: TrainedHere, records: Recordings, how: Answering
    ) -> list[Attribution]:
        """Says which steps and which channels mattered; nothing is the mean of all recordings."""
        fitted = trained.preprocessing
        examples = self.encode(records, trained.options, fitted)
        names, channels = fitted.classes, fitted.channels
        return [
            integrated_gradients(trained.model, examples[row][0], names=names, channels=channels)
            for row in range(len(records))
        ]

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """The first recordings, each over what was believed of it as it came in."""
        fitted = trained.preprocessing
        for number, each in enumerate(answers[:DRAWN], start=1):
            assert isinstance(each, Recognised)
            x = torch.as_tensor(fitted.scaler.transform(each.values), dtype=torch.float32)
            moments = np.unique(np.linspace(1, len(x), MOMENTS).round().astype(int)).tolist()
            figure = plots.recording(
                each.values,
                fitted.channels,
                beliefs=beliefs(trained.model, x, moments).softmax(dim=1),
                moments=moments,
                classes=fitted.classes,
                title=f"{each.label}: {Path(each.recording).name}",
            )
            yield "recording" if len(answers) == 1 else f"recording-{number}", figure

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Which class was taken for which."""
        yield "confusion", evaluation.detail.figure()

    def inputs_of(self, file: str, options: ActivityOptions | None = None) -> list[str]:
        """The file itself: it holds recordings."""
        return [file]

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        paths = movements(folder / "movements")
        still = dict.fromkeys(("scale", "noise", "warp", "crop"), 0.0)
        return Tiny({"data": str(folder / "movements"), "filters": 4, **still}, paths[:2])


def _judged(trained: TrainedHere, examples: Any) -> list[tuple[str, float]]:
    """The most probable class of each recording, and its probability."""
    probabilities = training.predict(trained.model, examples).softmax(dim=1)
    best, classes = probabilities.max(dim=1), trained.preprocessing.classes
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(classes[index], probability) for index, probability in pairs]


def _said(what: str, before: str, scores: Mapping[str, float]) -> str:
    accuracy, f1 = scores[f"{before}accuracy"], scores[f"{before}macro_f1"]
    return f"{what}{'' if what == 'test' else ':'} accuracy {accuracy:.4f}  macro-F1 {f1:.4f}"
