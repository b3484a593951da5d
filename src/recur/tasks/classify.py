"""Classify: which class, which classes or which rating does a text have? Many-to-one over words.

One's own texts come as a table (CSV, TSV, JSON lines, Parquet, Excel, a DataFrame):

    text,label
    "The orbit decays within weeks",space
    "Overtime, and the goalie saved it",hockey

or as a folder for each class: FOLDER/CLASS/*.txt, or FOLDER/train/CLASS/*.txt and
FOLDER/test/CLASS/*.txt. Several labels of a text stand in one cell ("space|politics") or are a list
in JSON; ratings are numbers. What labels are is found, said, and can be told (`--labels`).
"""

from __future__ import annotations

import abc
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import nn

from recur import scoring, training
from recur.data import labels
from recur.data.examples import Examples
from recur.data.labelled import Labelled, read_labelled_text
from recur.data.labelled_folder import read_labelled_folder
from recur.data.padding import pad_sequences
from recur.data.records.labelled import LabelledTexts, stratified
from recur.data.sequences import Sequences
from recur.data.splits import Parting, Splits, at_the_end
from recur.data.text import Vocabulary
from recur.diagnostics import Attribution, integrated_gradients
from recur.diagnostics.telling import Asked, telling
from recur.messages import InputError, count, must
from recur.models.deep import CELLS
from recur.models.many_to_one import POOLINGS, ManyToOne
from recur.scoring import yardsticks
from recur.tasks.answers import Answer, Judgement
from recur.tasks.label_kinds import KINDS, Kind, thresholds
from recur.tasks.options import Answering, TableData, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny, labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START, PADDING = "(start)", "(padding)"
"""What stands for steps that are no words."""
MOST_TOLD = 100
"""Texts of each class, at most, that are asked which words spoke for it."""
BESIDE = "linear_"
"""What stands before the names of the linear model's scores."""
SAID = {
    "accuracy": "accuracy",
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "exact": "all labels right",
    "quadratic_kappa": "quadratic kappa",
    "mae": "mean error",
}
"""What scores are called."""


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

    def meaning(self) -> tuple[str, str]:
        """What labels are and what stands between several, as `recur.data.labels` takes them."""
        return labels.ONE, ""


@dataclasses.dataclass(frozen=True)
class Known(Fitted):
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

    @property
    def kind(self) -> Kind:
        """What labels are."""
        return KINDS[labels.ONE]


@dataclasses.dataclass(frozen=True)
class Labels(Answer):
    """The classes of what was asked, none to several.

    Attributes:
        text: what was asked.
        labels: the classes that reach their threshold, the most probable first.
        probabilities: of every class.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]

    def __str__(self) -> str:
        said = (f"{name} {self.probabilities[name]:.4f}" for name in self.labels)
        return f"{', '.join(said) or '(none)'}  {self.text}"


@dataclasses.dataclass(frozen=True)
class Detail:
    """What an evaluation found, text by text.

    Attributes:
        examples: the texts as numbers.
        answered: the numbers of the classes answered for each text.
        confusion: which class was taken for which; None where a text has several.
    """

    examples: Examples
    answered: list[tuple[int, ...]]
    confusion: scoring.classes.Confusion | None


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
    most_classes: ClassVar[int]

    @abc.abstractmethod
    def fitted(self, vocabulary: Vocabulary, classes: tuple[str, ...], kind: str) -> F:
        """The preprocessing."""

    def open(self, source: Any, options: O, fitted: F | None = None) -> Splits[LabelledTexts]:
        """Reads texts with labels from a table, or from a folder for each class."""
        kind, between = options.meaning()
        kind = fitted.kind.name if fitted else kind
        if isinstance(source, str | os.PathLike) and os.path.isdir(source):
            return _of_folder(Path(source), options)
        found = read_labelled_text(
            source,
            options.text,
            options.label,
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
            lists=kind in ("", labels.SEVERAL),
            empty=kind == labels.SEVERAL,
        )
        meant = labels.meant(found.labels, options.label, kind, between)
        name = Path(source).name if isinstance(source, str | os.PathLike) else "the table"
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
        vocabulary = Vocabulary.fit(splits.train.texts, num_words=options.vocabulary)
        return self.fitted(vocabulary, _classes(splits, kind), kind)

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
        """Embedding, recurrent layers, one linear layer."""
        return ManyToOne(
            vocabulary=len(fitted.vocabulary),
            embedding=options.embedding,
            embedding_std=options.embedding_std,
            outputs=fitted.kind.outputs(len(fitted.classes)),
            pooling=options.pooling,
            **options.recurrent(),
        )

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

    def answer(
        self, trained: Trained[O, F], records: LabelledTexts, how: Answering
    ) -> list[Answer]:
        """Judges texts."""
        fitted = trained.preprocessing
        encoded = self.encode(records, trained.options, fitted)
        probabilities, chosen = judged(trained, encoded)
        rows = zip(records.texts, probabilities.tolist(), chosen, strict=True)
        return [answered(text, row, best, fitted) for text, row, best in rows]

    def explained(self, trained: Trained[O, F], records: LabelledTexts) -> list[Attribution]:
        """Says which words mattered for the answer, by integrated gradients."""
        fitted = trained.preprocessing
        encoded = self.encode(records, trained.options, fitted)
        probabilities, chosen = judged(trained, encoded)
        found = []
        for number, text in enumerate(records.texts):
            x, _ = encoded[number]
            words = [START, *fitted.vocabulary.split(text)][-len(x) :]
            steps = [PADDING] * (len(x) - len(words)) + words
            best = chosen[number] or (int(probabilities[number].argmax()),)
            why = fitted.kind.told_by(best[0], fitted.classes)
            each = integrated_gradients(trained.model, x, labels=steps, output=why.output)
            each = dataclasses.replace(each, name=why.name)
            found.append(each if why.sign > 0 else each.opposite(why.name))
        return found

    def tiny(self, folder: Path) -> Tiny:
        """Tiny data."""
        data = labelled(folder / "texts.csv")
        return Tiny({"data": data, "maxlen": 8}, ("good film", "bad"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyOptions(WordOptions):
    """Options of the task."""

    data: str = option(
        "wordnet", "a file, a folder with a folder for each class, or the name of a dataset"
    )
    labels: str = option(
        "",
        "what labels are: one class a text, several, or ratings in their order (default: found)",
        choices=("", *labels.KINDS),
    )
    separator: str = option(
        "", "what stands between several labels of a text (default: found: | or ; or ,)", reads=True
    )

    # Chosen on the validation part of 20 Newsgroups; docs/log.md has what was tried.
    vocabulary: int = option(20_000, "the most frequent words that are kept", least=5)
    maxlen: int = option(200, "the most words of a text that are read: its last ones", least=2)
    embedding: int = option(100, "size of a word's vector", least=1)
    learning_rate: float | None = option(0.01, "the optimizer's step size", above=0.0)
    cell: str = option("gru", "the recurrent cell", choices=tuple(CELLS))
    bidirectional: bool = option(True, "read each sequence in both directions")
    units: int = option(64, "hidden units in each layer and direction", least=1)
    batch_size: int = option(64, "sequences in a batch", least=1)
    epochs: int = option(4, "passes over the training data", least=1)

    def meaning(self) -> tuple[str, str]:
        """What labels are and what stands between several."""
        return self.labels, self.separator


@dataclasses.dataclass(frozen=True)
class ClassifyPreprocessing(Known):
    """The vocabulary and the classes of the training texts, and what labels are.

    Attributes:
        labels: one of `recur.data.labels.KINDS`.
    """

    labels: str

    @property
    def kind(self) -> Kind:
        """What labels are."""
        return KINDS[self.labels]


TrainedHere = Trained[ClassifyOptions, ClassifyPreprocessing]


class Classify(OfTexts[ClassifyOptions, ClassifyPreprocessing]):
    """The task."""

    name = "classify"
    kind = "many-to-one"
    summary = "what a text is about: one class of many, several, or a rating"
    inputs = "a text"
    options = ClassifyOptions
    preprocessing = ClassifyPreprocessing
    most_classes = 1000

    def fitted(
        self, vocabulary: Vocabulary, classes: tuple[str, ...], kind: str
    ) -> ClassifyPreprocessing:
        """The preprocessing; what scores need is asked for here, before anything is learnt."""
        scoring.scores.package("sklearn")
        return ClassifyPreprocessing(vocabulary, classes, kind)

    def calibrate(self, trained: TrainedHere, validation: LabelledTexts) -> Any:
        """Of several labels, the probability from which on each is answered."""
        fitted = trained.preprocessing
        if fitted.kind.name != labels.SEVERAL:
            return None
        encoded = self.encode(validation, trained.options, fitted)
        probabilities, _ = judged(trained, encoded)
        assert encoded.y is not None
        return {"thresholds": thresholds(probabilities.numpy(), encoded.y.numpy())}

    def score(self, trained: TrainedHere, records: LabelledTexts, examples: Any) -> Evaluation:
        """Returns the scores, and which class was taken for which."""
        fitted = trained.preprocessing
        meant = labels.numbered(records.labels, fitted.classes)
        _, chosen = judged(trained, examples)
        found = fitted.kind.score(chosen, meant, fitted.classes)
        confusion = None
        if fitted.kind.name != labels.SEVERAL:
            both = ([fitted.classes[row[0]] for row in rows] for rows in (chosen, meant))
            confusion = scoring.classes.Confusion.of(*both, fitted.classes)
        return Evaluation(dict(found), detail=Detail(examples, chosen, confusion))

    def beside(
        self,
        trained: TrainedHere,
        learnt: Callable[[], Splits[LabelledTexts]],
        records: LabelledTexts,
    ) -> dict[str, float]:
        """The scores of TF-IDF and a linear model, which learns from all that is not tested on."""
        splits, fitted = learnt(), trained.preprocessing
        parts = [part for part in (splits.train, splits.validation) if part is not None]
        linear = yardsticks.LinearTexts(
            [text for part in parts for text in part.texts],
            [label for part in parts for label in part.labels],
        )
        answers = labels.numbered(_rows(linear.answers(records.texts)), fitted.classes)
        meant = labels.numbered(records.labels, fitted.classes)
        scores = fitted.kind.score(answers, meant, fitted.classes)
        return {f"{BESIDE}{name}": scores[name] for name in scores if name in SAID}

    def report(self, scores: Mapping[str, float]) -> str:
        """Returns the scores of the network and of the linear model, and which is better."""
        lines = [f"test {_said(scores, '')}"]
        if any(name.startswith(BESIDE) for name in scores):
            lines.append(f"TF-IDF and a linear model: {_said(scores, BESIDE)}")
            best = next(kind.best for kind in KINDS.values() if kind.best in scores)
            if scores[BESIDE + best] > scores[best]:
                lines.append("The linear model is the better one here.")
        return "\n".join(lines)

    def evaluation_figures(
        self, trained: TrainedHere, evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Which class was taken for which, and the words that spoke most for each answer."""
        detail: Detail = evaluation.detail
        if detail.confusion is not None:
            yield "confusion", detail.confusion.figure()
        yield "telling-words", self.telling(trained, detail).figure()

    def telling(self, trained: TrainedHere, detail: Detail) -> Any:
        """The words that spoke most for each class, over the texts for which it was answered.

        At most a hundred texts of each class are looked at, the first ones.
        """
        fitted, asked = trained.preprocessing, []
        left = dict.fromkeys(range(len(fitted.classes)), MOST_TOLD)
        for row, chosen in enumerate(detail.answered):
            for index in chosen[:1]:
                left[index] -= 1
                if left[index] >= 0:
                    why = fitted.kind.told_by(index, fitted.classes)
                    asked.append(Asked(row, why.output, why.sign, why.name))
        first = fitted.vocabulary.index_from + 1
        words = dict(enumerate(fitted.vocabulary.words, start=first))
        return telling(trained.model, detail.examples, asked, words)


def judged(trained: Trained[Any, Any], examples: Any) -> tuple[torch.Tensor, list[tuple[int, ...]]]:
    """(N, C) the probabilities of the classes, and the numbers of those that are answered."""
    kind: Kind = trained.preprocessing.kind
    probabilities = kind.probabilities(training.predict(trained.model, examples))
    limits = (trained.calibration or {}).get("thresholds")
    return probabilities, kind.chosen(probabilities, limits)


def answered(text: str, row: list[float], chosen: tuple[int, ...], fitted: Known) -> Answer:
    """An answer in words."""
    if fitted.kind.name != labels.SEVERAL:
        return Judgement(text, fitted.classes[chosen[0]], row[chosen[0]])
    best = sorted(chosen, key=lambda index: -row[index])
    probabilities = dict(zip(fitted.classes, row, strict=True))
    return Labels(text, tuple(fitted.classes[index] for index in best), probabilities)


def _of_folder(folder: Path, options: WordOptions) -> Splits[LabelledTexts]:
    found = read_labelled_folder(folder, encoding=options.encoding, drop_bad=options.drop_bad)

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


def _rows(answers: Sequence[Any]) -> list[Any]:
    return [answer if isinstance(answer, str) else tuple(answer) for answer in answers]


def _said(scores: Mapping[str, float], before: str) -> str:
    said = {name: scores[before + name] for name in SAID if before + name in scores}
    return "  ".join(f"{SAID[name]} {value:.4f}" for name, value in said.items())
