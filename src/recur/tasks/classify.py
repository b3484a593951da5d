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

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from recur import schema, scoring
from recur.data import labels
from recur.data.examples import Examples
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits
from recur.data.vocabulary import Vocabulary
from recur.diagnostics.telling import Asked, Telling, telling
from recur.messages import InputError, must
from recur.scoring import yardsticks
from recur.tasks import ngrams
from recur.tasks.label_kinds import KINDS, Kind, thresholds
from recur.tasks.options import Recipe, cell_option, option
from recur.tasks.task import Evaluation, Trained
from recur.tasks.texts import Known, OfTexts, WordOptions, judged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

    class_weight: str = option(
        "",
        "how much a class counts in the loss: alike, or balanced, the rarer the more",
        choices=("", "balanced"),
    )
    # Chosen on the validation part of 20 Newsgroups; docs/log.md has what was tried.
    vocabulary: int = option(20_000, "the most frequent words that are kept", least=5)
    maxlen: int = option(200, "the most words of a text that are read: its last ones", least=2)
    embedding: int = option(100, "size of a word's vector", least=1)
    learning_rate: float | None = option(0.01, "the optimizer's step size", above=0.0)
    cell: str = cell_option("gru")
    bidirectional: bool = option(True, "read each sequence in both directions")
    units: int = option(64, "hidden units in each layer and direction", least=1)
    batch_size: int = option(64, "sequences in a batch", least=1)
    dropout: float = option(
        0.4,
        "share of words, and of values that are judged, dropped in training",
        least=0.0,
        below=1.0,
    )
    epochs: int = option(7, "passes over the training data", least=1)

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


class _Calibration(TypedDict):
    thresholds: list[float]


TrainedHere = Trained[ClassifyOptions, ClassifyPreprocessing]


class Classify(OfTexts[ClassifyOptions, ClassifyPreprocessing]):
    """The task."""

    name = "classify"
    kind = "many-to-one"
    summary = "what a text is about: one class of many, several, or a rating"
    takes = "a text"
    gives = "what it is about: a class, several, a rating"
    data = "wordnet"
    metric = "accuracy"
    sample = (
        "tickets.csv",
        "text,label\n"
        "The printer on floor 2 is out of paper.,hardware\n"
        "I cannot log in since this morning.,accounts\n"
        "Please order a second screen.,hardware\n"
        "My password has expired.,accounts\n",
    )
    inputs = "a text"
    options = ClassifyOptions
    preprocessing = ClassifyPreprocessing
    most_classes = 1000
    recipes: Mapping[str, Recipe] = {
        "best": Recipe(
            "for topics of whole texts, one class each: a linear model of words and pairs beside",
            {
                "vocabulary": 100_000,
                "maxlen": 2_500,
                "embedding": 32,
                "segment": 64,
                "epochs": 4,
                "wide": True,
                "ngrams": 2,
            },
        )
    }

    def fit(self, splits: Splits[LabelledTexts], options: ClassifyOptions) -> ClassifyPreprocessing:
        """Fits the vocabulary; a class may be known from any part."""
        kind = splits.train.kind or labels.ONE
        if options.labels not in ("", kind):  # of a dataset, which says itself what they are
            expected = f"left out, or {kind!r} for {splits.about}"
            raise InputError(must("labels", expected, repr(options.labels)))
        if options.class_weight and kind != labels.ONE:
            got = f"{options.class_weight!r} where labels are {kind!r}"
            raise InputError(must("class weight", "left out but with one class a text", got))
        return super().fit(splits, options)

    def recipe(self, options: ClassifyOptions) -> dict[str, Any]:
        """As for all texts, and weights of classes if asked for."""
        return {**super().recipe(options), "class_weight": options.class_weight or None}

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

    def calibrated(self, stored: Any, fitted: ClassifyPreprocessing) -> Any:
        """A threshold for each class."""
        found = schema.read(_Calibration, stored, "it")
        if len(found["thresholds"]) != len(fitted.classes):
            expected = f"one for each of {len(fitted.classes)} classes"
            raise InputError(must("thresholds", expected, len(found["thresholds"])))
        return found

    def score(self, trained: TrainedHere, records: LabelledTexts, examples: Any) -> Evaluation:
        """Returns the scores, and which class was taken for which."""
        fitted = trained.preprocessing
        meant = labels.numbered(records.labels, fitted.classes)
        _, chosen = judged(trained, examples)
        found = fitted.kind.score(chosen, meant, fitted.classes)
        confusion = None
        if fitted.kind.name != labels.SEVERAL:
            said, right = ([fitted.classes[row[0]] for row in rows] for rows in (chosen, meant))
            confusion = scoring.classes.Confusion.of(said, right, fitted.classes)
        values = {**found, **ngrams.alone(trained.model, examples, fitted.kind)}
        return Evaluation(values, detail=Detail(examples, chosen, confusion))

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
        lines = [f"test {_said(scores, '')}", *ngrams.said(scores)]
        if any(name.startswith(BESIDE) for name in scores):
            lines.append(f"TF-IDF and a linear model: {_said(scores, BESIDE)}")
            # Accuracy is the last resort: ratings have it too.
            best = next(k.best for k in reversed(KINDS.values()) if k.best in scores)
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

    def telling(self, trained: TrainedHere, detail: Detail) -> Telling:
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
        words = {number: word for word, number in fitted.vocabulary.ids.items()}
        return telling(trained.model, detail.examples, asked, words)


def _rows(answers: Sequence[Any]) -> list[Any]:
    return [answer if isinstance(answer, str) else tuple(answer) for answer in answers]


def _said(scores: Mapping[str, float], before: str) -> str:
    said = {name: scores[before + name] for name in SAID if before + name in scores}
    return "  ".join(f"{SAID[name]} {value:.4f}" for name, value in said.items())
