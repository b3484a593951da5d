"""What tasks share that read words and give classes: how texts are read, learnt and judged."""

from __future__ import annotations

import abc
import dataclasses
import os
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import nn

from recur import training
from recur.data import labels
from recur.data.labelled import Labelled, read_labelled_text, texts_of
from recur.data.labelled_folder import read_labelled_folder
from recur.data.neighbours import frequent_pairs
from recur.data.ngrams import LONGEST
from recur.data.padding import pad_sequences
from recur.data.records.labelled import LabelledTexts, stratified
from recur.data.records.pairs import lines_of
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits, at_the_end
from recur.data.tables import is_table
from recur.data.vocabulary import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import InputError, count, must
from recur.models.fronts import TokensAndPairs
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.models.wide import Wide
from recur.tasks import ngrams
from recur.tasks.answers import Answer
from recur.tasks.label_kinds import KINDS, Kind
from recur.tasks.options import Answering, TableData, option
from recur.tasks.preparing import Prepared
from recur.tasks.sources import name_of
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained, content_of
from recur.tasks.text_answers import answered
from recur.tasks.tiny import Tiny, labelled


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordOptions(TableData):
    """Options of tasks that read words and give classes."""

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
    segment: int = option(
        0,
        "cut texts into segments of so many words, which are walked side by side; 0 for whole ones",
        least=0,
    )
    pairs: int = option(
        0, "the most frequent pairs of neighbouring words that have a vector beside", least=0
    )
    direct: bool = option(
        False, "judge the sum of the words' vectors too, past the recurrent layers"
    )
    wide: bool = option(
        False, "add a linear model of words and of words in a row: for one class a text"
    )
    ngrams: int = option(2, "with wide: words in a row, at most", least=0, most=LONGEST)
    once: bool = option(
        False, "with wide: words count once in a text, however often they stand there"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment and self.pooling == "last":
            todo = "Choose another pooling, or leave segment out."
            raise InputError(must("pooling", "another one than last with segment", "last", todo))
        if self.wide and self.pairs:
            todo = "Words in a row are among what it counts (ngrams)."
            raise InputError(must("pairs", "0 with wide", self.pairs, todo))

    def meaning(self) -> tuple[str, str]:
        """What labels are and what stands between several, as `recur.data.labels` takes them."""
        return labels.ONE, ""


@dataclasses.dataclass(frozen=True)
class Known(Fitted):
    """The vocabulary and the classes of the training texts.

    Attributes:
        vocabulary: From words to numbers.
        classes: The classes; a target is an index into them.
        pairs: Two ids each: pairs of words that have a vector of their own.
        grams: How many n-grams have a row in the table of a linear model; None where there is none,
            and in runs of before there were n-grams.
    """

    vocabulary: Vocabulary
    classes: tuple[str, ...]
    pairs: tuple[tuple[int, ...], ...] = dataclasses.field(default=(), kw_only=True)
    grams: int | None = dataclasses.field(default=None, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """As of all that is fitted; as runs of before have it where there is nothing more."""
        stored = super().to_json()
        none = {"pairs": not self.pairs, "grams": self.grams is None}
        return {name: value for name, value in stored.items() if not none.get(name)}

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(must("classes", "two at least", len(self.classes)))

    @property
    def kind(self) -> Kind:
        """What labels are."""
        return KINDS[labels.ONE]


O = TypeVar("O", bound=WordOptions)  # noqa: E741
F = TypeVar("F", bound=Known)


class OfTexts(Task[O, LabelledTexts, F, Answering]):
    """What classes of texts have in common, whatever they are.

    Attributes:
        most_classes: of a file; with more it is another column that was meant.
    """

    kind = "many-to-one"
    inputs = "a text"
    records = LabelledTexts
    answering = Answering
    parting = Parting(stratified, at_the_end, mixes=True)
    before = types.MappingProxyType({"ngrams": 0})
    most_classes: ClassVar[int]

    @abc.abstractmethod
    def fitted(self, vocabulary: Vocabulary, classes: tuple[str, ...], kind: str) -> F:
        """The preprocessing."""

    def open(self, source: Any, options: O, fitted: F | None = None) -> Splits[LabelledTexts]:
        """Reads texts with labels from a table, or from a folder for each class."""
        kind, between = options.meaning()
        kind = fitted.kind.name if fitted else kind
        if isinstance(source, str | os.PathLike) and os.path.isdir(source):
            return _of_folder(Path(source), options, alone=fitted is not None)
        found = read_labelled_text(
            source,
            options.text,
            options.label,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
            lists=kind in ("", labels.SEVERAL),
            empty=kind == labels.SEVERAL,
            alone=fitted is not None,
        )
        meant = labels.meant(found.labels, options.label, kind, between)
        name = name_of(source)
        classes = len(labels.ordered(meant.labels, meant.kind))
        if classes > self.most_classes:
            todo = "Name the column of the classes (label)."
            expected, got = f"of at most {self.most_classes} classes", f"{classes:,} different ones"
            raise InputError(must(f"the column {options.label!r} of {name}", expected, got, todo))
        texts = LabelledTexts(found.texts, meant.labels, meant.kind)
        return Splits(texts, about=name, notes=(*found.notes, *meant.notes))

    def fit(self, splits: Splits[LabelledTexts], options: O) -> F:
        """Fits the vocabulary; a class may be known from any part."""
        kind = splits.train.kind or labels.ONE
        vocabulary = Vocabulary.fit(splits.train.texts, size=options.vocabulary)
        fitted = self.fitted(vocabulary, _classes(splits, kind), kind)
        if not options.pairs and not options.wide:
            return fitted
        read = (vocabulary.encode(text, maxlen=options.maxlen) for text in splits.train.texts)
        rows = [np.asarray(row, dtype=np.int64) for row in read]
        if options.pairs:
            found = frequent_pairs(rows, options.pairs, first=vocabulary.numbering.first)
            fitted = dataclasses.replace(fitted, pairs=tuple(map(tuple, found.tolist())))
        if not options.wide:
            return fitted
        if kind != labels.ONE:
            got = f"{kind!r} labels"
            raise InputError(must("wide", "left out but with one class a text", got))
        grams = len(_counting(options, fitted).known(rows))
        return dataclasses.replace(fitted, grams=grams)

    def encode(self, records: LabelledTexts, options: O, fitted: F) -> Sequences:
        """Numbers of words, the last ones of each text, and what is learnt of its labels."""
        targets = None
        if records.labels:
            rows = labels.numbered(records.labels, fitted.classes)
            targets = fitted.kind.targets(rows, len(fitted.classes))
        encoded = [fitted.vocabulary.encode(text, maxlen=options.maxlen) for text in records.texts]
        if options.padding == "pre":
            return Sequences(pad_sequences(encoded, maxlen=options.maxlen), targets)
        return Sequences(encoded, targets)

    def model(self, options: O, fitted: F) -> nn.Module:
        """Embedding, recurrent layers, one linear layer; a linear model of n-grams if asked for."""
        network = {
            "segment": options.segment or None,
            "direct": options.direct,
            "outputs": fitted.kind.outputs(len(fitted.classes)),
            "pooling": options.pooling,
            **options.recurrent(),
        }
        if not options.wide:
            return ManyToOne(**_reads(options, fitted), **network)
        return Wide(
            vocabulary=len(fitted.vocabulary),
            embedding=options.embedding,
            embedding_std=options.embedding_std,
            nothing=fitted.vocabulary.numbering.first,
            longest=max(options.ngrams, 1),
            grams=fitted.grams,
            once=options.once,
            **network,
        )

    def complete(self, model: nn.Module, prepared: Prepared[LabelledTexts], options: O) -> None:
        """Fits the linear model of n-grams, if asked for."""
        if isinstance(model, Wide):
            assert isinstance(prepared.train, Sequences)
            assert isinstance(prepared.validation, Sequences)
            counting = _counting(options, prepared.preprocessing)
            ngrams.complete(model, prepared.train, prepared.validation, counting)

    def objective(self, options: O, fitted: F) -> Objective:
        """Cross-entropy, as the kind of labels has it."""
        return fitted.kind.objective(len(fitted.classes))

    def recipe(self, options: O) -> dict[str, Any]:
        """Batches of similar length, and a step size that falls if asked for."""
        schedule = {"schedule": "linear"} if options.decay else {}
        return {"bucket": options.bucket and options.padding == "lengths", **schedule}

    def asked(self, trained: Trained[O, F], inputs: Sequence[Any]) -> LabelledTexts:
        """Texts to judge."""
        return LabelledTexts.asked(inputs, self.name, '"a wonderful film"')

    def inputs_of(self, file: str, options: O | None = None) -> list[str]:
        """Returns the texts of a file: its lines, blank ones too; of a table, as in training.

        Raises:
            InputError: if it cannot be read, or a table has no column of texts.
        """
        if file == "-" or not is_table(file):
            return lines_of(content_of(file))
        how = options or self.options()
        return texts_of(file, how.text, delimiter=how.delimiter, encoding=how.encoding)

    def answer(
        self, trained: Trained[O, F], records: LabelledTexts, how: Answering
    ) -> list[Answer]:
        """Judges texts; blank ones get no answer."""
        fitted = trained.preprocessing
        encoded = self.encode(records, trained.options, fitted)
        probabilities, chosen = judged(trained, encoded)
        rows = zip(records.texts, probabilities.tolist(), chosen, strict=True)
        classes, kind = fitted.classes, fitted.kind
        return [answered(text, row, best, classes, kind) for text, row, best in rows]

    def explained(
        self, trained: Trained[O, F], records: LabelledTexts, how: Answering
    ) -> list[Attribution]:
        """Says which words mattered for the answer, by integrated gradients."""
        fitted = trained.preprocessing
        encoded = self.encode(records, trained.options, fitted)
        probabilities, chosen = judged(trained, encoded)
        found = []
        for number, text in enumerate(records.texts):
            x, _ = encoded[number]
            words = fitted.vocabulary.split(text)[-len(x) :]
            none = len(x) - len(words)  # steps that are no words: padding, and the start
            best = chosen[number] or (int(probabilities[number].argmax()),)
            why = fitted.kind.told_by(best[0], fitted.classes)
            each = integrated_gradients(
                trained.model,
                x,
                labels=[*[""] * none, *words],
                output=why.output,
                told=[*[False] * none, *[True] * len(words)],
            )
            each = dataclasses.replace(each, name=why.name, prose=True)
            found.append(each if why.sign > 0 else each.opposite(why.name))
        return found

    def score(self, trained: Trained[O, F], records: LabelledTexts, examples: Any) -> Evaluation:
        """The objective's scores; beside a linear model, those of both parts too."""
        found = super().score(trained, records, examples)
        alone = ngrams.alone(trained.model, examples, trained.preprocessing.kind)
        return dataclasses.replace(found, values={**found.values, **alone})

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = labelled(folder / "texts.csv")
        return Tiny({"data": data, "maxlen": 8}, ("good film", "bad"))


def _counting(options: WordOptions, fitted: Known) -> ngrams.Counting:
    """How n-grams are counted."""
    classes = len(fitted.classes)
    return ngrams.Counting(options.ngrams, options.once, fitted.vocabulary, classes)


def _reads(options: WordOptions, fitted: Known) -> dict[str, Any]:
    """What stands before the recurrent layers, as `ManyToOne` takes it."""
    words, size, std = len(fitted.vocabulary), options.embedding, options.embedding_std
    if not fitted.pairs:
        return {"vocabulary": words, "embedding": size, "embedding_std": std}
    front = TokensAndPairs(words, fitted.pairs, size, std=std, dropout=options.dropout)
    return {"front": front, "embedding_dropout": 0.0}


def judged(trained: Trained[Any, Any], examples: Any) -> tuple[torch.Tensor, list[tuple[int, ...]]]:
    """(N, C) the probabilities of the classes, and the numbers of those that are answered."""
    kind: Kind = trained.preprocessing.kind
    probabilities = kind.probabilities(training.predict(trained.model, examples))
    limits = (trained.calibration or {}).get("thresholds")
    return probabilities, kind.chosen(probabilities, limits)


def _of_folder(folder: Path, options: WordOptions, *, alone: bool) -> Splits[LabelledTexts]:
    found = read_labelled_folder(
        folder, encoding=options.encoding, drop_bad=options.drop_bad, alone=alone
    )

    def records(part: Labelled) -> LabelledTexts:
        kind = labels.ORDINAL if options.meaning()[0] == labels.ORDINAL else labels.ONE
        meant = labels.meant(part.labels, "label", kind)
        return LabelledTexts(part.texts, meant.labels, meant.kind)

    train, validation, test = (None if part is None else records(part) for part in found)
    assert train is not None
    notes = tuple(note for part in found if part is not None for note in part.notes)
    return Splits(train, validation, test, about=folder.name, notes=notes)


def _classes(splits: Splits[LabelledTexts], kind: str) -> tuple[str, ...]:
    """All classes there are; at least two of them must be among the training texts."""
    assert splits.validation is not None
    assert splits.test is not None
    learnt = [*splits.train.labels, *splits.validation.labels]
    names = labels.ordered(learnt, kind)
    if len(names) < 2:
        got = f"only {''.join(names)!r} in {count(len(learnt), 'text')}"
        expected = "labels of at least two classes"
        raise InputError(must("the training texts", expected, got, "Take more texts."))
    return labels.ordered([*learnt, *splits.test.labels], kind)
