"""What every task promises: the way from raw data to an answer that a person can read.

A task is one file in this folder. It says what its data are, what is learnt from them before the
model (the preprocessing: a vocabulary, a scaling), which model, loss and metrics fit, and how an
answer is shown. Training, saving, the command line and the tests know none of them by name.
"""

from __future__ import annotations

import abc
import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from torch import nn

from recur import files, training
from recur.data.documents import Documents
from recur.data.sequences import Sequences
from recur.diagnostics import Attribution
from recur.messages import InputError
from recur.tasks.options import Options
from recur.training.optimizers import find_optimizer
from recur.training.schedule import decay_linearly

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


class Prediction(Protocol):
    """One answer. Its `str()` is what a person reads."""

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""


O = TypeVar("O", bound=Options)  # noqa: E741
P = TypeVar("P", bound=Preprocessing)
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class HeldOut(Generic[T]):
    """The part that training never sees, and what must be said wherever its score is shown."""

    data: T
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Prepared(Generic[P, T]):
    """Data, ready for training; `about` says in a line what they are."""

    about: str
    train: Sequences | Documents
    validation: Sequences | Documents
    test: HeldOut[T]
    preprocessing: P


@dataclasses.dataclass(frozen=True)
class Trained(Generic[O, P]):
    """All that an answer needs."""

    options: O
    preprocessing: P
    model: nn.Module


class Task(abc.ABC, Generic[O, P, T]):
    """A task. Subclasses fill in the class attributes and the abstract methods.

    Attributes:
        name: The word on the command line.
        kind: One of the four types: "many-to-one", "many-to-many" ...
        summary: One line for `recur tasks`.
        inputs: What `recur predict` takes, for its help.
        options: The class of its options.
        preprocessing: The class of its preprocessing.
        metrics: Metrics by name, computed in training.
        monitor: The column of the history that says which epoch was best.
        reading: Options that say how a file of data is read: `evaluate` takes them again for a file
            of another form.
        adjustable: Options that say how data are read and answers are asked for, and nothing of the
            model: a user may change them in the config.json of a run.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    summary: ClassVar[str]
    inputs: ClassVar[str]
    options: type[O]
    preprocessing: type[P]
    metrics: ClassVar[tuple[str, ...]] = ()
    monitor: ClassVar[str] = "val_loss"
    reading: ClassVar[tuple[str, ...]] = ()
    adjustable: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def prepare(self, options: O) -> Prepared[P, T]:
        """Reads the data, splits them, fits the preprocessing on the training part only.

        Raises:
            InputError: if the data are not what the task needs.
        """

    @abc.abstractmethod
    def held_out(self, options: O, preprocessing: P, data: str = "") -> HeldOut[T]:
        """Returns the test part of the data that the options name, or all of `data`.

        Raises:
            InputError: if the data are not what the task needs.
        """

    @abc.abstractmethod
    def model(self, options: O, preprocessing: P) -> nn.Module:
        """Builds the model, not trained."""

    @abc.abstractmethod
    def loss(self, preprocessing: P) -> str:
        """Returns the name of the loss."""

    @abc.abstractmethod
    def evaluate(self, trained: Trained[O, P], data: T) -> dict[str, float]:
        """Returns the scores on data, by name."""

    @abc.abstractmethod
    def report(self, scores: Mapping[str, float]) -> str:
        """Returns what `evaluate` gave, as lines for a person."""

    @abc.abstractmethod
    def predict(self, trained: Trained[O, P], inputs: Sequence[str]) -> list[Prediction]:
        """Answers each input, in order.

        Raises:
            InputError: if an input is not what the task needs.
        """

    def why(self, trained: Trained[O, P], inputs: Sequence[str]) -> list[Attribution]:
        """Says for each input which of its steps mattered for the answer.

        Raises:
            InputError: if the task cannot say, or an input is not what it needs.
        """
        raise InputError(f"The task {self.name} does not say why. Leave --why out.")

    def fit(
        self, model: nn.Module, prepared: Prepared[P, T], options: O, **loop: Any
    ) -> training.History:
        """Trains the model; it ends with the weights of the best validation epoch.

        Args:
            model: the model.
            prepared: the data.
            options: the options.
            loop: more arguments for `training.fit`, or others than the task's own. A task whose
                step size falls gives its optimizer here, and a `learning_rate` of None.
        """
        given = {
            "metrics": self.metrics,
            "optimizer": options.optimizer,
            "learning_rate": options.learning_rate,
            **loop,
        }
        return training.fit(
            model,
            prepared.train,
            validation_data=prepared.validation,
            loss=self.loss(prepared.preprocessing),
            monitor=self.monitor,
            restore_best=True,
            epochs=options.epochs,
            batch_size=options.batch_size,
            clip_norm=options.clip_norm or None,
            patience=options.patience,
            seed=options.seed,
            **given,
        )

    def falling(self, model: nn.Module, prepared: Prepared[P, T], options: O) -> dict[str, Any]:
        """Returns an optimizer whose step size falls to 0 over the training, as `fit` takes it."""
        optimizer = find_optimizer(options.optimizer, model, options.learning_rate)
        batches = math.ceil(len(prepared.train) / options.batch_size)
        decay_linearly(optimizer, options.epochs * batches)
        return {"optimizer": optimizer, "learning_rate": None}

    def inputs_of(self, file: str) -> list[str]:
        """Returns the inputs that a file holds ("-" is standard input).

        A line each, blank lines left out, unless the task says otherwise.

        Raises:
            InputError: if there is no such file or it is not UTF-8.
        """
        content = _standard_input() if file == "-" else files.read_text(file)
        return [line for line in content.splitlines() if line.strip()]

    def pictures(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Figure]]:
        """Yields figures of predictions with a name each; none for most tasks."""
        yield from ()


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"Standard input is not UTF-8 text: {error.reason}.") from error
