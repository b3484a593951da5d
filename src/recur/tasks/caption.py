"""Caption: what a picture shows, in a sentence. One-to-many.

A small convolutional network reads the picture and gives a vector for each of its cells; recurrent
layers start from their maxima and write the caption a word at a time, and at each word they look at
some of the cells (K. Xu et al., "Show, attend and tell", arXiv:1502.03044). Without attention there
is one vector (O. Vinyals et al., "Show and tell", arXiv:1411.4555). All of it is learnt together,
from nothing: there are no weights of a larger data set in it, unless a file of features is given.
"""

from __future__ import annotations

import dataclasses
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recur import plots, training
from recur.data.documents import Documents
from recur.data.examples import Examples, Lazy
from recur.data.numbering import END_FIRST
from recur.data.records.captioned import CaptionedPictures, Columns, apart, read_captioned
from recur.data.splits import Parting, Splits
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution
from recur.diagnostics.cells import cells_that_mattered, looked_at
from recur.messages import InputError, brief
from recur.models.fronts import Cells, Frames, Spread, convolutions
from recur.models.one_to_many import OneToMany
from recur.scoring.captions import beside
from recur.scoring.scores import package
from recur.tasks.answers import Answer
from recur.tasks.caption_options import WITHOUT, CaptionAnswering, CaptionOptions
from recur.tasks.caption_pictures import as_drawn, checked_features, nearest, seeing, thumbnails
from recur.tasks.options import searched
from recur.tasks.paired import RISE_AND_FALL
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARED = 1000
"""Pictures of the training part that the nearest one is looked for among."""
DRAWN = 12
"""Pictures of answers that are drawn at most."""
LOOKED = 4
"""Of these, where the network looked is drawn of so many."""
FILTERS, STRIDES = (16, 32, 64), (2, 2, 2)
"""Of the convolutions that give the cells of a picture."""
SHOWN = 60
"""Letters of a caption in a title."""


@dataclasses.dataclass(frozen=True, eq=False)
class CaptionPreprocessing(Fitted):
    """The words of the training captions, and two answers that need no network.

    Attributes:
        vocabulary: from words to numbers.
        usual: the most frequent caption.
        seen: (N, 192) pictures of the training part, 8 by 8 pixels.
        said: a caption of each.
        shape: of the features that a file gives for a picture; of pixels: empty.
    """

    vocabulary: Vocabulary
    usual: str
    seen: NDArray[np.float64]
    said: tuple[str, ...]
    shape: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON; of pixels as runs have it that are older than files of features."""
        stored = super().to_json()
        return stored if self.shape else {n: v for n, v in stored.items() if n != "shape"}


@dataclasses.dataclass(frozen=True, eq=False)
class Caption(Answer):
    """A picture and its caption.

    Attributes:
        picture: its name.
        text: the caption.
        pixels: (size, size, 3), as the network saw it; of the first answers alone.
        words: the words of the caption, marks too; of the first answers alone.
        looked: (words, h, w), how much of its attention each word gave to each cell of the picture;
            of the first answers alone, and None without attention.
    """

    picture: str
    text: str
    pixels: Any = dataclasses.field(default=None, repr=False)
    words: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    looked: Any = dataclasses.field(default=None, repr=False)

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
    before = types.MappingProxyType({"attention": WITHOUT, "decay": False})

    def open(
        self, source: Any, options: CaptionOptions, fitted: CaptionPreprocessing | None = None
    ) -> Splits[CaptionedPictures]:
        """Reads pictures with captions from a folder or a table."""
        return read_captioned(
            source,
            Columns(options.picture_column, options.caption_column),
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
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
        shape = checked_features(splits, options)
        return CaptionPreprocessing(vocabulary, usual, thumbnails(few.pictures), said, shape)

    def encode(
        self, records: CaptionedPictures, options: CaptionOptions, fitted: CaptionPreprocessing
    ) -> Lazy:
        """Each caption's words with its picture, which is read as a batch asks."""
        see = seeing(records, options, fitted.shape)
        if not records.captions:
            return Lazy(
                len(records), lambda row, chance: (see(row, chance),), workers=options.workers
            )
        pairs = [(row, fitted.vocabulary.encode(text)) for row, text in records.pairs]

        def read(number: int, chance: np.random.Generator | None) -> tuple[Any, ...]:
            row, words = pairs[number]
            return see(row, chance), words

        how: dict[str, Any] = {"augment": records.varied, "workers": options.workers}
        return Lazy(len(pairs), read, aligned=False, seed=options.seed, **how)

    def model(self, options: CaptionOptions, fitted: CaptionPreprocessing) -> nn.Module:
        """A small convolutional network, and recurrent layers that write from what it gives."""
        pixels = (3, options.size, options.size)
        front: Cells | Frames
        if fitted.shape:
            front = Cells(nn.Identity(), fitted.shape, options.features)
        elif options.attention == WITHOUT:
            front = Frames(pixels, options.features)
        else:
            network = nn.Sequential(Spread(), *convolutions(3, FILTERS, STRIDES))
            front = Cells(network, pixels, options.features)
        return OneToMany(
            front=front,
            pooling="max",
            attention=None if options.attention == WITHOUT else options.attention,
            vocabulary=len(fitted.vocabulary),
            end=fitted.vocabulary.end,
            embedding=options.embedding,
            condition=options.condition,
            **options.recurrent(),
        )

    def objective(self, options: CaptionOptions, fitted: CaptionPreprocessing) -> Objective:
        """Cross-entropy of each next word, in nats."""
        return Objective("cross_entropy", ("perplexity",))

    def recipe(self, options: CaptionOptions) -> dict[str, Any]:
        """A step size that rises and falls, and how sure of a word a network may be."""
        schedule = RISE_AND_FALL if options.decay else {}
        return {"label_smoothing": options.label_smoothing, **schedule}

    def score(
        self, trained: TrainedHere, records: CaptionedPictures, examples: Examples | Documents
    ) -> Evaluation:
        """BLEU and CIDEr of the captions, and of two without a network; how many are exact."""
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
        others = {
            "most_frequent": [fitted.usual] * len(records),
            "nearest": nearest(fitted.seen, fitted.said, records.pictures),
        }
        found, notes = beside(texts, others, records.captions)
        same = [
            text in {fitted.vocabulary.decode(fitted.vocabulary.encode(each)) for each in some}
            for text, some in zip(texts, records.captions, strict=True)
        ]
        values = {**found, "exact": sum(same) / len(same), **measured}
        return Evaluation(values, notes, answers[:DRAWN])

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores as two lines."""
        each = " ".join(f"{scores[f'bleu{n}']:.1f}" for n in range(1, 5))
        own, usual, nearest = (
            f"  CIDEr {scores[name]:.3f}" if name in scores else ""
            for name in ("cider", "cider_most_frequent", "cider_nearest")
        )
        return (
            f"test BLEU-1 to 4: {each}{own}  exactly right {scores['exact']:.4f}  "
            f"perplexity {scores['perplexity']:.4g}\n"
            f"without a network: BLEU-4 {scores['bleu4_most_frequent']:.1f}{usual} of the most "
            f"frequent caption, {scores['bleu4_nearest']:.1f}{nearest} of the nearest picture's"
        )

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> CaptionedPictures:
        """Pictures to say something about."""
        return CaptionedPictures.asked(inputs, self.name)

    def answer(
        self, trained: TrainedHere, records: CaptionedPictures, how: CaptionAnswering
    ) -> list[Answer]:
        """Writes a caption for each picture."""
        return list(self._captioned(trained, records, how))

    def explained(
        self, trained: TrainedHere, records: CaptionedPictures, how: CaptionAnswering
    ) -> list[Attribution]:
        """Says on which cells of the picture the whole caption rests."""
        if trained.options.attention == WITHOUT:
            raise InputError(
                "This network takes a picture as a whole (attention none), so that no part of it "
                "can be told apart. Train one with attention, or leave why out."
            )
        assert isinstance(trained.model, OneToMany)
        vocabulary = trained.preprocessing.vocabulary
        examples, written = self._written(trained, records, how)
        found: list[Attribution] = []
        for row, pixels in enumerate(as_drawn(records.pictures, trained.options)):
            target = torch.tensor([*written[row], vocabulary.end])
            name, x = brief(vocabulary.decode(written[row]), SHOWN), examples[row][0]
            found.append(cells_that_mattered(trained.model, x, target, name=name, picture=pixels))
        return found

    def figures(
        self, trained: TrainedHere, answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """The first pictures over their captions, and where each word of some of them looked."""
        shown = [each for each in answers[:DRAWN] if isinstance(each, Caption)]
        if shown:
            texts = [each.text for each in shown]
            yield "captions", plots.captioned([each.pixels for each in shown], texts)
        for number, each in enumerate(shown[:LOOKED], start=1):
            if each.looked is not None and each.words:
                name = f"looked-{number}" if len(shown) > 1 else "looked"
                yield name, plots.looked(each.pixels, each.words, each.looked, title=each.text)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """As `figures`, of the first pictures of the part."""
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
        examples, written = self._written(trained, records, how)
        shown = as_drawn(records.pictures[:DRAWN], trained.options)
        answers = [
            Caption(picture.name, vocabulary.decode(words))
            for picture, words in zip(records.pictures, written, strict=True)
        ]
        for row, pixels in enumerate(shown):
            assert isinstance(trained.model, OneToMany)
            target = torch.tensor(written[row], dtype=torch.int64)
            answers[row] = dataclasses.replace(
                answers[row],
                pixels=pixels,
                words=tuple(map(vocabulary.piece, written[row])),
                looked=looked_at(trained.model, examples[row][0], target),
            )
        return answers

    def _written(
        self, trained: TrainedHere, records: CaptionedPictures, how: CaptionAnswering
    ) -> tuple[Lazy, list[list[int]]]:
        """What the network is given of each picture, and the words that it writes."""
        options = trained.options
        if how.features_file:
            options = dataclasses.replace(options, features_file=how.features_file)
        bare = dataclasses.replace(records, captions=[])
        examples = self.encode(bare, options, trained.preprocessing)
        search = searched(how.beam, length_penalty=how.length_penalty)
        written = training.write(
            trained.model, examples, max_steps=how.length, never=[END_FIRST.unknown], **search
        )
        return examples, written
