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
from typing import Any, Self, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recur import schema, training
from recur.data.datasets.reviews import Reviews, split_reviews
from recur.data.labelled import Labelled as LabelledText
from recur.data.labelled import read_labelled_text
from recur.data.padding import pad_sequences
from recur.data.sequences import Sequences
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, listed, must
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.tasks.options import Options, option
from recur.tasks.sources import dataset
from recur.tasks.task import HeldOut, Prediction, Prepared, Task, Trained

MOST_CLASSES = 100
OWN_TEST = 0.2
"""Share of a user's own texts held out for testing."""
ORDER = 113
"""Seeds the order of texts. No option: the first N texts are the same ones for every seed."""
START, PADDING = "(start)", "(padding)"
"""What stands for steps that are no words."""

Labelled = tuple[list[str], list[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentimentOptions(Options):
    """Options of the task."""

    data: str = option("imdb", "a CSV or JSON lines file, or the name of a dataset")
    text: str = option("text", "the column of the texts, in a file of your own")
    label: str = option("label", "the column of the classes, in a file of your own")
    delimiter: str = option(
        "", "comma, semicolon, tab, pipe or a character, in a file (default: found)"
    )
    encoding: str = option("", "of a file, such as cp1252 (default: UTF-8, or UTF-16 by its mark)")
    drop_bad: bool = option(False, "leave out rows without a text or a label")
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
class SentimentPreprocessing:
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

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"classes": list(self.classes), "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        known = schema.read(_Stored, stored, "it")
        return cls(Vocabulary.from_json(known["vocabulary"]), tuple(known["classes"]))


class _Stored(TypedDict):
    vocabulary: dict[str, Any]
    classes: list[str]


@dataclasses.dataclass(frozen=True)
class Judgement:
    """An answer: the most probable class of a text."""

    text: str
    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label}  {self.probability:.4f}  {self.text}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        return dataclasses.asdict(self)


class Sentiment(Task[SentimentOptions, SentimentPreprocessing, Sequences]):
    """The task."""

    name = "sentiment"
    kind = "many-to-one"
    summary = "whether a text is for or against, or another class of texts"
    inputs = "a text"
    options = SentimentOptions
    preprocessing = SentimentPreprocessing
    metrics = ("accuracy",)
    monitor = "val_accuracy"
    reading = adjustable = ("text", "label", "delimiter", "encoding", "drop_bad")

    def prepare(self, options: SentimentOptions) -> Prepared[SentimentPreprocessing, Sequences]:
        """Reads texts, and fits the vocabulary on those that the model learns from."""
        reviews = _read(options)
        classes = _classes(reviews)
        learn, validate = _split((reviews.train, reviews.train_labels), options.validation_split)
        vocabulary = Vocabulary.fit(learn[0], size=options.vocabulary)
        fitted = SentimentPreprocessing(vocabulary, classes)
        train, validation = _encoded(learn, options, fitted), _encoded(validate, options, fitted)
        test = _encoded((reviews.test, reviews.test_labels), options, fitted)
        about = f"{reviews.about}: {len(train):,} texts to learn from, {len(validation):,} to "
        about += f"choose the best epoch by, {len(test):,} to test on"
        return Prepared(about, train, validation, HeldOut(test, reviews.notes), fitted)

    def held_out(
        self, options: SentimentOptions, preprocessing: SentimentPreprocessing, data: str = ""
    ) -> HeldOut[Sequences]:
        """Returns the test texts, or all texts of a file."""
        if data and dataset(data, self.name) is None:
            texts, labels, notes = _labelled(data, options)
            return HeldOut(_encoded((texts, labels), options, preprocessing), notes)
        reviews = _read(dataclasses.replace(options, data=data or options.data))
        test = _encoded((reviews.test, reviews.test_labels), options, preprocessing)
        return HeldOut(test, reviews.notes)

    def model(self, options: SentimentOptions, preprocessing: SentimentPreprocessing) -> nn.Module:
        """Embedding, recurrent layers, one linear layer: one score for two classes."""
        classes = len(preprocessing.classes)
        return ManyToOne(
            vocabulary=len(preprocessing.vocabulary),
            embedding=options.embedding,
            embedding_std=options.embedding_std,
            outputs=1 if classes == 2 else classes,
            pooling=options.pooling,
            **options.recurrent(),
        )

    def loss(self, preprocessing: SentimentPreprocessing) -> str:
        """Binary cross-entropy for two classes, cross-entropy for more."""
        two = len(preprocessing.classes) == 2
        return "binary_crossentropy_with_logits" if two else "cross_entropy"

    def fit(
        self,
        model: nn.Module,
        prepared: Prepared[SentimentPreprocessing, Sequences],
        options: SentimentOptions,
        **loop: Any,
    ) -> training.History:
        """Trains, with batches of similar length and a step size that falls if asked for."""
        how = self.falling(model, prepared, options) if options.decay else {}
        bucket = options.bucket and options.padding == "lengths"
        return super().fit(model, prepared, options, bucket=bucket, **how, **loop)

    def evaluate(
        self, trained: Trained[SentimentOptions, SentimentPreprocessing], data: Sequences
    ) -> dict[str, float]:
        """Returns the loss and the accuracy."""
        loss = self.loss(trained.preprocessing)
        return training.evaluate(trained.model, data, loss=loss, metrics=self.metrics)

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores in a line."""
        return f"test accuracy {scores['accuracy']:.4f}  test loss {scores['loss']:.4f}"

    def predict(
        self,
        trained: Trained[SentimentOptions, SentimentPreprocessing],
        inputs: Sequence[str],
    ) -> list[Prediction]:
        """Judges texts."""
        texts = _texts(inputs)
        encoded = _sequences(texts, None, trained.options, trained.preprocessing.vocabulary)
        probabilities = _probabilities(training.predict(trained.model, encoded))
        classes = trained.preprocessing.classes
        return [
            Judgement(text, classes[index], float(row[index]))
            for text, index, row in zip(texts, _best(probabilities), probabilities, strict=True)
        ]

    def why(
        self,
        trained: Trained[SentimentOptions, SentimentPreprocessing],
        inputs: Sequence[str],
    ) -> list[Attribution]:
        """Says which words mattered for the answer, by integrated gradients."""
        texts, fitted = _texts(inputs), trained.preprocessing
        encoded = _sequences(texts, None, trained.options, fitted.vocabulary)
        best = _best(_probabilities(training.predict(trained.model, encoded)))
        found = []
        for number, (text, index) in enumerate(zip(texts, best, strict=True)):
            x, _ = encoded[number]
            words = [START, *fitted.vocabulary.split(text)][-len(x) :]
            labels = [PADDING] * (len(x) - len(words)) + words
            found.append(_explained(trained.model, x, labels, fitted.classes, index))
        return found


def _texts(inputs: Sequence[str]) -> list[str]:
    texts = list(inputs)
    if not texts or not all(text.strip() for text in texts):
        raise InputError('sentiment needs a text that is not empty, such as "a wonderful film".')
    return texts


def _read(options: SentimentOptions) -> Reviews:
    """Reads the data that the options name, in an order that no label rules, cut to the limit."""
    named = dataset(options.data, Sentiment.name)
    reviews: Reviews = named.load_text() if named else _read_file(options)
    train, train_labels = _mixed(reviews.train, reviews.train_labels, options.limit)
    test, test_labels = _mixed(reviews.test, reviews.test_labels, options.limit)
    notes = reviews.notes
    if options.limit is not None and options.limit < len(reviews.test):
        notes += (f"Only {count(len(test), 'text')} were tested on (limit).",)
    return Reviews(train, train_labels, test, test_labels, reviews.about, notes)


def _read_file(options: SentimentOptions) -> Reviews:
    texts, labels, notes = _labelled(options.data, options)
    name = Path(options.data).name
    classes = len(set(labels))
    if classes > MOST_CLASSES:
        todo = "Name the column of the classes (label)."
        expected, got = f"of at most {MOST_CLASSES} classes", f"{classes:,} different ones"
        raise InputError(must(f"the column {options.label!r} of {name}", expected, got, todo))
    reviews = split_reviews(texts, labels, OWN_TEST, name)
    if not reviews.test or len(reviews.train) < 2:
        expected = "enough to train, validate and test on: 3 texts of a class at least"
        got = count(len(set(texts)), "different text")
        raise InputError(must(name, expected, got, "Add more."))
    note = f"Tested on {count(len(reviews.test), 'text')} of {name}, held out from training."
    return dataclasses.replace(reviews, notes=(*notes, note))


def _labelled(path: str, options: SentimentOptions) -> LabelledText:
    return read_labelled_text(
        path,
        options.text,
        options.label,
        delimiter=options.delimiter,
        encoding=options.encoding,
        drop_bad=options.drop_bad,
    )


def _mixed(texts: list[str], labels: list[str], limit: int | None) -> Labelled:
    """The same order every time, whatever the seed, so that a limit means the same texts."""
    order = np.random.default_rng(ORDER).permutation(len(texts))[:limit].tolist()
    return [texts[index] for index in order], [labels[index] for index in order]


def _split(examples: Labelled, fraction: float) -> tuple[Labelled, Labelled]:
    """The last fraction is for validation, as Keras' validation_split; both sides get some."""
    texts, labels = examples
    kept = min(max(round(len(texts) * (1 - fraction)), 1), len(texts) - 1)
    return (texts[:kept], labels[:kept]), (texts[kept:], labels[kept:])


def _classes(reviews: Reviews) -> tuple[str, ...]:
    """All classes there are; at least two of them must be among the training texts."""
    learnt = Counter(reviews.train_labels)
    if len(learnt) < 2:
        got = f"only {reviews.train_labels[0]!r} in {count(len(reviews.train), 'text')}"
        expected = "labels of at least two classes"
        raise InputError(must("the training texts", expected, got, "Take more texts."))
    return tuple(sorted(learnt.keys() | set(reviews.test_labels)))


def _encoded(
    examples: Labelled, options: SentimentOptions, fitted: SentimentPreprocessing
) -> Sequences:
    texts, labels = examples
    numbers = {label: index for index, label in enumerate(fitted.classes)}
    for label in labels:
        if label not in numbers:
            expected = listed(map(repr, fitted.classes))
            raise InputError(must("a label", expected, repr(label), "The run knows no other."))
    targets = np.array([numbers[label] for label in labels], dtype=np.int64)
    return _sequences(texts, targets, options, fitted.vocabulary)


def _sequences(
    texts: Sequence[str],
    targets: NDArray[np.int64] | None,
    options: SentimentOptions,
    vocabulary: Vocabulary,
) -> Sequences:
    encoded = [vocabulary.encode(text, maxlen=options.maxlen) for text in texts]
    if options.padding == "pre":
        return Sequences(pad_sequences(encoded, maxlen=options.maxlen), targets)
    return Sequences(encoded, targets)


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
