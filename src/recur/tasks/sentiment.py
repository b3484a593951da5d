"""Sentiment: is a text for or against? Many-to-one over words, two classes or more.

The defaults are the sizes of the tutorial that most people start with (10,000 words, at most 500
of a review, an embedding of 32, 32 units). What keeps a plain recurrent network learning over 500
steps, and from learning the training texts by heart, is an option each, so that its effect can be
seen: `--padding`, `--pooling`, `--dropout`, `--embedding-std`, `--decay`, `--clip-norm` and others.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from recur import training
from recur.data.labelled import read_labelled_text
from recur.data.padding import pad_sequences
from recur.data.records.labelled import LabelledTexts, stratified
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits, at_the_end
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, listed, must
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.tasks.answers import Answer, Judgement
from recur.tasks.options import Answering, TableData, option
from recur.tasks.sources import name_of
from recur.tasks.task import Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, labelled

MOST_CLASSES = 100
START, PADDING = "(start)", "(padding)"
"""What stands for steps that are no words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentimentOptions(TableData):
    """Options of the task."""

    data: str = option("imdb", "a CSV or JSON lines file, or the name of a dataset")
    text: str = option("text", "the column of the texts, in a file of your own", reads=True)
    label: str = option("label", "the column of the classes, in a file of your own", reads=True)
    drop_bad: bool = option(False, "leave out rows without a text or a label", reads=True)
    vocabulary: int = option(10_000, "the most frequent words that are kept", least=5)
    maxlen: int = option(500, "the most words of a text that are read: its last ones", least=2)
    embedding: int = option(32, "size of a word's vector", least=1)
    embedding_std: float = option(
        0.1, "how far from 0 the words' vectors start: their standard deviation", above=0.0
    )
    pooling: str = option(
        "attention",
        "what is judged: the last output, the mean or the greatest of all steps, or their mean "
        "with learnt weights",
        choices=POOLINGS,
    )
    dropout: float = option(
        0.5,
        "share of words, and of values that are judged, dropped in training",
        least=0.0,
        below=1.0,
    )
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")
    padding: str = option(
        "lengths",
        "skip the padding (lengths), or fill up in front to --maxlen and read it (pre)",
        choices=("lengths", "pre"),
    )
    bucket: bool = option(True, "batches of texts of similar length")


@dataclasses.dataclass(frozen=True)
class SentimentPreprocessing(Fitted):
    """The vocabulary and the classes of the training texts.

    Attributes:
        vocabulary: From words to numbers.
        classes: The classes; a target is an index into them.
    """

    vocabulary: Vocabulary
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(must("classes", "two at least", len(self.classes)))


TrainedHere = Trained[SentimentOptions, SentimentPreprocessing]


class Sentiment(Task[SentimentOptions, LabelledTexts, SentimentPreprocessing, Answering]):
    """The task."""

    name = "sentiment"
    kind = "many-to-one"
    summary = "whether a text is for or against, or another class of texts"
    inputs = "a text"
    options = SentimentOptions
    preprocessing = SentimentPreprocessing
    records = LabelledTexts
    answering = Answering
    parting = Parting(stratified, at_the_end, mixes=True)

    def open(
        self, source: Any, options: SentimentOptions, fitted: SentimentPreprocessing | None = None
    ) -> Splits[LabelledTexts]:
        """Reads texts with labels from a table."""
        found = read_labelled_text(
            source,
            options.text,
            options.label,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
        )
        name = name_of(source)
        classes = len(set(found.labels))
        if classes > MOST_CLASSES:
            todo = "Name the column of the classes (label)."
            expected, got = f"of at most {MOST_CLASSES} classes", f"{classes:,} different ones"
            raise InputError(must(f"the column {options.label!r} of {name}", expected, got, todo))
        texts = LabelledTexts(found.texts, found.labels)
        return Splits(texts, about=name, notes=found.notes)

    def fit(
        self, splits: Splits[LabelledTexts], options: SentimentOptions
    ) -> SentimentPreprocessing:
        """Fits the vocabulary; a class may be known from any part."""
        learnt = splits.train
        vocabulary = Vocabulary.fit(learnt.texts, size=options.vocabulary)
        return SentimentPreprocessing(vocabulary, _classes(splits))

    def encode(
        self, records: LabelledTexts, options: SentimentOptions, fitted: SentimentPreprocessing
    ) -> Sequences:
        """Numbers of words, the last ones of each text, and of its class."""
        targets = _targets(records.labels, fitted.classes) if records.labels else None
        encoded = [fitted.vocabulary.encode(text, maxlen=options.maxlen) for text in records.texts]
        if options.padding == "pre":
            return Sequences(pad_sequences(encoded, maxlen=options.maxlen), targets)
        return Sequences(encoded, targets)

    def model(self, options: SentimentOptions, fitted: SentimentPreprocessing) -> nn.Module:
        """Embedding, recurrent layers, one linear layer: one score for two classes."""
        classes = len(fitted.classes)
        return ManyToOne(
            vocabulary=len(fitted.vocabulary),
            embedding=options.embedding,
            embedding_std=options.embedding_std,
            outputs=1 if classes == 2 else classes,
            pooling=options.pooling,
            **options.recurrent(),
        )

    def objective(self, options: SentimentOptions, fitted: SentimentPreprocessing) -> Objective:
        """Binary cross-entropy for two classes, cross-entropy for more."""
        two = len(fitted.classes) == 2
        loss = "binary_crossentropy_with_logits" if two else "cross_entropy"
        return Objective(loss, ("accuracy",), "val_accuracy")

    def recipe(self, options: SentimentOptions) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        schedule = {"schedule": "linear"} if options.decay else {}
        return {"bucket": options.bucket and options.padding == "lengths", **schedule}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a line."""
        return f"test accuracy {scores['accuracy']:.4f}  test loss {scores['loss']:.4f}"

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> LabelledTexts:
        """Texts to judge."""
        return LabelledTexts.asked(inputs, self.name, '"a wonderful film"')

    def answer(
        self,
        trained: TrainedHere,
        records: LabelledTexts,
        how: Answering,
    ) -> list[Answer]:
        """Judges texts."""
        probabilities = self._judged(trained, records)
        classes = trained.preprocessing.classes
        return [
            Judgement(text, classes[index], float(row[index]))
            for text, index, row in zip(
                records.texts, _best(probabilities), probabilities, strict=True
            )
        ]

    def explained(
        self,
        trained: TrainedHere,
        records: LabelledTexts,
    ) -> list[Attribution]:
        """Says which words mattered for the answer, by integrated gradients."""
        fitted = trained.preprocessing
        encoded = self.encode(records, trained.options, fitted)
        best = _best(self._judged(trained, records))
        found = []
        for number, (text, index) in enumerate(zip(records.texts, best, strict=True)):
            x, _ = encoded[number]
            words = [START, *fitted.vocabulary.split(text)][-len(x) :]
            labels = [PADDING] * (len(x) - len(words)) + words
            found.append(_explained(trained.model, x, labels, fitted.classes, index))
        return found

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = labelled(folder / "texts.csv")
        return Tiny({"data": data, "maxlen": 8}, ("good film", "bad"))

    def _judged(
        self,
        trained: TrainedHere,
        records: LabelledTexts,
    ) -> torch.Tensor:
        """(N, C) probabilities of the classes."""
        encoded = self.encode(records, trained.options, trained.preprocessing)
        return _probabilities(training.predict(trained.model, encoded))


def _classes(splits: Splits[LabelledTexts]) -> tuple[str, ...]:
    """All classes there are; at least two of them must be among the training texts."""
    assert splits.validation is not None
    assert splits.test is not None
    learnt = [*splits.train.labels, *splits.validation.labels]
    if len(Counter(learnt)) < 2:
        got = f"only {learnt[0]!r} in {count(len(learnt), 'text')}"
        expected = "labels of at least two classes"
        raise InputError(must("the training texts", expected, got, "Take more texts."))
    return tuple(sorted({*learnt, *splits.test.labels}))


def _targets(labels: Sequence[str], classes: tuple[str, ...]) -> Any:
    numbers = {label: index for index, label in enumerate(classes)}
    for label in labels:
        if label not in numbers:
            expected = listed(map(repr, classes))
            raise InputError(must("a label", expected, repr(label), "The run knows no other."))
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def _best(probabilities: torch.Tensor) -> list[int]:
    best: list[int] = probabilities.argmax(dim=1).tolist()
    return best


def _explained(
    model: nn.Module, x: Any, labels: list[str], classes: tuple[str, ...], index: int
) -> Attribution:
    """What spoke for the class of that index. Of two there is one score: that of the second."""
    if len(classes) > 2:
        return integrated_gradients(model, x, labels=labels, names=classes, output=index)
    of_second = integrated_gradients(model, x, labels=labels, names=classes[1:], output=0)
    return of_second if index else of_second.opposite(classes[0])


def _probabilities(scores: torch.Tensor) -> torch.Tensor:
    """(N, 1) scores of the second class, or (N, C) of each, to (N, 2) or (N, C)."""
    if scores.shape[1] > 1:
        return scores.softmax(dim=1)
    second = scores.sigmoid()
    return torch.cat([1 - second, second], dim=1)
