"""Caption: what a picture shows, in a sentence. One-to-many.

A small convolutional network reads the picture and gives a vector; recurrent layers start from it
and write the caption a word at a time (O. Vinyals et al., "Show and tell", arXiv:1411.4555). All of
it is learnt together, from nothing: there are no weights of a larger data set in it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.numbering import END_FIRST
from recur.data.pictures import Picture, Shown
from recur.data.records.captioned import CaptionedPictures, Columns, apart, read_captioned
from recur.data.splits import Parting, Splits
from recur.data.vocabulary import Vocabulary
from recur.messages import InputError, must
from recur.models.fronts import Frames
from recur.models.one_to_many import CONDITIONS, OneToMany
from recur.scoring.captions import bleu
from recur.scoring.scores import package
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, TableData, cell_option, option, searched
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THUMBNAIL = 8
"""Pixels of the height and width in which pictures are compared for the nearest one."""
COMPARED = 1000
"""Pictures of the training part that the nearest one is looked for among."""
DRAWN = 12
"""Pictures of answers that are drawn at most."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionOptions(TableData):
    """Options of the task.

    Own data are a folder of pictures with a text file of the same name beside each, a caption a
    line; or a table with the columns `picture` (a path) and `caption`.
    """

    data: str = option("shapes", "a folder, a table, or the name of a dataset")
    picture_column: str = option("picture", "the column of the paths in a table", reads=True)
    caption_column: str = option("caption", "the column of the captions in a table", reads=True)
    vocabulary: int = option(5_000, "the most frequent words that are kept", least=3)
    size: int = option(64, "pixels of the height and width that pictures get", least=8, most=1024)
    flip: bool = option(False, "in training, see half of the pictures in a mirror")
    crop: float = option(
        0.0, "share of height and width cut off, in training anywhere", least=0.0, most=0.5
    )
    workers: int = option(0, "threads that read pictures at the same time", least=0, most=256)
    features: int = option(128, "numbers that the picture is for the recurrent layers", least=1)
    condition: str = option(
        "both", "where the picture goes in: the first state, each word's input", choices=CONDITIONS
    )
    cell: str = cell_option("gru")
    units: int = option(128, "hidden units in each layer", least=1)
    embedding: int = option(64, "size of a word's vector", least=1)
    dropout: float = option(0.2, "share of values dropped in training", least=0.0, below=1.0)
    epochs: int = option(15, "passes over the training data", least=1)
    learning_rate: float | None = option(0.002, "the optimizer's step size", above=0.0)
    patience: int | None = option(
        5, "stop after so many epochs without a better validation result", least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "Nothing is written from both ends."
            raise InputError(must("bidirectional", "off for caption", "on", todo))


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionAnswering(Answering):
    """How a caption is searched for."""

    beam: int = option(
        3, "captions followed side by side; 1: always the likeliest word", least=1, most=1000
    )
    length_penalty: float = option(
        0.0, "what a longer caption gains on a shorter one; 0: nothing", least=0.0, most=10.0
    )
    length: int = option(40, "the most words of a caption", least=1, most=10_000)


@dataclasses.dataclass(frozen=True, eq=False)
class CaptionPreprocessing(Fitted):
    """The words of the training captions, and two answers that need no network.

    Attributes:
        vocabulary: from words to numbers.
        usual: the most frequent caption.
        seen: (N, 192) pictures of the training part, 8 by 8 pixels.
        said: a caption of each.
    """

    vocabulary: Vocabulary
    usual: str
    seen: NDArray[np.float64]
    said: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Caption(Answer):
    """A picture and its caption.

    Attributes:
        picture: its name.
        text: the caption.
        pixels: (size, size, 3), as the network saw it.
    """

    picture: str
    text: str
    pixels: Any = dataclasses.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.picture}: {self.text}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        return {"picture": self.picture, "text": self.text}


TrainedHere = Trained[CaptionOptions, CaptionPreprocessing]


class CaptionTask(Task[CaptionOptions, CaptionedPictures, CaptionPreprocessing, CaptionAnswering]):
    """The task."""

    name = "caption"
    kind = "one-to-many"
    summary = "what a picture shows, in a sentence"
    takes = "a picture"
    gives = "a sentence that says what it shows"
    data = "shapes"
    metric = "BLEU-4"
    sample = (
        "pictures.csv",
        "picture,caption\n"
        "dog.jpg,A dog runs through the snow.\n"
        "dog.jpg,A brown dog in deep snow.\n"
        "street.jpg,Two men talk on a street.\n"
        "girl.jpg,A girl reads on a bench.\n",
    )
    inputs = "the path of a picture"
    options = CaptionOptions
    preprocessing = CaptionPreprocessing
    records = CaptionedPictures
    answering = CaptionAnswering
    parting = Parting(apart, apart)

    def open(
        self, source: Any, options: CaptionOptions, fitted: CaptionPreprocessing | None = None
    ) -> Splits[CaptionedPictures]:
        """Reads pictures with captions from a folder or a table."""
        return read_captioned(
            source,
            Columns(options.picture_column, options.caption_column),
            delimiter=options.delimiter,
            encoding=options.encoding,
        )

    def augmented(self, learnt: CaptionedPictures, options: CaptionOptions) -> CaptionedPictures:
        """Returns the training part, to be changed at random as it is read, if asked for."""
        return dataclasses.replace(learnt, varied=options.flip or options.crop > 0)

    def fit(
        self, splits: Splits[CaptionedPictures], options: CaptionOptions
    ) -> CaptionPreprocessing:
        """Finds the words of the captions, and what to answer without a network."""
        package("sacrebleu")  # said now, and not after the training
        learnt = splits.train
        captions = [caption for _, caption in learnt.pairs]
        vocabulary = Vocabulary.fit(
            captions, size=options.vocabulary, splitter="words-and-marks", numbering=END_FIRST
        )
        few = learnt.first(COMPARED)
        ((usual, _),) = Counter(captions).most_common(1)
        said = tuple(some[0] for some in few.captions)
        return CaptionPreprocessing(vocabulary, usual, _thumbnails(few.pictures), said)

    def encode(
        self, records: CaptionedPictures, options: CaptionOptions, fitted: CaptionPreprocessing
    ) -> Lazy:
        """Each caption's words with its picture, which is read as a batch asks."""
        seen = Shown(records.pictures, options.size, flip=options.flip, crop=options.crop)
        if not records.captions:
            return Lazy(
                len(records), lambda row, chance: (seen.at(row, chance),), workers=options.workers
            )
        pairs = [(row, fitted.vocabulary.encode(text)) for row, text in records.pairs]

        def read(number: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            row, words = pairs[number]
            return seen.at(row, chance), words

        how: dict[str, Any] = {"augment": records.varied, "workers": options.workers}
        return Lazy(len(pairs), read, aligned=False, seed=options.seed, **how)

    def model(self, options: CaptionOptions, fitted: CaptionPreprocessing) -> nn.Module:
        """A small convolutional network, and recurrent layers that write from what it gives."""
        return OneToMany(
            front=Frames((3, options.size, options.size), options.features),
            vocabulary=len(fitted.vocabulary),
            end=fitted.vocabulary.end,
            embedding=options.embedding,
            condition=options.condition,
            **options.recurrent(),
        )

    def objective(self, options: CaptionOptions, fitted: CaptionPreprocessing) -> Objective:
        """Cross-entropy of each next word, in nats."""
        return Objective("cross_entropy", ("perplexity",))

    def score(
        self, trained: TrainedHere, records: CaptionedPictures, examples: Examples | Documents
    ) -> Evaluation:
        """BLEU of the captions, how many are exactly right, and BLEU of two without a network."""
        objective, fitted = (
            self.objective(trained.options, trained.preprocessing),
            trained.preprocessing,
        )
        measured = training.evaluate(
            trained.model, examples, loss=objective.loss, metrics=objective.metrics
        )
        bare = dataclasses.replace(records, captions=[])
        answers = self._captioned(trained, bare, CaptionAnswering())
        texts = [each.text for each in answers]
        found = bleu(texts, records.captions)
        same = [
            text in {fitted.vocabulary.decode(fitted.vocabulary.encode(each)) for each in some}
            for text, some in zip(texts, records.captions, strict=True)
        ]
        beside = {
            "bleu4_most_frequent": bleu([fitted.usual] * len(records), records.captions)["bleu4"],
            "bleu4_nearest": bleu(_nearest(fitted, records.pictures), records.captions)["bleu4"],
        }
        values = {**found, "exact": sum(same) / len(same), **beside, **measured}
        return Evaluation(values, (found.how["bleu4"],), answers[:DRAWN])

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores as two lines."""
        each = " ".join(f"{scores[f'bleu{n}']:.1f}" for n in range(1, 5))
        return (
            f"test BLEU-1 to 4: {each}  exactly right {scores['exact']:.4f}  "
            f"perplexity {scores['perplexity']:.4g}\n"
            f"without a network: BLEU-4 {scores['bleu4_most_frequent']:.1f} of the most frequent "
            f"caption, {scores['bleu4_nearest']:.1f} of the nearest picture's"
        )

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> CaptionedPictures:
        """Pictures to say something about."""
        return CaptionedPictures.asked(inputs, self.name)

    def answer(
        self, trained: TrainedHere, records: CaptionedPictures, how: CaptionAnswering
    ) -> list[Answer]:
        """Writes a caption for each picture."""
        return list(self._captioned(trained, records, how))

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """The first pictures, each over its caption."""
        shown = [each for each in answers[:DRAWN] if isinstance(each, Caption)]
        if shown:
            texts = [each.text for each in shown]
            yield "captions", plots.captioned([each.pixels for each in shown], texts)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """The first pictures of the part, each over its caption."""
        yield from self.figures(trained, evaluation.detail or ())

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        paths = pictures(folder / "pictures")
        small = {"size": 8, "features": 4, "embedding": 4}
        return Tiny({"data": str(folder / "pictures"), **small}, paths[:2])

    def _captioned(
        self, trained: TrainedHere, records: CaptionedPictures, how: CaptionAnswering
    ) -> list[Caption]:
        vocabulary = trained.preprocessing.vocabulary
        examples = self.encode(records, trained.options, trained.preprocessing)
        search = searched(how.beam, length_penalty=how.length_penalty)
        written = training.write(
            trained.model, examples, max_steps=how.length, never=[END_FIRST.unknown], **search
        )
        return [
            Caption(picture.name, vocabulary.decode(words), _pixels(examples, row))
            for row, (picture, words) in enumerate(zip(records.pictures, written, strict=True))
        ]


def _pixels(examples: Lazy, row: int) -> Any:
    """(size, size, 3) of one of the pictures that may be drawn."""
    return examples[row][0].permute(1, 2, 0).numpy() if row < DRAWN else None


def _thumbnails(shown: Sequence[Picture]) -> NDArray[np.float64]:
    small = Shown(shown, THUMBNAIL)
    rows = [small.at(row).reshape(-1) for row in range(len(shown))]
    found: NDArray[np.float64] = np.array(rows, dtype=np.float64).round(3)
    return found


def _nearest(fitted: CaptionPreprocessing, asked: Sequence[Picture]) -> list[str]:
    """The caption of the training picture whose pixels are nearest."""
    rows = _thumbnails(asked)
    return [fitted.said[int(((fitted.seen - row) ** 2).sum(axis=1).argmin())] for row in rows]
