"""Losses by the names people know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.messages import InputError, must, one_of
from recur.training.targets import class_scores, same_shape

Function = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """A loss: the mean over a batch, and how its outputs are read as decisions.

    Attributes:
        name: what the history and messages call it.
        mean: (outputs, targets) -> a scalar.
        decide: outputs -> class numbers or 0/1, for accuracy; None where that has no meaning.
    """

    name: str
    mean: Function
    decide: Callable[[Tensor], Tensor] | None = None


def _binary(output: Tensor, target: Tensor) -> Tensor:
    output, target = same_shape(output, target)
    low, high = (output.min().item(), output.max().item()) if output.numel() else (0.0, 1.0)
    if low != low or high != high:
        return output.sum()  # NaN: the training loop finds out where it comes from
    if low < 0 or high > 1:
        raise InputError(
            must(
                "the model's output for 'binary_crossentropy'",
                "a probability between 0 and 1",
                f"values from {low:.3g} to {high:.3g}",
                "End the model with nn.Sigmoid(), or use 'binary_crossentropy_with_logits'.",
            )
        )
    _zero_to_one(target)
    return F.binary_cross_entropy(output, target)


def _binary_logits(output: Tensor, target: Tensor) -> Tensor:
    output, target = same_shape(output, target)
    _zero_to_one(target)
    return F.binary_cross_entropy_with_logits(output, target)


def _zero_to_one(target: Tensor) -> None:
    low, high = (target.min().item(), target.max().item()) if target.numel() else (0.0, 1.0)
    if low < 0 or high > 1:
        wrong = high if high > 1 else low
        raise InputError(must("targets of a binary loss", "between 0 and 1", f"{wrong:g}"))


def _cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(*class_scores(output, target))


def _of_numbers(function: Callable[..., Tensor]) -> Function:
    return lambda output, target: function(*same_shape(output, target))


_ENTROPY = Loss("cross_entropy", _cross_entropy, lambda output: output.argmax(dim=-1))
LOSSES = {
    "binary_crossentropy": Loss("binary_crossentropy", _binary, lambda output: output > 0.5),
    "binary_crossentropy_with_logits": Loss(
        "binary_crossentropy_with_logits", _binary_logits, lambda output: output > 0
    ),
    "cross_entropy": _ENTROPY,
    # Keras' word for the same: targets are class numbers. Outputs are scores (no softmax).
    "sparse_categorical_crossentropy": _ENTROPY,
    "mse": Loss("mse", _of_numbers(F.mse_loss)),
    "mae": Loss("mae", _of_numbers(F.l1_loss)),
    "huber": Loss("huber", _of_numbers(F.huber_loss)),
}
_CLASSES = {
    torch.nn.BCELoss: "binary_crossentropy",
    torch.nn.BCEWithLogitsLoss: "binary_crossentropy_with_logits",
    torch.nn.CrossEntropyLoss: "cross_entropy",
}


def find_loss(loss: str | Function) -> Loss:
    """Returns a loss by name, or wraps a callable `(outputs, targets) -> scalar`.

    Raises:
        InputError: an unknown name, or something that cannot be called.
    """
    if isinstance(loss, str):
        return LOSSES[one_of("loss", loss, LOSSES)]
    if not callable(loss):
        raise InputError(must("loss", "a name or a callable", repr(loss)))
    like = next((LOSSES[name] for kind, name in _CLASSES.items() if isinstance(loss, kind)), None)
    name = getattr(loss, "__name__", type(loss).__name__)
    return Loss(name, loss, like.decide if like else None)
