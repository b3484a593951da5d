"""Image: what does a picture show? Many-to-one over its rows, its columns or its pixels.

A recurrent network reads the picture a step at a time and answers at the end; the plain network
(one-to-one), which sees all of it at once, stands beside it and can be asked for by itself.

One's own pictures come as a folder for each class, FOLDER/CLASS/*.png, or FOLDER/train/CLASS and
FOLDER/test/CLASS; or as a table:

    picture,label
    leaves/001.jpg,oak
    leaves/002.jpg,beech
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from recur import plots, scoring, training
from recur.data import labels
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.pictures import Picture
from recur.data.records.pictured import LabelledPictures, stratified
from recur.data.scanned import Scan, Scanned
from recur.data.splits import Parting, Splits
from recur.diagnostics import Attribution, beliefs
from recur.diagnostics.pictures import as_drawn, pixels_that_mattered
from recur.messages import InputError, count, must
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.models.one_to_one import OneToOne
from recur.scoring.nearest import Nearest, room
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, Recipe, cell_option, option
from recur.tasks.pictured import OfPictures, PictureOptions
from recur.tasks.task import Evaluation, Fitted, Objective, Trained
from recur.tasks.tiny import Tiny, pictures_by_class

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = ("recurrent", "plain")
PLAIN: dict[str, Any] = {"network": "plain", "units": 128, "layers": 2, "dropout": 0.2}
"""The plain network that stands beside the recurrent one."""
PLAIN_TRAINING: dict[str, Any] = {"epochs": 60, "batch_size": 64, "patience": 5}
SMALL, AT_ONCE = 32, 500
"""Pixels of the height and width in which others look at pictures; pictures at a time."""
STILL = dict.fromkeys(("shift", "rotate", "zoom", "shear"), 0.0)
LONG = {
    "cell": "gru",
    "bidirectional": False,
    "layers": 1,
    "units": 128,
    "chrono": True,
    "batch_size": 128,
    "epochs": 60,
    "ema": 0.999,
    "dropout": 0.1,
    "learning_rate": 0.002,
}
"""What long sequences are learnt with: gates that start by remembering, one direction, clipping."""
DRAWN = 12
"""Pictures of answers that are drawn at most."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageOptions(PictureOptions):
    """Options of the task."""

    data: str = option(
        "digits", "a folder with a folder for each class, a table, or the name of a dataset"
    )
    network: str = option(
        "recurrent", "recurrent layers, or a plain network that sees all at once", choices=NETWORKS
    )
    pooling: str = option(
        "last", "what is judged: the last output, or the mean or greatest of all", choices=POOLINGS
    )
    chrono: bool = option(
        False, "start the gates (lstm, gru) so that memories last up to as long as a picture"
    )
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each picture in both directions")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(64, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.2, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(30, "passes over the training data", least=1)
    learning_rate: float | None = option(0.003, "the optimizer's step size", above=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chrono and self.cell not in ("lstm", "gru"):
            raise InputError(must("chrono", "used with cell lstm or gru", self.cell))


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing(Fitted):
    """How pictures become steps, and the classes there are.

    Attributes:
        scan: how pictures become steps.
        classes: a target is an index into them.
    """

    scan: Scan
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(must("classes", "two at least", len(self.classes)))


@dataclasses.dataclass(frozen=True, eq=False)
class Seen(Answer):
    """What a picture shows.

    Attributes:
        picture: its name.
        label: the most probable class.
        probability: of the class.
        probabilities: of every class.
        seen: the picture.
    """

    picture: str
    label: str
    probability: float
    probabilities: dict[str, float]
    seen: Picture = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.label}  {self.probability:.4f}  {self.picture}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        names = ("picture", "label", "probability", "probabilities")
        return {name: getattr(self, name) for name in names}


TrainedHere = Trained[ImageOptions, ImagePreprocessing]


class Image(OfPictures[ImageOptions, LabelledPictures, ImagePreprocessing, Answering]):
    """The task."""

    name = "image"
    kind = "many-to-one"
    summary = "what a picture shows: one class of several"
    takes = "a picture"
    gives = "what it shows: a class"
    data = "digits"
    metric = "accuracy"
    sample = (
        "pictures.csv",
        "picture,label\nleaf.jpg,oak\nneedle.jpg,pine\nbroad.jpg,oak\nthin.jpg,pine\n",
    )
    inputs = "the path of a picture"
    options = ImageOptions
    preprocessing = ImagePreprocessing
    records = LabelledPictures
    answering = Answering
    parting = Parting(stratified, stratified, mixes=True)
    # docs/image.md has what they reached, docs/log.md what was tried.
    recipes: Mapping[str, Recipe] = {
        "rows": Recipe(
            "MNIST, row by row: test accuracy 0.994 in 18 epochs",
            {"order": "rows", "batch_size": 64, "epochs": 18, "ema": 0.999, "dropout": 0.1},
        ),
        "pixels": Recipe(
            "MNIST, pixel by pixel: a long training, of 784 steps each",
            {"order": "pixels", **LONG, "rotate": 5.0, "shift": 0.05, "shear": 0.0},
        ),
        "permuted": Recipe(
            "MNIST, pixel by pixel in a random order: a long training, of 784 steps each",
            {"order": "permuted", **LONG, **STILL, "dropout": 0.3},
        ),
    }

    def fit(self, splits: Splits[LabelledPictures], options: ImageOptions) -> ImagePreprocessing:
        """Measures the pictures that are learnt from; a class may be known from any part."""
        scoring.scores.package("sklearn")  # said now, and not after the training
        assert splits.validation is not None
        assert splits.test is not None
        learnt = [*splits.train.labels, *splits.validation.labels]
        if len(set(learnt)) < 2:
            got = f"only {learnt[0]!r} in {count(len(learnt), 'picture')}"
            raise InputError(must("the training pictures", "of two classes at least", got))
        return ImagePreprocessing(
            options.scan(splits.train), labels.ordered([*learnt, *splits.test.labels], labels.ONE)
        )

    def encode(
        self, records: LabelledPictures, options: ImageOptions, fitted: ImagePreprocessing
    ) -> Scanned:
        """The steps of each picture, decoded as a batch asks, and the number of its class."""
        targets = None
        if records.labels:
            targets = [row[0] for row in labels.numbered(records.labels, fitted.classes)]
        changes = options.changes if records.varied else None
        return Scanned(records.pictures, fitted.scan, targets, changes=changes, seed=options.seed)

    def model(self, options: ImageOptions, fitted: ImagePreprocessing) -> nn.Module:
        """Recurrent layers over the steps and a linear one, or a plain network."""
        steps, features = fitted.scan.shape
        if options.network == "plain":
            return OneToOne(
                inputs=steps * features,
                outputs=len(fitted.classes),
                units=options.units,
                layers=options.layers,
                dropout=options.dropout,
            )
        chrono: dict[str, Any] = {"chrono": max(steps, 2)} if options.chrono else {}
        return ManyToOne(
            inputs=features,
            outputs=len(fitted.classes),
            pooling=options.pooling,
            embedding_dropout=0.0,  # pixels that are missing are another picture
            **options.recurrent(),
            **chrono,
        )

    def objective(self, options: ImageOptions, fitted: ImagePreprocessing) -> Objective:
        """Cross-entropy over the classes."""
        return Objective("cross_entropy", ("accuracy",))

    def score(
        self, trained: TrainedHere, records: LabelledPictures, examples: Examples | Documents
    ) -> Evaluation:
        """Returns accuracy and macro-F1, and which class was taken for which."""
        answers = self._seen(trained, records, examples)
        said = [each.label for each in answers]
        found = scoring.classes.single(said, records.labels)
        confusion = scoring.classes.Confusion.of(
            said, records.labels, trained.preprocessing.classes
        )
        wrong = [
            (each, right)
            for each, right in zip(answers, records.labels, strict=True)
            if each.label != right
        ]
        worst = sorted(wrong, key=lambda pair: -pair[0].probability)[:DRAWN]
        return Evaluation(dict(found), detail=(confusion, worst))

    def beside(
        self,
        trained: TrainedHere,
        learnt: Callable[[], Splits[LabelledPictures]],
        records: LabelledPictures,
    ) -> dict[str, float]:
        """The accuracy of the nearest picture, and of a plain network of the same pictures."""
        splits, fitted = learnt(), trained.preprocessing
        assert splits.validation is not None
        scan = fitted.scan
        small = dataclasses.replace(scan, order="rows", size=min(scan.size, SMALL), permutation=())
        fitted = dataclasses.replace(fitted, scan=small)
        options = dataclasses.replace(trained.options, **PLAIN)
        asked = self.encode(records, options, fitted)
        known = splits.train.joined(splits.validation).first(room(small.shape[0] * small.shape[1]))
        nearest = _nearest(self.encode(known, options, fitted), known.labels, asked)
        found = {"nearest_accuracy": _right(nearest, records.labels)}
        if trained.options.network == "plain":
            return found
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            model = self.model(options, fitted)
        still = dataclasses.replace(splits.train, varied=False)
        training.fit(
            model,
            self.encode(still, options, fitted),
            validation_data=self.encode(splits.validation, options, fitted),
            loss="cross_entropy",
            metrics=["accuracy"],
            restore_best=True,
            seed=options.seed,
            progress=False,
            **PLAIN_TRAINING,
        )
        said = training.predict(model, asked, progress=False).argmax(dim=1).tolist()
        plain = [fitted.classes[n] for n in said]
        return {**found, "plain_accuracy": _right(plain, records.labels)}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores, and those of what stands beside."""
        first = f"test accuracy {scores['accuracy']:.4f}  macro-F1 {scores['macro_f1']:.4f}"
        beside = {
            "the nearest picture": scores.get("nearest_accuracy"),
            "a plain network": scores.get("plain_accuracy"),
        }
        known = {name: value for name, value in beside.items() if value is not None}
        lines = [first, *(f"{name}: accuracy {value:.4f}" for name, value in known.items())]
        better = [name for name, value in known.items() if value > scores["accuracy"]]
        if better:
            lines.append(f"Better here: {' and '.join(better)}.")
        return "\n".join(lines)

    def answer(
        self, trained: TrainedHere, records: LabelledPictures, how: Answering
    ) -> list[Answer]:
        """Says what pictures show."""
        examples = self.encode(records, trained.options, trained.preprocessing)
        return list(self._seen(trained, records, examples))

    def explained(
        self, trained: TrainedHere, records: LabelledPictures, how: Answering
    ) -> list[Attribution]:
        """Says which pixels mattered for the answer, by integrated gradients."""
        examples = self.encode(records, trained.options, trained.preprocessing)
        return [
            pixels_that_mattered(
                trained.model,
                trained.preprocessing.scan,
                examples.pixels([row])[0],
                trained.preprocessing.classes,
            )
            for row in range(len(records))
        ]

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Each of the first pictures beside what was believed as it was read."""
        fitted, shown = trained.preprocessing, [a for a in answers if isinstance(a, Seen)]
        scan = fitted.scan
        read = "lines of pixels" if scan.line > 1 else scan.order
        for number, each in enumerate(shown[:DRAWN], start=1):
            examples = Scanned([each.seen], scan)
            if trained.options.network == "plain":  # which reads nothing before anything else
                shares = np.array([list(each.probabilities.values())])
            else:
                steps = range(scan.line, scan.shape[0] + 1, scan.line)
                shares = beliefs(trained.model, examples[0][0], steps).softmax(dim=1).numpy()
            picture, title = as_drawn(examples.pixels([0])[0]), f"{each.label}: {each.picture}"
            name = "seen" if len(shown) == 1 else f"seen-{number}"
            yield name, plots.beliefs(picture, shares, fitted.classes, read=read, title=title)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Which class was taken for which, and the mistakes that it was surest of."""
        confusion, worst = evaluation.detail
        yield "confusion", confusion.figure()
        if worst:
            texts = [
                f"{right} taken for {each.label} ({each.probability:.2f})" for each, right in worst
            ]
            drawn = Scanned([each.seen for each, _ in worst], trained.preprocessing.scan)
            pictures = map(as_drawn, drawn.pixels(range(len(worst))))
            yield "mistakes", plots.captioned(list(pictures), texts)

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        paths = pictures_by_class(folder / "pictures")
        return Tiny({"data": str(folder / "pictures"), "size": 6, **STILL}, paths[:2])

    def _seen(self, trained: TrainedHere, records: LabelledPictures, examples: Any) -> list[Seen]:
        classes = trained.preprocessing.classes
        scores: Tensor = training.predict(trained.model, examples)
        rows = zip(records.pictures, scores.softmax(dim=1).tolist(), strict=True)
        return [_said(picture, dict(zip(classes, row, strict=True))) for picture, row in rows]


def _said(picture: Picture, probabilities: dict[str, float]) -> Seen:
    best = max(probabilities, key=probabilities.__getitem__)
    return Seen(picture.name, best, probabilities[best], probabilities, picture)


def _nearest(known: Scanned, labels: Sequence[str], asked: Scanned) -> list[str]:
    """The label of the nearest of known pictures for each that is asked."""
    nearest = Nearest(known.pixels(range(len(known))), labels)
    pieces = (range(n, min(n + AT_ONCE, len(asked))) for n in range(0, len(asked), AT_ONCE))
    return [label for piece in pieces for label in nearest.answers(asked.pixels(piece))]


def _right(answers: Sequence[str], references: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(answers, references, strict=True)) / len(references)
