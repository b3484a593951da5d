"""Memory: how far back can a network remember? Three problems that nothing but memory solves.

The data are drawn from the seed (`problems`): sums of two marked numbers, ten symbols to repeat
after a pause, a country that decides a language at the end of the sentence. `--lag` says how far
apart; every score stands beside that of one who remembers nothing. What helps is an option each:
`--cell`, `--recurrent-init`, `--activation`, `--chrono`, `--clip-norm`, `--mixed`.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from recur import cells, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.sequences import Sequences
from recur.data.splits import Records, Rows, Splits
from recur.data.targets import IGNORED
from recur.diagnostics import Attribution, integrated_gradients
from recur.messages import FailedError, InputError, count, listed, must, one_of
from recur.models import ManyToMany, ManyToOne
from recur.models.deep import CELLS
from recur.tasks import problems
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, Options, cell_option, option
from recur.tasks.task import Evaluation, Fitted, Objective, Task, Trained
from recur.tasks.tiny import Tiny

SHARE = 0.2
"""Of the examples, for validation."""
TESTED = 1000
"""Examples drawn to test on."""
LONGEST_LAG = 1_000_000
GATED = tuple(
    name for name in CELLS if name in cells.CELLS and "chrono" in cells.CELLS[name].starts
)
"""Cells whose gates can be started so that they hold."""
TRAINING, TEST, MIXED = 0, 1, 2
"""Streams of random numbers under one seed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryOptions(Options):
    """Options of the task."""

    data: str = option("", "nothing: the examples are drawn from the seed")
    problem: str = option(
        "adding",
        "sums of two marked numbers, ten symbols to repeat, or a country that decides a language",
        choices=("adding", "copying", "agreement"),
    )
    lag: int = option(
        100, "how far apart: steps of a sum, blanks before repeating, words between", least=2
    )
    examples: int = option(20_000, "examples to learn from and to validate on", least=10)
    cell: str = cell_option("gru")
    units: int = option(64, "hidden units in each layer and direction", least=1)
    activation: str = option(
        "tanh",
        "the plain cell's activation (relu with --recurrent-init identity: the IRNN)",
        choices=("tanh", "relu"),
    )
    chrono: bool = option(
        False, "start the gates of lstm and gru so that memories last up to the lag"
    )
    mixed: bool = option(
        False, "learn from shorter lags too: three of four examples, down to the shortest"
    )
    epochs: int = option(10, "passes over the training data", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")


@dataclasses.dataclass(frozen=True)
class MemoryPreprocessing(Fitted):
    """Which problem, how far apart, and its words (of agreement)."""

    problem: str
    lag: int
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        one_of("problem", self.problem, DRAWN)
        if not 1 <= self.lag <= LONGEST_LAG:
            raise InputError(must("lag", f"from 1 to {LONGEST_LAG:,}", self.lag))


@dataclasses.dataclass(frozen=True)
class Recollection(Answer):
    """An answer, and the right one where the question tells it."""

    question: str
    answer: str
    right: str

    def __str__(self) -> str:
        return f"{self.answer}  (right: {self.right})  {self.question}"


def recall(scores: Tensor, targets: Tensor) -> Tensor:
    """The share of symbols repeated rightly: scores (B, T, C), tokens (B, T); no blanks counted."""
    asked = targets > problems.BLANK
    right = (scores.argmax(-1) == targets) & asked
    return right.sum().double() / asked.sum().clamp(min=1)


# For each problem: how it is drawn, and its metrics.
DRAWN = {
    "adding": problems.adding,
    "copying": problems.copying,
    "agreement": problems.agreement,
}
METRICS: dict[str, tuple[str | Callable[[Tensor, Tensor], Tensor], ...]] = {
    "adding": (),
    "copying": (recall,),
    "agreement": ("accuracy",),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn(Records):
    """Examples of a problem, or questions.

    Attributes:
        examples: as the model reads them.
        questions: what was asked, and the right answer; none of examples that were drawn.
    """

    examples: Sequences
    questions: tuple[tuple[str, str], ...] = ()
    noun: ClassVar[str] = "example"

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        asked = tuple(self.questions[row] for row in rows) if self.questions else ()
        return type(self)(self.examples.subset(rows), asked)


TrainedHere = Trained[MemoryOptions, MemoryPreprocessing]


class Memory(Task[MemoryOptions, Drawn, MemoryPreprocessing, Answering]):
    """The task."""

    name = "memory"
    kind = "many-to-one"
    summary = "how far back a network remembers: adding, copying, agreement"
    takes = "numbers, or symbols"
    gives = "their sum, or the same again"
    data = ""
    metric = "mean squared error"
    inputs = (
        "numbers with two marked (0.5* 0.1 0.2*), ten symbols to repeat (1234567812), or a "
        "sentence about a country (I grew up in France so I speak fluent)"
    )
    options = MemoryOptions
    preprocessing = MemoryPreprocessing
    records = Drawn
    answering = Answering

    def read(self, options: MemoryOptions, source: Any = None) -> Splits[Drawn]:
        """Draws the examples; the last share of them is for validation."""
        _no_data(options.data if source is None else source)
        _fits(options)
        number = min(options.examples, options.limit or options.examples)
        whole = _draw(options, number, TRAINING)
        share = SHARE if options.validation_split is None else options.validation_split
        train, validation = map(Drawn, whole.examples.split(share))
        test = _draw(options, TESTED, TEST)
        about = f"{options.problem} over {count(options.lag, 'step')}"
        return Splits(train, validation, test, about=about, cut=("test", "validation"))

    def open(
        self, source: Any, options: MemoryOptions, fitted: MemoryPreprocessing | None = None
    ) -> Splits[Drawn]:
        """There is nothing to read."""
        _no_data(source)
        raise AssertionError(source)

    def tiny(self, folder: Path) -> Tiny:
        """A short lag."""
        return Tiny({"lag": 5, "examples": 64}, ("0.5* 0.1 0.25*", "1* 1*"))

    def augmented(self, learnt: Drawn, options: MemoryOptions) -> Drawn:
        """As many examples, most of them at shorter lags, if asked for."""
        return _draw_mixed(options, len(learnt)) if options.mixed else learnt

    def fit(self, splits: Splits[Drawn], options: MemoryOptions) -> MemoryPreprocessing:
        """What the problem is, and its words."""
        known = tuple(problems.words()) if options.problem == "agreement" else ()
        return MemoryPreprocessing(options.problem, options.lag, known)

    def encode(
        self, records: Drawn, options: MemoryOptions, fitted: MemoryPreprocessing
    ) -> Sequences:
        """The examples, which are numbers already."""
        return records.examples

    def model(self, options: MemoryOptions, fitted: MemoryPreprocessing) -> nn.Module:
        """Recurrent layers; one linear layer on their last output, or on each (copying)."""
        layers = options.recurrent()
        if options.cell == "rnn":
            layers["nonlinearity"] = options.activation
        # Another cell is built to be looked at beside the run's own: what it lacks is left out.
        if options.chrono and options.cell in GATED:
            layers["chrono"] = fitted.lag
        model: ManyToOne | ManyToMany
        if options.problem == "adding":
            model = ManyToOne(inputs=2, outputs=1, **layers)
        elif options.problem == "agreement":
            vocabulary, classes = len(fitted.words) + 1, len(problems.LANGUAGES)
            model = ManyToOne(vocabulary=vocabulary, outputs=classes, **layers)
        else:
            tokens = problems.GO + 1
            model = ManyToMany(vocabulary=tokens, embedding=tokens, outputs=problems.GO, **layers)
        return model

    def objective(self, options: MemoryOptions, fitted: MemoryPreprocessing) -> Objective:
        """Squared error of a sum, cross-entropy of symbols and languages."""
        loss = "mse" if fitted.problem == "adding" else "cross_entropy"
        return Objective(loss, METRICS[fitted.problem])

    def recipe(self, options: MemoryOptions) -> dict[str, Any]:
        """A step size that falls if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def score(
        self, trained: TrainedHere, records: Drawn, examples: Examples | Documents
    ) -> Evaluation:
        """The loss, the share of right answers, and both without any memory."""
        found = super().score(trained, records, examples).values
        return Evaluation({**found, **_without_memory(trained.preprocessing)})

    def report(self, scores: Mapping[str, float]) -> str:
        """The scores beside those of one who remembers nothing."""
        lines = [f"{'test':<24}{'this model':>12}{'without memory':>16}"]
        words = {"loss": "cross-entropy", "recall": "symbols recalled", "accuracy": "accuracy"}
        if "recall" not in scores and "accuracy" not in scores:
            words = {"loss": "mean squared error"}
        for name, label in words.items():
            if name in scores:
                without = scores[f"{name}_without_memory"]
                lines.append(f"{label:<24}{scores[name]:>12.4g}{without:>16.4g}")
        lines.append(_verdict(scores))
        return "\n".join(lines)

    def asked(self, trained: TrainedHere, inputs: Sequence[Any]) -> Drawn:
        """Questions of the problem that the run learnt."""
        fitted = trained.preprocessing
        if not inputs or not all(isinstance(each, str) for each in inputs):
            raise InputError(f"memory needs a question: {self.inputs}.")
        read = {"adding": _read_sum, "copying": _read_symbols, "agreement": _read_sentence}
        asked = [read[fitted.problem](text, fitted) for text in inputs]
        questions = ((text, right) for text, (_, right) in zip(inputs, asked, strict=True))
        return Drawn(Sequences([steps for steps, _ in asked]), tuple(questions))

    def answer(self, trained: TrainedHere, records: Drawn, how: Answering) -> list[Answer]:
        """Answers questions."""
        outputs = training.predict(trained.model, records.examples)
        found: list[Answer] = []
        for number, (text, right) in enumerate(records.questions):
            steps = len(records.examples[number][0])
            shown = _shown(outputs[number][:steps], trained.preprocessing)
            found.append(Recollection(text, shown, right))
        return found

    def explained(self, trained: TrainedHere, records: Drawn, how: Answering) -> list[Attribution]:
        """Says which steps of a sum, or words of a sentence, mattered; by integrated gradients."""
        fitted = trained.preprocessing
        if fitted.problem == "copying":
            raise InputError("memory does not say why of copying: it has an answer at every step.")
        adding = fitted.problem == "adding"
        names = ["the sum"] if adding else list(problems.LANGUAGES.values())
        found = []
        for number, (text, _) in enumerate(records.questions):
            steps, labels = records.examples[number][0], text.split() if adding else _words(text)
            found.append(integrated_gradients(trained.model, steps, labels=labels, names=names))
        return found


def _draw(options: MemoryOptions, number: int, stream: int) -> Drawn:
    rng = np.random.default_rng([options.seed, stream])
    try:
        x, y = DRAWN[options.problem](number, options.lag, rng)
    except MemoryError:
        much = f"{number:,} examples over {count(options.lag, 'step')}"
        todo = "Give fewer, or a shorter lag."
        raise FailedError(f"{much} do not fit into memory. {todo}") from None
    return Drawn(Sequences(x, y))


def _draw_mixed(options: MemoryOptions, number: int) -> Drawn:
    """Every fourth example at the full lag, the others at lags as often of 5 to 10 as of 50 to 100.

    What is learnt at a short lag, where gradients reach, need only be held for longer.
    """
    rng = np.random.default_rng([options.seed, MIXED])
    lags = np.exp(rng.uniform(np.log(2), np.log(options.lag + 1), number)).astype(int)
    lags[::4] = options.lag
    drawn = [DRAWN[options.problem](1, int(lag), rng) for lag in lags]
    steps = np.array([row.shape[1] for row, _ in drawn])
    # One padded array with lengths: targets for every step keep their place.
    x = np.zeros((number, steps.max(), *drawn[0][0].shape[2:]), drawn[0][0].dtype)
    for n, (row, _) in enumerate(drawn):
        x[n, : steps[n]] = row[0]
    if options.problem != "copying":
        return Drawn(Sequences(x, np.concatenate([y for _, y in drawn]), lengths=steps))
    targets = np.full(x.shape, IGNORED)
    for n, (_, y) in enumerate(drawn):
        targets[n, : steps[n]] = y[0]
    return Drawn(Sequences(x, targets, lengths=steps))


def _no_data(data: str) -> None:
    if data:
        gone = "" if os.path.exists(data) else f"There is no file {data}, and none is needed. "
        raise InputError(
            f"{gone}memory draws its examples from the seed and reads no data; got {data!r}. "
            "Leave data out."
        )


def _fits(options: MemoryOptions) -> None:
    """Refuses what would be left out in silence."""
    if options.chrono and options.cell not in GATED:
        raise InputError(must("chrono", f"used with cell {listed(GATED)}", options.cell))
    if options.activation != "tanh" and options.cell != "rnn":
        raise InputError(must("activation", f"tanh with cell {options.cell}", options.activation))


def _without_memory(fitted: MemoryPreprocessing) -> dict[str, float]:
    if fitted.problem == "adding":
        return {"loss_without_memory": problems.MEAN_SQUARED_ERROR_OF_THE_MEAN}
    if fitted.problem == "copying":
        loss, right = problems.copying_without_memory(fitted.lag), 1 / problems.SYMBOLS
        return {"loss_without_memory": loss, "recall_without_memory": right}
    languages = len(problems.LANGUAGES)
    return {
        "loss_without_memory": math.log(languages),
        "accuracy_without_memory": 1 / languages,
    }


def _verdict(scores: Mapping[str, float]) -> str:
    right = scores.get("recall", scores.get("accuracy"))
    if (scores["loss"] < 1e-3) if right is None else (right > 0.99):
        return "Solved: what was said is remembered."
    if scores["loss"] > 0.9 * scores["loss_without_memory"]:
        return "Nothing is remembered: no better than without memory."
    return "Something is remembered, not all."


def _words(text: str) -> list[str]:
    return text.replace(",", " ").replace(".", " ").split()


def _read_sum(text: str, fitted: MemoryPreprocessing) -> tuple[Any, str]:
    words = text.split()
    try:
        values = [float(word.rstrip("*")) for word in words]
    except ValueError:
        values = []
    marks = [float(word.endswith("*")) for word in words]
    if not values or sum(marks) != 2:
        raise InputError(must("a sum", "numbers, two of them marked: 0.5* 0.1 0.2*", repr(text)))
    right = sum(value for value, mark in zip(values, marks, strict=True) if mark)
    return np.array([values, marks], dtype=np.float32).T, f"{right:.3f}"


def _read_symbols(text: str, fitted: MemoryPreprocessing) -> tuple[Any, str]:
    if len(text) != problems.COPIED or not set(text) <= set("12345678"):
        raise InputError(must("what is to be repeated", "ten digits from 1 to 8", repr(text)))
    symbols = [int(symbol) for symbol in text]
    pause = [problems.BLANK] * (fitted.lag - 1)
    return np.array([*symbols, *pause, problems.GO, *[problems.BLANK] * problems.COPIED]), text


def _read_sentence(text: str, fitted: MemoryPreprocessing) -> tuple[Any, str]:
    words = _words(text)
    numbers = {word: n for n, word in enumerate(fitted.words, start=1)}
    unknown = [word for word in words if word not in numbers]
    if not words or unknown:
        known = f"made of words that memory knows ({', '.join(fitted.words[:12])} ...)"
        raise InputError(must("a sentence", known, repr(unknown[0] if unknown else text)))
    named = [problems.LANGUAGES[word] for word in words if word in problems.LANGUAGES]
    return np.array([numbers[word] for word in words]), named[0] if named else "none named"


def _shown(outputs: Tensor, fitted: MemoryPreprocessing) -> str:
    if fitted.problem == "adding":
        return f"{outputs.item():.3f}"
    if fitted.problem == "copying":
        return "".join(str(int(n)) for n in outputs[-problems.COPIED :].argmax(-1))
    return list(problems.LANGUAGES.values())[int(outputs.argmax())]
