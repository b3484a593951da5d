"""Metrics by the names people know, summed over batches as tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from recur.messages import InputError, must, one_of
from recur.training.losses import Loss
from recur.training.targets import class_scores, same_shape

Function = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Metric:
    """A metric: a mean over values, then perhaps a function of it.

    Attributes:
        name: its column in the history.
        values: (outputs, targets) -> the values whose mean is wanted, of any shape.
        finish: what becomes of the mean over all batches.
    """

    name: str
    values: Function
    finish: Callable[[float], float] = lambda mean: mean


def _accuracy(loss: Loss) -> Metric:
    if loss.decide is None:
        raise InputError(
            f"The metric 'accuracy' has no meaning for the loss {loss.name!r}, whose outputs are "
            "no decisions. Use 'mae', 'mse' or 'rmse'."
        )
    decide = loss.decide

    def right(output: Tensor, target: Tensor) -> Tensor:
        if loss.name == "cross_entropy" or (target.dim() < output.dim() and output.shape[-1] > 1):
            output, target = class_scores(output, target)
            return decide(output) == target
        output, target = same_shape(output, target)
        return decide(output) == (target > 0.5)

    return Metric("accuracy", right)


METRICS: dict[str, Callable[[Loss], Metric]] = {
    "accuracy": _accuracy,
    "mae": lambda _: Metric("mae", lambda o, y: (_gap(o, y)).abs()),
    "mse": lambda _: Metric("mse", lambda o, y: _gap(o, y) ** 2),
    "rmse": lambda _: Metric("rmse", lambda o, y: _gap(o, y) ** 2, math.sqrt),
}


def _gap(output: Tensor, target: Tensor) -> Tensor:
    output, target = same_shape(output, target)
    return output - target


def find_metrics(metrics: Sequence[str | Function], loss: Loss) -> list[Metric]:
    """Returns metrics by name, or wraps callables `(outputs, targets) -> values or a scalar`.

    Raises:
        InputError: an unknown name, or one that does not fit the loss.
    """
    if isinstance(metrics, str):
        raise InputError(must("metrics", "a list", repr(metrics), f"Write [{metrics!r}]."))
    found = []
    for metric in metrics:
        if isinstance(metric, str):
            found.append(METRICS[one_of("metric", metric, METRICS)](loss))
        elif callable(metric):
            found.append(Metric(getattr(metric, "__name__", type(metric).__name__), metric))
        else:
            raise InputError(must("a metric", "a name or a callable", repr(metric)))
    return found
