"""What every task declares: the way from raw data to an answer that a person can read.

A task is one file in this folder. It says what its data are and how a file of them is read, what is
learnt from them before the model (the preprocessing: a vocabulary, a scaling), how they become
numbers, which model and objective fit, and how an answer is made. What is the same for all is in
`preparing` (reading, holding out, limiting, encoding, training) and `answers`; the run directory,
the command line and the tests know no task by name.

    data -> read -> Splits -> fit -> preprocessing
                       |                |
                       +--> encode <----+--> model, objective --> trained --> answer, score
"""

from __future__ import annotations

import abc
import dataclasses
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from torch import nn

from recur import files, schema, training
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.splits import Parting, Records, Splits, at_the_end
from recur.diagnostics import Attribution
from recur.messages import InputError, one_of
from recur.tasks.answers import Answer
from recur.tasks.listener import Listener
from recur.tasks.options import Answering, Options, Recipe, reading
from recur.tasks.tiny import Tiny
from recur.tasks.watcher import Watcher

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recur.tasks.preparing import Prepared


class Preprocessing(Protocol):
    """What is fitted on the training data and needed again for every answer."""

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again.

        Raises:
            KeyError, TypeError, ValueError: if `stored` is not what `to_json` gave.
        """


class Fitted:
    """A preprocessing that is a dataclass: its JSON follows from its fields."""

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        stored: dict[str, Any] = schema.written(self)
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again."""
        return schema.read(cls, stored, "it")


O = TypeVar("O", bound=Options)  # noqa: E741
R = TypeVar("R", bound=Records)
F = TypeVar("F", bound=Preprocessing)
A = TypeVar("A", bound=Answering)


@dataclasses.dataclass(frozen=True)
class Objective:
    """What training makes less, and what it is watched by.

    Attributes:
        loss: as `training.fit` takes it.
        metrics: names or functions, computed in training; of several outputs by their names.
        monitor: the column of the history that says which epoch was best; which way it is up, the
            metric says.
    """

    loss: Any
    metrics: tuple[Any, ...] | Mapping[str, tuple[Any, ...]] = ()
    monitor: str = "val_loss"


@dataclasses.dataclass(frozen=True)
class Trained(Generic[O, F]):
    """All that an answer needs.

    Attributes:
        options: what it was trained with.
        preprocessing: what was fitted before the model.
        model: the model.
        calibration: what was fitted after training; None where nothing is.
    """

    options: O
    preprocessing: F
    model: nn.Module
    calibration: Any = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a set of answers is worth.

    Attributes:
        values: scores by name.
        notes: what must be said with them.
        detail: what `Task.evaluation_figures` draws; None where nothing is.
    """

    values: dict[str, float]
    notes: tuple[str, ...] = ()
    detail: Any = None


class Task(abc.ABC, Generic[O, R, F, A]):
    """A task. Subclasses fill in the class attributes and the abstract methods.

    Attributes:
        name: The word on the command line.
        kind: One of the four types: "many-to-one", "many-to-many" ...
        summary: What it learns, in a line.
        takes: What a person has who needs it, for `recur tasks`.
        gives: What it makes of that.
        data: What it is trained on where nothing is named; empty: drawn from the seed.
        metric: What it is judged by first, in the words of its report.
        inputs: What `recur predict` takes, for its help.
        options: The class of its options.
        preprocessing: The class of its preprocessing.
        records: The class of its raw examples; datasets of such records can be named.
        answering: The class of the options that say how to answer.
        parting: How the data are cut into parts where they set none apart.
        recipes: Values of the options by names of their own; what is given besides wins.
        grows: Whether its data may grow while a run stands: it is tested from the same step on.
        sample: A file of a user's own, for the help: its name and a few lines; None where there is
            none, or no text.
        before: What a run means that does not name an option: it is older than that option.
        judge: The task whose runs can read what this one's make, for `evaluate`; empty: none can.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    summary: ClassVar[str]
    takes: ClassVar[str]
    gives: ClassVar[str]
    data: ClassVar[str]
    metric: ClassVar[str]
    inputs: ClassVar[str]
    options: type[O]
    preprocessing: type[F]
    records: type[R]
    answering: type[A]
    parting: Parting[R] = Parting(at_the_end, at_the_end)
    recipes: Mapping[str, Recipe] = {}
    grows: bool = False
    sample: tuple[str, str] | None = None
    before: Mapping[str, Any] = types.MappingProxyType({})
    judge: str = ""

    def settled(self, given: Mapping[str, Any], recipe: str = "") -> O:
        """Returns the options: those given, then those of a recipe, then the defaults.

        Args:
            given: options by name.
            recipe: the name of one of the recipes; empty: none.

        Raises:
            InputError: if there is no such recipe or option, or a value is not allowed.
        """
        if recipe and not self.recipes:
            raise InputError(f"The task {self.name} has no recipes. Leave recipe={recipe!r} out.")
        values = self.recipes[one_of("recipe", recipe, self.recipes)].values if recipe else {}
        return self.options.of(self.name, {**values, **given}, self.answering)

    # Data

    def read(self, options: O, source: Any = None) -> Splits[R]:
        """Returns the data that the options name, in three parts.

        Args:
            options: the options; `options.data` names a dataset or a file.
            source: a table in memory, in the place of a file.

        Raises:
            InputError: if the data are not what the task needs.
        """
        from recur.tasks import preparing

        return preparing.read(self, options, source)

    def rules(self, splits: Splits[R], options: O) -> Parting[R]:
        """Returns how these data are cut into parts: `parting`, unless the task says otherwise."""
        return self.parting

    def open(self, source: Any, options: O, fitted: F | None = None) -> Splits[R]:
        """Reads a file of the user's own, or a table in memory, with the parts that it sets apart.

        Args:
            source: the path or the table.
            options: how it is read.
            fitted: the preprocessing, where other data are read for a model that is there.

        Raises:
            InputError: if it is not what the task needs.
        """
        raise InputError(f"The task {self.name} reads no files; got {source!r}.")

    def tested(self, splits: Splits[R], fitted: F) -> R:
        """Returns the test part of the data of a run, read again: as it is cut, for most tasks."""
        assert splits.test is not None
        return splits.test

    def augmented(self, learnt: R, options: O) -> R:
        """Returns the training part with examples made from it; as it is, for most tasks."""
        return learnt

    @abc.abstractmethod
    def fit(self, splits: Splits[R], options: O) -> F:
        """Fits the preprocessing on the training part; of the others, what a class is called.

        Raises:
            InputError: if the data are not what the task needs.
        """

    @abc.abstractmethod
    def encode(self, records: R, options: O, fitted: F) -> Examples | Documents:
        """Returns records as numbers, for training, validation, testing and answers alike.

        Raises:
            InputError: if the records are not what the model knows.
        """

    # Model and training

    @abc.abstractmethod
    def model(self, options: O, fitted: F) -> nn.Module:
        """Builds the model, not trained."""

    @abc.abstractmethod
    def objective(self, options: O, fitted: F) -> Objective:
        """Returns what training makes less."""

    def complete(self, model: nn.Module, prepared: Prepared[R], options: O) -> None:
        """Adds to the model of the best epoch what is learnt in another way: mostly nothing."""

    def recipe(self, options: O) -> dict[str, Any]:
        """Returns more arguments for `training.fit`, or others than the common options'."""
        return {}

    def calibrate(self, trained: Trained[O, F], validation: R) -> Any:
        """Returns what is fitted after training on the validation part, as JSON; None: nothing."""
        return None

    def calibrated(self, stored: Any, fitted: F) -> Any:
        """Checks what `calibrate` gave, when it is read from a file.

        Raises:
            InputError: if it is something else.
        """
        return schema.read(dict[str, Any], stored, "it")

    # Answers

    def asked(self, trained: Trained[O, F], inputs: Sequence[Any]) -> R:
        """Returns what is asked as records: texts, paths, arrays or tables, as they were given.

        Raises:
            InputError: if an input is not what the task needs.
        """
        raise InputError(f"The task {self.name} answers no inputs.")

    @abc.abstractmethod
    def answer(self, trained: Trained[O, F], records: R, how: A) -> list[Answer]:
        """Answers each record, in order.

        Raises:
            InputError: if one is not what the model knows.
        """

    def told(
        self, trained: Trained[O, F], records: R, how: A, tell: Callable[[str], object]
    ) -> list[Answer]:
        """Answers each record, and tells the text of an answer piece by piece as it is written.

        Args:
            trained: as for `answer`, as the next two.
            records: what is asked.
            how: how to answer.
            tell: told each piece.

        Raises:
            InputError: as `answer`, or if the task's answers are not written piece by piece.
        """
        raise InputError(f"The answers of {self.name} come as a whole. Leave tell out.")

    @property
    def tells(self) -> bool:
        """Whether the task tells its answers as they are written."""
        return type(self).told is not Task.told

    def watcher(self, trained: Trained[O, F]) -> Watcher:
        """Returns what judges rows as they come.

        Raises:
            InputError: if the task judges none.
        """
        raise InputError(f"The task {self.name} judges no rows as they come. Use predict.")

    def listener(self, trained: Trained[O, F], rate: int, pause: float) -> Listener:
        """Returns what says what it hears while sound comes.

        Args:
            trained: the network.
            rate: samples a second of what comes; 0: as the network hears it.
            pause: seconds in which nothing is said, after which a phrase has ended.

        Raises:
            InputError: if the task hears none, or the network needs the whole of it.
        """
        raise InputError(f"The task {self.name} hears no sound as it comes. Use predict.")

    def explained(self, trained: Trained[O, F], records: R, how: A) -> list[Attribution]:
        """Says for each record which of its steps mattered for the answer.

        Raises:
            InputError: if the task cannot say.
        """
        raise InputError(f"The task {self.name} does not say why. Leave --why out.")

    @property
    def explains(self) -> bool:
        """Whether the task says why."""
        return type(self).explained is not Task.explained

    def score(
        self, trained: Trained[O, F], records: R, examples: Examples | Documents
    ) -> Evaluation:
        """Returns the scores on records and their encoding: for most tasks, the objective's."""
        objective = self.objective(trained.options, trained.preprocessing)
        found = training.evaluate(
            trained.model, examples, loss=objective.loss, metrics=objective.metrics
        )
        return Evaluation(found)

    def beside(
        self, trained: Trained[O, F], learnt: Callable[[], Splits[R]], records: R
    ) -> dict[str, float]:
        """Returns scores on records of what has to learn too, to stand beside the network's.

        Nothing, for most tasks: what needs no learning belongs to `score`.

        Args:
            trained: the network.
            learnt: reads the data that it was trained on.
            records: what is tested on.

        Raises:
            InputError, FailedError: if nothing can stand beside it; the text is noted.
        """
        return {}

    def judged(
        self, trained: Trained[O, F], records: R, read: Callable[[R], list[str]]
    ) -> dict[str, float]:
        """Returns scores of what the network makes, as a run of another task reads it.

        Args:
            trained: the network.
            records: what is tested on.
            read: gives the text that the judge reads in each record.
        """
        raise NotImplementedError

    @abc.abstractmethod
    def report(self, scores: Mapping[str, float]) -> str:
        """Returns scores as lines for a person."""

    def figures(
        self, trained: Trained[O, F], answers: Sequence[Answer]
    ) -> Iterator[tuple[str, Figure]]:
        """Yields figures of answers with a name each; none for most tasks."""
        yield from ()

    def evaluation_figures(
        self, trained: Trained[O, F], evaluation: Evaluation
    ) -> Iterator[tuple[str, Figure]]:
        """Yields figures of an evaluation with a name each; none for most tasks."""
        yield from ()

    # Words

    @property
    def reading(self) -> tuple[str, ...]:
        """The options that say how data are read."""
        return reading(self.options)

    @abc.abstractmethod
    def tiny(self, folder: Path) -> Tiny:
        """Writes tiny data into a folder, and says what to train with and what to ask."""

    def inputs_of(self, file: str, options: O | None = None) -> list[str]:
        """Returns the inputs that a file holds ("-" is standard input).

        A line each, blank lines left out, unless the task says otherwise.

        Args:
            file: the path.
            options: how the run that is asked read its data; None: the task's defaults.

        Raises:
            InputError: if there is no such file or it is not UTF-8.
        """
        return [line for line in content_of(file).splitlines() if line.strip()]


def content_of(file: str) -> str:
    """The text of a file of inputs ("-" is standard input).

    Raises:
        InputError: if there is no such file or it is not UTF-8.
    """
    if file != "-":
        return files.read_text(file)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"Standard input is not UTF-8 text: {error.reason}.") from error
