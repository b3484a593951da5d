"""Metrics by the names people know, or as functions.

A metric is computed batch by batch; its value for an epoch is the mean over the examples (over the
steps, where each has a target).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recur.messages import InputError, listed, must, one_of
from recur.training import losses
from recur.training.losses import Loss
from recur.training.targets import like_outputs

Function = Callable[[Tensor, Tensor], Tensor | float]

# Words in the names of metrics of which more is better; of all others less is.
MORE_IS_BETTER = ("acc", "auc", "f1", "precision", "recall", "r2", "bleu", "score")


@dataclass(frozen=True)
class Metric:
    """A metric: a mean over batches, then perhaps a function of it.

    Attributes:
        name: its column in the history.
        mean: (outputs, targets aligned as for the loss) -> the mean over a batch; None: the loss.
        finish: what becomes of the mean over all batches (the root, for "rmse").
        more_is_better: which way is up.
    """

    name: str
    mean: Function | None
    finish: Callable[[float], float] = float
    more_is_better: bool = False


def find_metrics(metrics: Sequence[str | Function], loss: Loss) -> list[Metric]:
    """Returns metrics by name, or wraps callables `(outputs, targets) -> mean`.

    A callable's `higher_is_better` says which way is up; without it, its name does (names with
    "acc", "f1", "auc" ... in them go up, errors and losses down).

    Raises:
        InputError: an unknown name, one that does not fit the loss, or the same name twice.
    """
    if isinstance(metrics, str):
        raise InputError(must("metrics", "a list", repr(metrics), f"Write [{metrics!r}]."))
    if not isinstance(metrics, Iterable):
        raise InputError(must("metrics", "a list of names or functions", repr(metrics)))
    found = [_find(metric, loss) for metric in metrics]
    names = ["loss", *(metric.name for metric in found)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(must("metrics", "of different names", f"{twice[0]!r} twice"))
    return found


def _find(metric: str | Function, loss: Loss) -> Metric:
    if isinstance(metric, str):
        return NAMED[one_of("metric", metric, NAMED)](loss)
    if not callable(metric):
        raise InputError(must("a metric", "a name or a callable", repr(metric)))
    name = getattr(metric, "__name__", type(metric).__name__).strip("<>")
    declared = getattr(metric, "higher_is_better", None)  # torchmetrics' word
    better = up_by_name(name) if declared is None else bool(declared)
    return Metric(name, metric, more_is_better=better)


def up_by_name(name: str) -> bool:
    """Whether more is better of a metric of this name."""
    return any(word in name.lower() for word in MORE_IS_BETTER)


def _accuracy(loss: Loss) -> Metric:
    if loss.outputs not in ACCURACIES:
        todo = "Take 'mae', 'mse' or 'rmse', or a function metric(outputs, targets)."
        expected = f"used with a loss of {listed(ACCURACIES)}"
        raise InputError(must("the metric 'accuracy'", expected, f"the loss {loss.name!r}", todo))
    return Metric("accuracy", ACCURACIES[loss.outputs](loss), more_is_better=True)


def _accuracy_above(threshold: float, loss: Loss) -> Function:
    def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
        right: Tensor = (outputs > threshold) == (targets > 0.5)
        return right.mean(dtype=torch.float64)

    return accuracy


def _accuracy_of_classes(loss: Loss) -> Function:
    def accuracy(scores: Tensor, targets: Tensor) -> Tensor:
        best = scores.argmax(-1)
        if targets.shape == scores.shape:
            return (best == targets.argmax(-1)).double().mean()
        counted = loss.counted(targets)
        right = (best == targets) & counted
        return right.sum().double() / counted.sum().clamp(min=1)

    return accuracy


# How outputs are decisions, by what they are to the loss.
ACCURACIES: dict[str, Callable[[Loss], Function]] = {
    losses.PROBABILITIES: functools.partial(_accuracy_above, 0.5),
    losses.LOGITS: functools.partial(_accuracy_above, 0.0),
    losses.CLASSES: _accuracy_of_classes,
}


def _absolute(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - like_outputs(outputs, targets)).abs().mean()


def _square(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - like_outputs(outputs, targets)).square().mean()


def _of_cross_entropy(name: str, finish: Callable[[float], float]) -> Callable[[Loss], Metric]:
    """A metric that is the loss in another unit, and costs nothing beside it."""

    def metric(loss: Loss) -> Metric:
        if loss.outputs != losses.CLASSES:
            expected = "used with the loss 'cross_entropy'"
            raise InputError(must(f"the metric {name!r}", expected, f"{loss.name!r}"))
        return Metric(name, None, finish)

    return metric


def perplexity(nats: float) -> float:
    """How many equally likely answers a mean cross-entropy amounts to."""
    return math.exp(nats) if nats < 700 else math.inf


def bits(nats: float) -> float:
    """A cross-entropy in bits."""
    return nats / math.log(2)


NAMED: dict[str, Callable[[Loss], Metric]] = {
    "accuracy": _accuracy,
    "mae": lambda _: Metric("mae", _absolute),
    "mse": lambda _: Metric("mse", _square),
    "rmse": lambda _: Metric("rmse", _square, math.sqrt),
    "perplexity": _of_cross_entropy("perplexity", perplexity),
    "bits_per_character": _of_cross_entropy("bits_per_character", bits),
}
