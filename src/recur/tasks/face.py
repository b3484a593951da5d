"""Face: who is in a picture, or nobody known? Many-to-one over the rows and columns of a face.

Recurrent layers read row t and column t at step t and end in an embedding of length 1, learnt so
that the embeddings of different people lie apart by a margin (H. Wang et al., "CosFace",
arXiv:1801.09414). Who is known is asked by nearness, so new people need pictures and no training.

One's own pictures come as a folder for each person, FOLDER/PERSON/*.jpg, or as a table:

    picture,label
    faces/001.jpg,anna
    faces/002.jpg,ben
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from torch import nn

from recur import plots, schema, scoring
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.records.pictured import OF_PEOPLE, Faces, by_person, of_each, strangers_too
from recur.data.scanned import ORDERS, Scan, Scanned
from recur.data.splits import Parting, Splits
from recur.data.targets import IGNORED
from recur.diagnostics import Attribution
from recur.diagnostics.pictures import as_drawn, pixels_that_mattered
from recur.messages import InputError, count, must
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.models.margin import Margin
from recur.scoring.faces import Eigenfaces, Verification, apart, centres, pairs
from recur.tasks.answers import Answer
from recur.tasks.face_people import Known, Nearness, Recognised, Recogniser, recognised
from recur.tasks.options import Answering, cell_option, option
from recur.tasks.pictured import OfPictures, PictureOptions
from recur.tasks.task import Evaluation, Fitted, Objective, Trained
from recur.tasks.tiny import Tiny, pictures_by_class

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 12
"""Pictures of answers that are drawn at most."""
NO_STRANGERS = (
    "The threshold was found on people who were learnt from: of strangers more may be taken for "
    "somebody than it promises. Train with unseen where new people are to be enrolled."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaceOptions(PictureOptions):
    """Options of the task."""

    data: str = option(
        "drawn-faces", "a folder with a folder for each person, a table, or a dataset (olivetti)"
    )
    unseen: bool = option(
        False,
        "hold out whole people for testing, a quarter of them, where each has pictures held out "
        "otherwise, half of them",
    )
    size: int | None = option(
        32, "pixels of the height and width that pictures get", least=2, most=1024
    )
    order: str = option(
        "both",
        "what a step is: a row, a column, both at once, a pixel, or a pixel in a random order",
        choices=ORDERS,
    )
    flip: bool = option(True, "see pictures in a mirror too, half of them in training")
    light: float = option(
        0.2, "in training, up to this share lighter or darker, and so the contrast", least=0.0
    )
    embedding: int = option(64, "numbers of an embedding", least=2)
    margin: float = option(0.2, "by how much people lie apart, in cosine", least=0.0, below=1.0)
    scale: float = option(16.0, "what cosines are multiplied by in the loss", above=0.0)
    pooling: str = option(
        "mean", "what is judged: the last output, or the mean or greatest of all", choices=POOLINGS
    )
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each picture in both directions")
    layers: int = option(1, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(96, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.3, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(400, "passes over the training data", least=1)
    learning_rate: float | None = option(0.004, "the optimizer's step size", above=0.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaceAnswering(Answering):
    """Who is known, and how near is near enough."""

    enrolled: str = option(
        "",
        "a folder with a folder of pictures for each person who is known (default: those that it "
        "was trained on)",
    )
    threshold: float | None = option(
        None, "the least nearness of somebody known (default: as calibrated)", least=-1, most=1
    )


@dataclasses.dataclass(frozen=True)
class FacePreprocessing(Fitted):
    """How pictures become steps, and who is learnt from.

    Attributes:
        scan: how pictures become steps.
        people: whom the network learnt; a target is an index into them.
    """

    scan: Scan
    people: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.people) < 2:
            raise InputError(must("people", "two at least", len(self.people)))


class Calibration(TypedDict):
    """What is fitted after training.

    Attributes:
        threshold: the least nearness of somebody known.
        strangers: whether it was found on people who were not learnt from.
    """

    threshold: float
    strangers: bool


class Detail(NamedTuple):
    """What an evaluation found: how pairs are told apart, and who was taken for whom."""

    pairs: Verification | None
    wrong: list[tuple[Recognised, str]]


TrainedHere = Trained[FaceOptions, FacePreprocessing]


class Face(OfPictures[FaceOptions, Faces, FacePreprocessing, FaceAnswering]):
    """The task."""

    name = "face"
    kind = "many-to-one"
    summary = "who is in a picture of a face, or nobody known"
    takes = "a picture of a face"
    gives = "who it is, of those enrolled, or nobody known"
    data = "drawn-faces"
    metric = "top-1"
    sample = (
        "faces.csv",
        "picture,label\nanna1.jpg,anna\nanna2.jpg,anna\nben1.jpg,ben\nben2.jpg,ben\n",
    )
    inputs = "the path of a picture of a face"
    options = FaceOptions
    preprocessing = FacePreprocessing
    records = Faces
    answering = FaceAnswering
    classes_are = OF_PEOPLE
    parting = Parting(of_each, of_each, test_share=0.5, mixes=True)

    def rules(self, splits: Splits[Faces], options: FaceOptions) -> Parting[Faces]:
        """Pictures of each person are held out, or whole people."""
        if not options.unseen:
            return self.parting
        return Parting(by_person, strangers_too, test_share=0.25, mixes=True)

    def read(self, options: FaceOptions, source: Any = None) -> Splits[Faces]:
        """Reads the pictures; of whom there is one alone, that is said."""
        found = super().read(options, source)
        parts = [part for part in (found.train, found.validation, found.test) if part is not None]
        every = Counter(label for part in parts for label in part.labels)
        alone = sum(number == 1 for number in every.values())
        who = f"{count(alone, 'person has', 'people have')} one picture alone"
        note = f"{who}: nothing of theirs is both learnt from and tested on."
        return found.noted(note) if alone else found

    def fit(self, splits: Splits[Faces], options: FaceOptions) -> FacePreprocessing:
        """Measures the pictures that are learnt from."""
        scoring.scores.package("sklearn")  # said now, and not after the training
        people = tuple(sorted(set(splits.train.labels)))
        if len(people) < 2:
            got = f"only {people[0]!r} in {count(len(splits.train), 'picture')}"
            raise InputError(must("the training pictures", "of two people at least", got))
        return FacePreprocessing(options.scan(splits.train), people)

    def encode(self, records: Faces, options: FaceOptions, fitted: FacePreprocessing) -> Scanned:
        """The steps of each picture, and the number of its person; strangers count for nothing."""
        number = {name: n for n, name in enumerate(fitted.people)}
        targets = [number.get(label, IGNORED) for label in records.labels] or None
        changes = options.changes if records.varied else None
        return Scanned(records.pictures, fitted.scan, targets, changes=changes, seed=options.seed)

    def model(self, options: FaceOptions, fitted: FacePreprocessing) -> nn.Module:
        """Recurrent layers and a linear one make the embedding; people are directions of it."""
        encoder = ManyToOne(
            inputs=fitted.scan.shape[1],
            outputs=options.embedding,
            pooling=options.pooling,
            embedding_dropout=0.0,
            **options.recurrent(),
        )
        return Margin(
            encoder,
            size=options.embedding,
            classes=len(fitted.people),
            margin=options.margin,
            scale=options.scale,
        )

    def objective(self, options: FaceOptions, fitted: FacePreprocessing) -> Objective:
        """Cross-entropy over the people that are learnt, in training with the margin."""
        return Objective("cross_entropy", ("accuracy",))

    def calibrate(self, trained: TrainedHere, validation: Faces) -> Calibration:
        """The nearness from which on somebody is known; see `Recogniser.threshold`."""
        threshold, strangers = _of(trained).threshold(validation)
        return {"threshold": threshold, "strangers": strangers}

    def calibrated(self, stored: Any, fitted: FacePreprocessing) -> Calibration:
        """A threshold from -1 to 1."""
        found = schema.read(Calibration, stored, "it")
        if not -1 <= found["threshold"] <= 1:
            raise InputError(must("the threshold", "from -1 to 1", found["threshold"]))
        return found

    def score(
        self, trained: TrainedHere, records: Faces, examples: Examples | Documents
    ) -> Evaluation:
        """Who is recognised, how many are refused or taken wrongly, and how pairs are told apart.

        People who were not learnt from are enrolled by the first half of their pictures.
        """
        of = _of(trained)
        rows, known = of.embed(records.pictures), of.learnt
        enrolled, asked = of.parted(records)
        if enrolled:
            known = Known(*centres(rows[enrolled], [records.labels[row] for row in enrolled]))
        tested, least = records.take(asked), _least(trained, FaceAnswering())
        answers = recognised(tested.pictures, rows[asked], known, least)
        own = [known.people.index(label) for label in tested.labels]
        mine, others = apart(rows[asked] @ known.directions.T, own)
        told = _verified(rows, records.labels)
        values = {
            "top1": float((mine > others).mean()),
            "refused": float((mine < least).mean()),
            "strangers_taken": float((others >= least).mean()),
            "people": float(len(known.people)),
            **(told.scores if told else {}),
        }
        both = zip(answers, tested.labels, strict=True)
        wrong = [(answer, right) for answer, right in both if answer.person != right]
        notes = () if (trained.calibration or {}).get("strangers") else (NO_STRANGERS,)
        return Evaluation(values, notes, Detail(told, wrong))

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Faces]], records: Faces
    ) -> dict[str, float]:
        """What eigenfaces and the nearest picture make of the same pictures."""
        of, splits = _of(trained), learnt()
        assert splits.validation is not None
        known = splits.train.joined(splits.validation)
        eigenfaces = Eigenfaces(of.pixels(known.pictures))
        rows = eigenfaces.embed(of.pixels(records.pictures))
        enrolled, asked = of.parted(records)
        if enrolled:
            gallery, names = rows[enrolled], [records.labels[row] for row in enrolled]
        else:
            gallery, names = eigenfaces.embed(of.pixels(known.pictures)), known.labels
        best = (rows[asked] @ gallery.T).argmax(axis=1).tolist()
        right = [names[n] == records.labels[row] for n, row in zip(best, asked, strict=True)]
        told = _verified(rows, records.labels)
        error = {"eigenfaces_equal_error_rate": told.scores["equal_error_rate"]} if told else {}
        return {"eigenfaces_top1": sum(right) / len(right), **error}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores, and those of eigenfaces."""
        lines = [f"test top-1 {scores['top1']:.4f} of {scores['people']:.0f} people"]
        if "equal_error_rate" in scores:
            lines[0] += (
                f"  two pictures of one person: equal error rate {scores['equal_error_rate']:.4f}, "
                f"ROC AUC {scores['roc_auc']:.4f}"
            )
        lines.append(
            f"at the threshold {scores['refused']:.4f} of those enrolled are refused, and "
            f"{scores['strangers_taken']:.4f} are taken for another when they are not enrolled"
        )
        if "eigenfaces_top1" in scores:
            beside = f"eigenfaces and the nearest picture: top-1 {scores['eigenfaces_top1']:.4f}"
            if "eigenfaces_equal_error_rate" in scores:
                beside += f"  equal error rate {scores['eigenfaces_equal_error_rate']:.4f}"
            lines.append(beside)
            if scores["eigenfaces_top1"] > scores["top1"]:
                lines.append("Eigenfaces are the better way here.")
        return "\n".join(lines)

    def answer(self, trained: TrainedHere, records: Faces, how: FaceAnswering) -> list[Answer]:
        """Says who is in pictures."""
        of = _of(trained)
        rows, known = of.embed(records.pictures), of.known(how.enrolled)
        return list(recognised(records.pictures, rows, known, _least(trained, how)))

    def explained(
        self, trained: TrainedHere, records: Faces, how: FaceAnswering
    ) -> list[Attribution]:
        """Says which pixels spoke for the nearest person, by integrated gradients."""
        of = _of(trained)
        known = of.known(how.enrolled)
        network = Nearness(of.model, known.directions)
        return [
            pixels_that_mattered(network, of.scan, pixels, known.people)
            for pixels in of.pixels(records.pictures)
        ]

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """The first pictures, each over who it is."""
        shown = [each for each in answers[:DRAWN] if isinstance(each, Recognised)]
        if shown:
            texts = [f"{each.said}, {each.nearness:.2f}" for each in shown]
            yield "recognised", _drawn(trained, shown, texts)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """How pairs are told apart, and the first of those who were taken for others or refused."""
        detail: Detail = evaluation.detail
        if detail.pairs is not None:
            yield "roc", plots.roc({"the network": (detail.pairs.taken, detail.pairs.known)})
        wrong = detail.wrong[:DRAWN]
        if wrong:
            texts = [f"{right}: {each.said}, {each.nearness:.2f}" for each, right in wrong]
            yield "mistakes", _drawn(trained, [each for each, _ in wrong], texts)

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        paths = pictures_by_class(folder / "people")
        still = dict.fromkeys(("shift", "rotate", "zoom", "shear", "light"), 0.0)
        small = {"size": 6, "embedding": 4, "flip": False}
        return Tiny({"data": str(folder / "people"), **small, **still}, paths[:2])


def _of(trained: TrainedHere) -> Recogniser:
    assert isinstance(trained.model, Margin)
    fitted = trained.preprocessing
    return Recogniser(trained.model, fitted.scan, fitted.people, trained.options.flip)


def _least(trained: TrainedHere, how: FaceAnswering) -> float:
    """The nearness from which on somebody is known."""
    assert trained.calibration is not None
    found: float = trained.calibration["threshold"]
    return found if how.threshold is None else how.threshold


def _verified(rows: Any, labels: Sequence[str]) -> Verification | None:
    """How pairs are told apart; None where they are of one kind only."""
    nearness, same = pairs(rows, labels)
    return Verification.of(nearness, same) if same.any() and not same.all() else None


def _drawn(trained: TrainedHere, shown: Sequence[Recognised], texts: Sequence[str]) -> Figure:
    pixels = _of(trained).pixels([each.seen for each in shown])
    return plots.captioned([as_drawn(each) for each in pixels], texts)
