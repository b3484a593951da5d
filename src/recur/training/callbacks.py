"""What a program of its own does at the moments of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.optim import Optimizer

from recur.messages import InputError, must, shown
from recur.training.plan import OnEpoch


@dataclass
class Training:
    """Where a training stands, as its callbacks see it.

    Attributes:
        model: the model. In training it holds the weights as they are, averages of them or not.
        optimizer: its optimizer.
        epochs: passes over the data asked for.
        batches: of a pass; 0 where that is not known.
        epoch: the epoch under way, or that has ended, from 1.
        batch: the batch under way, or that has ended, from 1; 0 before the first.
        row: the row of the history of the last epoch that has ended; empty before the first.
    """

    model: nn.Module
    optimizer: Optimizer
    epochs: int
    batches: int
    epoch: int = 1
    batch: int = 0
    row: dict[str, float] = field(default_factory=dict)


class Callback:
    """Does nothing at any moment of a training: subclasses do something at some of them.

    What it changes of weights and step sizes is in the state that is saved; what it remembers
    itself is not. If one raises an error at the end of a batch or an epoch, the state is saved
    first.
    """

    def on_train_begin(self, training: Training) -> None:
        """Training begins, or goes on."""

    def on_train_end(self, training: Training) -> None:
        """Training is over: done, stopped or failed. Nothing is saved after it."""

    def on_epoch_begin(self, training: Training) -> None:
        """An epoch begins, or goes on after some batches."""

    def on_epoch_end(self, training: Training) -> None:
        """An epoch has ended, with its row; its state is saved after this."""

    def on_batch_begin(self, training: Training) -> None:
        """A batch begins."""

    def on_batch_end(self, training: Training) -> None:
        """A batch has ended."""


MOMENTS = [name for name in vars(Callback) if name.startswith("on_")]


class Callbacks:
    """Some callbacks, in their order.

    Attributes:
        heard: for each moment, by name, what is called then; most callbacks hear of few.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.heard = {
            moment: [
                getattr(each, moment)
                for each in callbacks
                if getattr(type(each), moment) is not getattr(Callback, moment)
            ]
            for moment in MOMENTS
        }

    def tell(self, moment: str, training: Training) -> None:
        """Calls all that want to hear of a moment."""
        for hears in self.heard[moment]:
            hears(training)


class _OnEpoch(Callback):
    """A function of an epoch and its row."""

    def __init__(self, function: OnEpoch) -> None:
        self.function = function

    def on_epoch_end(self, training: Training) -> None:
        """As `Callback.on_epoch_end`."""
        self.function(training.epoch, training.row)


def find_callbacks(callbacks: Sequence[Callback] | Callback, on_epoch: OnEpoch | None) -> Callbacks:
    """Returns the callbacks of a training; `on_epoch` comes first.

    Raises:
        InputError: if one is none.
    """
    if on_epoch is not None and not callable(on_epoch):
        raise InputError(must("on_epoch", "a function of an epoch and its row", shown(on_epoch)))
    given: Any = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    for each in given:
        if not isinstance(each, Callback):
            todo = "Make an object of it: Name()." if isinstance(each, type) else ""
            expected = "a list of recur.training.Callback"
            raise InputError(must("callbacks", expected, shown(each), todo))
    return Callbacks([*([] if on_epoch is None else [_OnEpoch(on_epoch)]), *given])
