"""Losses by the names people know, or as functions."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.data.targets import IGNORED
from recur.layers.scores import LinearScores
from recur.messages import InputError, must, one_of, shown
from recur.training.targets import class_numbers, like_outputs, same_but_for_ones

Function = Callable[[Tensor, Tensor], Tensor]

# What a model's outputs are to a loss; accuracy follows from it.
PROBABILITIES = "probabilities"
LOGITS = "logits"
CLASSES = "scores of classes"
NUMBERS = "numbers"
UNKNOWN = "unknown outputs"

# Keras keeps probabilities this far from 0 and 1, where the logarithm has no end.
NEAREST = 1e-7


@dataclass(frozen=True)
class Loss:
    """A loss: what is computed, and what the model's outputs mean to it.

    Attributes:
        name: what messages call it.
        function: (outputs, aligned targets) -> the mean over the batch, a tensor of shape ().
        outputs: what the outputs are: one of this module's constants.
        ignored: the class number that counts for nothing; None where targets are no class numbers.
        weights: (C,) how much each class counts in the mean; None for alike.
        summed: the function gives the sum over the batch in the place of the mean.
        unreduced: (outputs, aligned targets) -> the loss of each target, or of each row of them;
            None where only the function itself can say.
        scored: False where `LinearScores` serve as outputs too.
    """

    name: str
    function: Function
    outputs: str
    ignored: int | None = None
    weights: Tensor | None = None
    summed: bool = False
    unreduced: Function | None = None
    scored: bool = True

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the loss of outputs and aligned targets, 0 where none of them counts.

        Raises:
            InputError: if the outputs are not what this loss takes, or it gives no single number.
        """
        if self._none_counts(outputs, targets):
            return (outputs * 0).sum()  # torch's own gives 0 / 0
        loss = self.function(outputs, targets)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            todo = "Take the mean over the batch (reduction='mean')."
            raise InputError(must(f"what {self.name} returns", "one number", got, todo))
        return loss.reshape(()) if loss.dim() else loss

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the loss of each target, or of each row of them; 0 of those that are ignored.

        Raises:
            InputError: if a function of the user's does not give them.
        """
        values = (self.unreduced or self.function)(outputs, targets)
        # With more numbers than targets they were broadcast against each other.
        of_each = isinstance(values, Tensor) and values.shape[:1] == targets.shape[:1]
        if of_each and values.numel() <= targets.numel():
            return values
        got = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else shown(values)
        raise InputError(
            must(f"what {self.name} returns with weights", "a number for each example", got)
        )

    def align(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns targets in the shape and type that fit the outputs.

        Raises:
            InputError: if their shapes cannot mean the same examples.
        """
        if self.outputs == CLASSES:
            return class_numbers(outputs, targets)
        if self.outputs != UNKNOWN:
            return like_outputs(outputs, targets)
        if outputs.shape != targets.shape and same_but_for_ones(outputs.shape, targets.shape):
            targets = targets.reshape(outputs.shape)
        # Only the caller's own function knows what whole numbers are to it.
        return targets.to(outputs.dtype) if targets.is_floating_point() else targets

    def examples(self, outputs: Tensor, targets: Tensor) -> int | Tensor:
        """Returns how many aligned targets there are: a tensor where they are class numbers.

        Those that are ignored do not count.
        """
        if self.ignored is None or targets.is_floating_point():
            return targets.numel()
        return self.counted(targets).sum()

    def counted(self, targets: Tensor) -> Tensor:
        """Which class numbers count, True or False."""
        assert self.ignored is not None
        return targets != self.ignored

    def weight(self, outputs: Tensor, targets: Tensor) -> int | Tensor:
        """Returns what the mean is divided by: the examples, or the sum of their weights."""
        if self.weights is None or targets.is_floating_point():
            rows = self.summed and self.outputs == CLASSES and targets.is_floating_point()
            return targets.shape[:-1].numel() if rows else self.examples(outputs, targets)
        return self.own(targets).sum()

    def own(self, targets: Tensor) -> Tensor:
        """How much each class number counts by the weights of this loss itself."""
        counted = self.counted(targets)
        if self.weights is None:
            return counted
        each = self.weights.to(targets.device)[targets * counted]
        return each * counted

    def _none_counts(self, outputs: Tensor, targets: Tensor) -> bool:
        # The named one sees to it itself; elsewhere than on the CPU, looking would wait.
        if self.ignored is None or self.function is cross_entropy or not targets.is_cpu:
            return False
        return not self.weight(outputs, targets)

    def check(self, outputs: Tensor, targets: Tensor, known: Tensor) -> None:
        """Looks at targets once.

        Args:
            outputs: of a first batch.
            targets: aligned, of the first batch.
            known: all targets, as they were given; or those of the first batch.

        Raises:
            InputError: if they are labels or classes that this loss or this model does not know.
        """
        if self.outputs in (PROBABILITIES, LOGITS):
            _check_labels(known)
        if self.outputs == CLASSES and targets.shape != outputs.shape:
            assert self.ignored is not None
            _check_classes(known, outputs.shape[-1], self.ignored)


def binary_crossentropy(
    probabilities: Tensor, targets: Tensor, *, reduction: str = "mean"
) -> Tensor:
    """Mean cross-entropy of probabilities and targets from 0 to 1.

    By way of logits, so that NaN comes out as NaN: torch's own function stops there with an error
    that hides where it came from.

    Raises:
        InputError: if the outputs are not probabilities.
    """
    if probabilities.device.type == "cpu":  # elsewhere, looking would wait for the device
        low, high = (bound.item() for bound in torch.aminmax(probabilities.detach()))
        if low < 0 or high > 1:  # False for NaN
            expected = "probabilities from 0 to 1 for 'binary_crossentropy'"
            todo = "Take 'binary_crossentropy_with_logits', or end the model with nn.Sigmoid()."
            got = f"{low if low < 0 else high:.4g}"
            raise InputError(must("the model's outputs", expected, got, todo))
    logits = torch.logit(probabilities, eps=NEAREST)
    return F.binary_cross_entropy_with_logits(logits, targets, reduction=reduction)


def cross_entropy(
    scores: Tensor | LinearScores, targets: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy of scores (..., C) and class numbers (...) or probabilities (..., C).

    Class numbers of -100 do not count; where none counts the loss is 0.
    """
    scores = _needed(scores, targets)
    if isinstance(scores, LinearScores):
        return scores.cross_entropy(targets, label_smoothing=smoothing)
    flat = scores.reshape(-1, scores.shape[-1])
    if targets.is_floating_point():
        return F.cross_entropy(flat, targets.reshape(flat.shape), label_smoothing=smoothing)
    classes = targets.reshape(-1)
    total = F.cross_entropy(
        flat, classes, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    return total / (classes != IGNORED).sum().clamp(min=1)


def _cross_entropy_of_each(
    scores: Tensor | LinearScores, targets: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """The cross-entropy of each row of scores (..., C): (...)."""
    scores = _needed(scores, targets)
    if isinstance(scores, LinearScores):
        return scores.cross_entropy(targets, reduction="none", label_smoothing=smoothing)
    rows = scores.shape[:-1]
    flat = scores.reshape(-1, scores.shape[-1])
    wanted = targets.reshape(flat.shape if targets.is_floating_point() else -1)
    how: dict[str, Any] = {"reduction": "none", "label_smoothing": smoothing}
    return F.cross_entropy(flat, wanted, ignore_index=IGNORED, **how).reshape(rows)


def _needed(scores: Tensor | LinearScores, targets: Tensor) -> Tensor | LinearScores:
    """For targets that are probabilities the scores are computed."""
    if isinstance(scores, LinearScores) and targets.is_floating_point():
        return scores.computed()
    return scores


def _unreduced(function: Any) -> Function:
    if function is cross_entropy:
        return _cross_entropy_of_each
    return functools.partial(function, reduction="none")


LOSSES = {
    name: Loss(
        name,
        function,
        outputs,
        IGNORED if outputs == CLASSES else None,
        unreduced=_unreduced(function),
        scored=function is not cross_entropy,
    )
    for name, function, outputs in (
        ("binary_crossentropy", binary_crossentropy, PROBABILITIES),
        ("binary_crossentropy_with_logits", F.binary_cross_entropy_with_logits, LOGITS),
        ("cross_entropy", cross_entropy, CLASSES),
        # Keras' word for the same: targets are class numbers. Outputs are scores (no softmax).
        ("sparse_categorical_crossentropy", cross_entropy, CLASSES),
        ("mse", F.mse_loss, NUMBERS),
        ("mae", F.l1_loss, NUMBERS),
        ("huber", F.huber_loss, NUMBERS),
    )
}


def smoothed(loss: Loss, smoothing: float) -> Loss:
    """A loss by name whose targets are not wholly sure: a share of each goes to all classes alike.

    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.

    Raises:
        InputError: a loss of numbers, or a function, which can do so itself.
    """
    if LOSSES.get(loss.name) is not loss or loss.outputs == NUMBERS:
        expected = "given with 'cross_entropy' or a binary loss by name"
        raise InputError(must("label_smoothing", expected, f"the loss {loss.name!r}"))
    change = _smoothing_itself if loss.outputs == CLASSES else _on_smooth_labels
    function, each = (change(f, smoothing) for f in (loss.function, loss.unreduced))
    return replace(loss, function=function, unreduced=each)


def _smoothing_itself(function: Any, smoothing: float) -> Function:
    return functools.partial(function, smoothing=smoothing)


def _on_smooth_labels(function: Any, smoothing: float) -> Function:
    return lambda outputs, targets: function(outputs, targets * (1 - smoothing) + smoothing / 2)


# What outputs are to torch's own modules.
MODULES: dict[type[nn.Module], str] = {
    nn.CrossEntropyLoss: CLASSES,
    nn.BCELoss: PROBABILITIES,
    nn.BCEWithLogitsLoss: LOGITS,
    nn.MSELoss: NUMBERS,
    nn.L1Loss: NUMBERS,
    nn.SmoothL1Loss: NUMBERS,
    nn.HuberLoss: NUMBERS,
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
    name = getattr(loss, "__name__", type(loss).__name__)
    kinds = (outputs for kind, outputs in MODULES.items() if isinstance(loss, kind))
    outputs = next(kinds, UNKNOWN)
    function = _on_rows(loss) if isinstance(loss, nn.CrossEntropyLoss) else loss
    ignored = loss.ignore_index if isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss) else None
    if not _is_torchs(loss):
        return Loss(name, function, outputs, ignored)
    weights = None if ignored is None else loss.weight
    return Loss(
        name,
        function,
        outputs,
        ignored,
        weights,
        summed=loss.reduction == "sum",
        unreduced=_of_each(loss),
    )


def _of_each(loss: nn.CrossEntropyLoss) -> Function:
    """What a module of torch's computes before it takes the mean or the sum."""
    each = copy.copy(loss)
    each.reduction = "none"
    return _on_rows(each) if isinstance(each, nn.CrossEntropyLoss) else each


def _is_torchs(loss: Any) -> TypeGuard[nn.CrossEntropyLoss]:
    """Whether it computes what a module of torch's does, so that its attributes say how."""
    forward = getattr(type(loss), "forward", None)
    return isinstance(loss, nn.Module) and getattr(forward, "__module__", "") == _TORCHS


_TORCHS = nn.CrossEntropyLoss.__module__


def _on_rows(loss: nn.CrossEntropyLoss) -> Function:
    """Torch wants classes on axis 1, everything here has them last: only (B, C) is both."""

    def function(scores: Tensor, targets: Tensor) -> Tensor:
        if scores.dim() != 2:
            todo = "For (batch, time, classes) take the loss 'cross_entropy'."
            got = f"shape {tuple(scores.shape)}"
            raise InputError(must("outputs for CrossEntropyLoss", "(batch, classes)", got, todo))
        result: Tensor = loss(scores, targets)
        return result

    return function


def _check_labels(targets: Tensor) -> None:
    wrong = targets[(targets < 0) | (targets > 1)]  # smoothed labels are allowed
    if wrong.numel():
        todo = "Number two classes 0 and 1; for more classes take the loss 'cross_entropy'."
        got = f"{wrong[0].item():g}"
        raise InputError(must("targets of a binary loss", "from 0 to 1", got, todo))


def _check_classes(targets: Tensor, classes: int, ignored: int) -> None:
    known = (targets >= 0) & (targets < classes) & (targets == targets.long())
    wrong = targets[~(known | (targets == ignored))]
    if wrong.numel():
        expected = f"class numbers from 0 to {classes - 1}, as the model has {classes} outputs"
        todo = "Number the classes from 0, or give the model an output for each."
        raise InputError(must("targets", expected, f"{wrong[0].item():g}", todo))
