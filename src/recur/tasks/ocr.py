"""OCR: what is written in the picture of a line? Many-to-many of unequal length, by CTC.

A line gets one height, its width in proportion; convolutions look at it column by column and
shorten it, recurrent layers walk the columns both ways, and at each step every character and the
blank have a probability (B. Shi et al., arXiv:1507.05717). Where a character stands nobody tells:
the loss sums over all alignments (A. Graves et al., ICML 2006).

Own data are a table, or a folder with a text file beside each picture (line.png and line.gt.txt or
line.txt, as kraken and ocropus have them); whole groups are held out where they are known:

    path,transcript,group
    page1/001.png,It was the best of times,page 1
    page1/002.png,it was the worst of times,page 1
    page2/001.png,it was the age of wisdom,page 2
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from recur import files, plots
from recur.data.distortions import Distortions
from recur.data.examples import Lazy
from recur.data.line_pictures import POLARITIES, Line, LineForm, ReadLines
from recur.data.records.lines import Columns as TableColumns
from recur.data.records.lines import Lines, apart, read_lines
from recur.data.spelling import UNITS, Spelling, least_steps
from recur.data.splits import Parting, Splits
from recur.models.ctc import CTC
from recur.models.fronts import Columns
from recur.scoring import words
from recur.scoring.classes import Confusion
from recur.scoring.letter_pieces import LetterPieces
from recur.tasks.answers import Answer
from recur.tasks.options import Recipe, cell_option, option
from recur.tasks.task import Evaluation, Trained
from recur.tasks.tiny import Tiny
from recur.tasks.transcribing import (
    Spelt,
    Transcribing,
    TranscribingAnswering,
    TranscribingOptions,
    Transcript,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


STRIDES = {1: (1, 1, 1), 2: (2, 1, 1), 3: (3, 1, 1), 4: (2, 2, 1)}
"""Of the convolutions, by how much they shorten a line."""
DISTORTED = Distortions(
    rotation=2.0, slant=0.15, scale=0.1, elastic=0.6, blur=0.3, noise=0.08, contrast=0.3
)
"""What chance makes of a line in training, at a strength of 1."""
DRAWN = 8
"""Lines of answers that are drawn at most."""
COMPARED = 1000
"""Lines of the training part whose pieces others are compared with."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OcrOptions(TranscribingOptions):
    """Options of the task."""

    data: str = option("printed", "a table, a folder of lines, or a dataset (captcha, mnist-rows)")
    path: str = option("path", "the column of the pictures' paths, in a table", reads=True)
    text: str = option("transcript", "the column of what is written, in a table", reads=True)
    group: str = option("group", "the column of what is held out as a whole", reads=True)
    label: str = option("characters", "what is told apart: characters or words", choices=UNITS)
    height: int = option(32, "pixels of the height that lines get", least=8, most=256)
    polarity: str = option(
        "found", "ink that is dark or light, or found for each picture", choices=POLARITIES
    )
    distort: float = option(
        1.0, "how strongly lines are distorted in training; 0: not at all", least=0.0, most=5.0
    )
    shorten: int = option(2, "columns that become one step", least=1, most=max(STRIDES))
    filters: int = option(16, "of the first convolution; each next has twice as many", least=1)
    features: int = option(128, "numbers that a column is for the recurrent layers", least=1)
    cell: str = cell_option("lstm")
    bidirectional: bool = option(True, "read each line in both directions")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(128, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.3, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(20, "passes over the training data", least=1)
    batch_size: int = option(16, "lines in a batch", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)

    @property
    def form(self) -> LineForm:
        """What every line becomes."""
        return LineForm(self.height, self.polarity)

    @property
    def distortions(self) -> Distortions:
        """What chance makes of a line."""
        return DISTORTED.times(self.distort)


class ReadLine(Transcript):
    """What was read, with the column of the line at which each character was decided."""

    noun = "picture"
    place = "column"


TrainedHere = Trained[OcrOptions, Spelt]


class Ocr(Transcribing[OcrOptions, Lines, Spelt, TranscribingAnswering]):
    """The task."""

    name = "ocr"
    kind = "many-to-many"
    summary = "what is written in the picture of a line"
    takes = "a picture of a line"
    gives = "what is written in it"
    data = "printed"
    metric = "character error rate"
    inputs = "a picture of a line (PNG, JPEG, TIFF)"
    sample = (
        "lines.csv",
        "path,transcript,group\n"
        "one.jpg,It was the best of times,page 1\n"
        "two.jpg,it was the worst of times,page 1\n"
        "three.jpg,it was the age of wisdom,page 2\n",
    )
    options = OcrOptions
    preprocessing = Spelt
    records = Lines
    answering = TranscribingAnswering
    said = ReadLine
    short = "is too narrow for its transcript"
    pictured = True
    parting = Parting(apart, apart, 0.1, 0.1, mixes=True)
    recipes: Mapping[str, Recipe] = {
        "captcha": Recipe(
            "a thousand pictures of a few letters, distorted and struck through",
            {"height": 40, "shorten": 4, "epochs": 44, "learning_rate": 0.003, "distort": 0.7},
        )
    }

    def open(self, source: Any, options: OcrOptions, fitted: Spelt | None = None) -> Splits[Lines]:
        """Reads lines that a table names, or that lie in a folder."""
        found = read_lines(
            source,
            TableColumns(options.path, options.text, options.group),
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
        )
        return self.fitting(found, options)

    def augmented(self, learnt: Lines, options: OcrOptions) -> Lines:
        """Lines that chance distorts anew each time."""
        return dataclasses.replace(learnt, varied=bool(options.distortions))

    def fit(self, splits: Splits[Lines], options: OcrOptions) -> Spelt:
        """Collects the characters."""
        spelling = Spelling.fit(splits.train.transcripts, options.label)
        return Spelt(spelling.label, spelling.labels)

    def encode(self, records: Lines, options: OcrOptions, fitted: Spelt) -> Lazy:
        """Columns of pixels and labels, read as batches ask; unknown characters are left out."""
        targets = fitted.spelling.encode(records.transcripts)
        lines, distortions = ReadLines(records.pictures, options.form), options.distortions

        def read(row: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            line = lines.at(row)
            if chance is not None:
                steps = least_steps(records.transcripts[row], options.label)
                line = distortions(line, chance, _columns(steps, options))
            return (line, targets[row]) if targets else (line,)

        return Lazy(
            len(records),
            read,
            lengths=[options.form.width(size) for size in records.sizes],
            aligned=False,
            augment=records.varied,
            workers=options.workers,
            seed=options.seed,
        )

    def model(self, options: OcrOptions, fitted: Spelt) -> nn.Module:
        """Convolutions, recurrent layers, and a score for each character and the blank."""
        front = Columns(
            options.height,
            options.features,
            filters=[options.filters * 2**n for n in range(3)],
            stride=STRIDES[options.shorten],
        )
        return CTC(labels=len(fitted.labels), front=front, shortcut=True, **options.recurrent())

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in two lines."""
        first = (
            f"test character error rate {scores['cer']:.4f}  word error rate {scores['wer']:.4f}"
        )
        second = f"whole lines right {scores['accuracy']:.4f}"
        if "pieces_cer" in scores:
            second += (
                f"  (cut into pieces, by the nearest one: character error rate "
                f"{scores['pieces_cer']:.4f}, whole lines right {scores['pieces_accuracy']:.4f})"
            )
        return f"{first}\n{second}"

    def beside(
        self, trained: TrainedHere, learnt: Callable[[], Splits[Lines]], records: Lines
    ) -> dict[str, float]:
        """Cuts lines into pieces, and reads each as the nearest one of the training part."""
        known = learnt().train.first(COMPARED)
        form = trained.options.form
        nearest = LetterPieces.fit(_whole(known, form), known.transcripts)
        answers = [nearest.read(line) for line in _whole(records, form)]
        found = words.error_rates(answers, records.transcripts)
        return {"pieces_cer": found["cer"], "pieces_accuracy": found["right"]}

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Lines:
        """Lines to read: paths, pictures of Pillow, arrays."""
        return Lines.asked(inputs)

    def reaches(self, records: Lines, row: int, options: OcrOptions, steps: int) -> bool:
        """Whether a line is wide enough for so many steps."""
        return options.form.width(records.sizes[row]) >= _columns(steps, options)

    def place(self, options: OcrOptions, step: int) -> float:
        """The column in the middle of a step."""
        return step * options.shorten + (options.shorten - 1) / 2

    def steps(self, options: OcrOptions, number: int) -> list[str]:
        """The columns by number."""
        return [f"column {column}" for column in range(number)]

    def bare(self, records: Lines) -> Lines:
        """The lines alone."""
        return dataclasses.replace(records, transcripts=[], varied=False)

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Draws the first lines, each with the columns at which its characters were decided."""
        for number, each in enumerate(answers[:DRAWN], start=1):
            assert isinstance(each, ReadLine)
            name = "read" if len(answers) == 1 else f"read-{number}"
            letters = [(label, column) for label, column, _ in each.letters]
            title = f"{each.name}: {each.text}"
            yield name, plots.read_line(each.features.numpy(), letters=letters, title=title)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Draws which character was taken for which."""
        said, meant = words.character_pairs(*evaluation.detail)
        yield "confusion", Confusion.of(said, meant).figure()

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data: lines of two letters, a wide one and two narrow ones."""
        data, paths = _blocks(folder / "lines")
        small = {"height": 8, "filters": 4, "features": 8, "distort": 0.0, "shorten": 1}
        return Tiny({"data": data, **small}, paths[:2])


def _columns(steps: int, options: OcrOptions) -> int:
    """How wide a line is of which so many steps are made."""
    return max(1, (steps - 1) * options.shorten + 1)


def _whole(records: Lines, form: LineForm) -> list[Line]:
    lines = ReadLines(records.pictures, form)
    return [lines.at(row) for row in range(len(records))]


def _blocks(folder: Path) -> tuple[str, list[str]]:
    """Writes lines of wide and narrow blocks, W and I, each with a text file beside it."""
    from PIL import Image

    files.make_folder(folder)
    chance, paths = np.random.default_rng(0), []
    for number in range(60):
        text = "".join(chance.choice(["I", "W"], int(chance.integers(1, 4))))
        columns = [
            column for letter in text for column in [0, 0] + [1] * (2 if letter == "I" else 6)
        ]
        ink = np.outer([0, 0, 1, 1, 1, 1, 0, 0], [*columns, 0, 0])
        path = folder / f"{number:02}.png"
        Image.fromarray((255 - 200 * ink).astype(np.uint8)).save(path)
        files.write_text(path.with_suffix(".gt.txt"), text)
        paths.append(str(path))
    return str(folder), paths
