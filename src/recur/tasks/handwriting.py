"""Handwriting: what does a pen write? Many-to-many of unequal length, by CTC.

The pen's path becomes points at equal distances, whatever the size of the letters and the speed of
the hand; a convolution with a stride shortens it, recurrent layers of both directions walk it, and
at each step every letter and the blank have a probability (A. Graves et al., "A novel connectionist
system for unconstrained handwriting recognition", IEEE Transactions on Pattern Analysis and Machine
Intelligence 31, 2009).

Own data are a folder of InkML files, or JSON lines; whole writers are held out where they are
known:

    {"text": "hi", "writer": "anna", "strokes": [[[0, 9], [0, 0], [3, 4]], [[7, 4], [7, 0]]]}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from recur import files, plots
from recur.data.examples import Lazy
from recur.data.ink import NAMES, Changes, Path
from recur.data.records.handwritten import Columns, Handwritten, apart, read_handwritten, varied
from recur.data.spelling import least_steps
from recur.data.splits import Parting, Splits
from recur.models.ctc import CTC
from recur.models.fronts import Strided
from recur.scoring import words
from recur.scoring.classes import Confusion
from recur.scoring.shapes import NearestShape
from recur.tasks.answers import Answer
from recur.tasks.guided import Guidance, Guided, GuidedAnswering, GuidedOptions
from recur.tasks.options import cell_option, option
from recur.tasks.task import Evaluation, Trained
from recur.tasks.tiny import Tiny, strokes
from recur.tasks.transcribing import MOST_CLASSES, Transcript

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CORNERS = 32
"""Points of a whole piece, by which the nearest one that was learnt is found."""
KNOWN = 0.5
"""The share of the texts asked that were learnt, from which on the nearest shape is looked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HandwritingOptions(GuidedOptions):
    """Options of the task."""

    data: str = option(
        "plotted-words",
        "JSON lines, a folder of InkML files, or a dataset (unipen:words, unipen:sentences)",
    )
    strokes: str = option("strokes", "the column of the strokes, in JSON lines", reads=True)
    path: str = option("path", "the column of the paths of InkML files, in a table", reads=True)
    text: str = option("text", "the column of what is written", reads=True)
    writer: str = option("writer", "the column of who wrote it", reads=True)
    down: bool = option(False, "y grows downward in JSON, as on screens", reads=True)
    label: str = option(
        "characters",
        "what is told apart: characters, words, or found (words where there are few, each often)",
        choices=("found", "characters", "words"),
    )
    distance: float = option(
        0.25, "from one point of the path to the next, in sizes of the letters", least=0.01, most=10
    )
    upright: bool = option(False, "take out the slant of the letters")
    turn: float = option(4.0, "in training, turned by up to so many degrees", least=0.0, most=180)
    shear: float = option(0.3, "in training, slanted by up to this share", least=0.0, most=10)
    stretch: float = option(
        0.25, "in training, up to this share wider or narrower, higher or lower", least=0.0, most=10
    )
    warp: float = option(
        0.08, "in training, the path wanders by about so many sizes", least=0.0, most=10
    )
    drop: float = option(
        0.2, "in training, the share of the pen's points left out", least=0.0, below=1.0
    )
    filters: int = option(64, "of the convolution over the path", least=1)
    stride: int = option(2, "points that become one step", least=1, most=100)
    cell: str = cell_option("lstm")
    bidirectional: bool = option(True, "read each piece in both directions")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(96, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.2, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(30, "passes over the training data", least=1)
    batch_size: int = option(16, "pieces in a batch", least=1)
    learning_rate: float | None = option(0.004, "the optimizer's step size", above=0.0)

    @property
    def pen(self) -> Path:
        """What is read of the pen's path."""
        return Path(self.distance, self.upright)

    @property
    def changes(self) -> Changes:
        """What chance makes of a piece."""
        return Changes(self.turn, self.shear, self.stretch, self.warp, self.drop)


class Read(Transcript):
    """What was read, with the point of the path where each label was decided."""

    noun = "piece"
    place = "point"


TrainedHere = Trained[HandwritingOptions, Guidance]


class Handwriting(Guided[HandwritingOptions, Handwritten, Guidance, GuidedAnswering]):
    """The task."""

    name = "handwriting"
    kind = "many-to-many"
    summary = "what a pen writes, from its strokes"
    takes = "strokes of a pen"
    gives = "the text that they write"
    data = "plotted-words"
    metric = "character error rate"
    inputs = "an InkML file, or strokes as JSON"
    sample = (
        "words.jsonl",
        '{"text": "to", "writer": "anna", "strokes": [[[2, 9], [2, 0]], [[0, 6], [4, 6]], '
        "[[8, 5], [6, 2], [8, 0], [9, 3], [8, 5]]]}\n"
        '{"text": "l", "writer": "anna", "strokes": [[[0, 0], [4, 8], [2, 9], [1, 2], [4, 0]]]}\n'
        '{"text": "it", "writer": "ben", "strokes": [[[0, 5], [0, 0]], [[0, 8]], '
        "[[4, 9], [4, 0]], [[3, 6], [6, 6]]]}\n"
        '{"text": "v", "writer": "cleo", "strokes": [[[0, 6], [2, 0], [4, 6]]]}\n',
    )
    options = HandwritingOptions
    preprocessing = Guidance
    records = Handwritten
    answering = GuidedAnswering
    said = Read
    short = "has too few points for its text, or more than any writing"
    parting = Parting(apart, apart, mixes=True)

    def open(
        self, source: Any, options: HandwritingOptions, fitted: Guidance | None = None
    ) -> Splits[Handwritten]:
        """Reads a folder of InkML files, or a table of strokes."""
        found = read_handwritten(
            source,
            Columns(options.strokes, options.text, options.writer, options.path),
            down=options.down,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
        )
        return self.fitting(found, options)

    def augmented(self, learnt: Handwritten, options: HandwritingOptions) -> Handwritten:
        """Pieces that chance changes anew each time."""
        return varied(learnt) if options.changes else learnt

    def fit(self, splits: Splits[Handwritten], options: HandwritingOptions) -> Guidance:
        """Collects the labels, and what a language model is counted from."""
        return Guidance(**Guidance.told(splits.train.transcripts, options))

    def encode(self, records: Handwritten, options: HandwritingOptions, fitted: Guidance) -> Lazy:
        """Points of the path and labels; those that are not known are left out."""
        targets = fitted.spelling.encode(records.transcripts)
        pen, changes = options.pen, options.changes
        inks = [pen.normalised(ink) for ink in records.inks]

        def read(index: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            spaced = pen.spaced(inks[index])
            if chance is not None:
                changed = pen.spaced(changes(inks[index], chance))
                least = least_steps(records.transcripts[index], options.label)
                if len(changed.points) >= _points(least, options):
                    spaced = changed
            x = pen.features(spaced)
            return (x, targets[index]) if targets else (x,)

        return Lazy(
            len(records),
            read,
            lengths=[pen.steps(ink) for ink in inks],
            aligned=False,
            augment=records.varied,
            workers=options.workers,
            seed=options.seed,
        )

    def model(self, options: HandwritingOptions, fitted: Guidance) -> nn.Module:
        """A convolution over the path, recurrent layers, and a score for each label."""
        front = Strided(len(NAMES), options.filters, stride=options.stride)
        return CTC(labels=len(fitted.labels), front=front, **options.recurrent())

    def beside(
        self,
        trained: TrainedHere,
        learnt: Callable[[], Splits[Handwritten]],
        records: Handwritten,
    ) -> dict[str, float]:
        """How much is right if each piece says what the most similar one that was learnt says."""
        known = set(trained.preprocessing.learnt)
        if sum(text in known for text in records.transcripts) < KNOWN * len(records):
            return {}  # of new sentences none can be found
        train, pen = learnt().train, trained.options.pen
        nearest = NearestShape(_corners(train, pen), train.transcripts)
        found = words.error_rates(nearest.answers(_corners(records, pen)), records.transcripts)
        return {"nearest_accuracy": found["right"], "nearest_cer": found["cer"]}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in lines."""
        lines = super().report(scores)
        if "nearest_cer" in scores:
            right, wrong = scores["nearest_accuracy"], scores["nearest_cer"]
            lines += (
                f"\nwithout a network, what the nearest shape says: {right:.4f} of texts right, "
                f"{wrong:.4f} of characters wrong"
            )
        return lines

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Handwritten:
        """Pieces to read: InkML files, strokes, objects with strokes, or their JSON."""
        return Handwritten.asked(inputs, down=trained.options.down)

    def reaches(
        self, records: Handwritten, row: int, options: HandwritingOptions, steps: int
    ) -> bool:
        """Whether a path is long enough for so many steps, and no longer than any writing."""
        return options.pen.reaches(records.inks[row], _points(steps, options))

    def place(self, options: HandwritingOptions, step: int) -> float:
        """The point at which a step is."""
        return step * options.stride

    def steps(self, options: HandwritingOptions, number: int) -> list[str]:
        """The points by their numbers."""
        return [f"point {point}" for point in range(number)]

    def bare(self, records: Handwritten) -> Handwritten:
        """The pieces alone."""
        return dataclasses.replace(records, transcripts=[], varied=False)

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the strokes of each piece, with the letters where they were decided."""
        for number, each in enumerate(answers, start=1):
            assert isinstance(each, Read)
            name = "read" if len(answers) == 1 else f"read-{number}"
            yield (
                name,
                plots.handwriting(
                    each.features.numpy()[:, :2].cumsum(axis=0),
                    each.features.numpy()[:, 2] > 0,
                    letters=[(label, int(point)) for label, point, _ in each.letters],
                    title=f"{each.name}: {each.text}",
                ),
            )

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which letter was taken for which."""
        read, true = words.character_pairs(*evaluation.detail)
        if 1 < len({*read, *true}) <= MOST_CLASSES:
            yield "letters", Confusion.of(read, true).figure("Which letter was taken for which")

    def tiny(self, folder: FilePath) -> Tiny:
        """Tiny data: upright strokes and flat ones, as two letters."""
        data = strokes(folder / "strokes.jsonl")
        still = dict.fromkeys(("turn", "shear", "stretch", "warp", "drop"), 0.0)
        small = {"distance": 0.5, "stride": 1, "filters": 4, "order": 2}
        return Tiny({"data": data, **still, **small}, files.read_text(data).splitlines()[:2])


def _points(steps: int, options: HandwritingOptions) -> int:
    """Of a path of which so many steps are made."""
    return (steps - 1) * options.stride + 1


def _corners(records: Handwritten, pen: Path) -> list[np.ndarray[Any, Any]]:
    """(CORNERS, 2) points of each piece of size 1, around its middle."""
    found = []
    for ink in records.inks:
        points = pen.spaced(pen.normalised(ink)).points
        at = np.linspace(0, len(points) - 1, CORNERS)
        x, y = (np.interp(at, np.arange(len(points)), each) for each in points.T)
        found.append(np.column_stack([x - x.mean(), y - y.mean()]))
    return found
