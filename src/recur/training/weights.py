"""How much examples and classes count in a loss.

A step goes down the sum of the weighted losses divided by the number of targets, as in Keras: a
batch of one example is weighted too, which it is not where the sum of its weights divides. What is
reported is the weighted mean, over the sum of the weights, however the data are cut in batches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from recur.data.documents import Documents
from recur.data.examples import Examples, Rows
from recur.data.sequences import Batch, Sequences
from recur.messages import InputError, must, real, shown, whole
from recur.training import randomness
from recur.training.feed import Feed, LoaderFeed, examples_of
from recur.training.losses import CLASSES, LOGITS, PROBABILITIES, Loss
from recur.training.pieces import CutFeed, PouredFeed
from recur.training.targets import existing

TINY = 1e-30


class Counts(NamedTuple):
    """How much a batch counts.

    Attributes:
        examples: how many targets it has; of class numbers only those that are not ignored. Metrics
            are means over them.
        weight: what the reported loss is a mean over: the examples, or the sum of their weights.
        divisor: what the sum of the losses was divided by for a step; None if by nothing.
    """

    examples: int | Tensor
    weight: int | Tensor
    divisor: int | Tensor | None


class Weighted:
    """`Examples` that count more or less in the loss.

    Args:
        examples: the examples.
        weights: (N,) how much each counts, 0 or more.

    Raises:
        InputError: if there is not one weight for each.
    """

    def __init__(self, examples: Examples, weights: Any) -> None:
        self.examples, self.weights = examples, _numbers(weights, "sample_weight")
        if len(self.weights) != len(examples):
            expected = f"one for each of {len(examples):,} examples"
            raise InputError(must("sample_weight", expected, f"{len(self.weights):,}"))
        if not bool((self.weights > 0).any()):
            raise InputError(must("sample_weight", "above 0 for some example", "none above 0"))

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """As `Examples.lengths`."""
        return self.examples.lengths

    @property
    def y(self) -> Any:
        """As `Examples.y`."""
        return self.examples.y

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, indices: Rows) -> Batch:
        """As `Examples.batch`, with the weights."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64))
        return self.examples.batch(indices)._replace(weight=self.weights[rows])

    def split(self, fraction: float) -> tuple[Weighted, Weighted]:
        """Returns the first part and the last `fraction`; see `Sequences.split`."""
        if not isinstance(self.examples, Sequences):
            kind = type(self.examples).__name__
            raise InputError(f"validation_split needs arrays or Sequences; split the {kind} first.")
        first, last = self.examples.split(fraction)
        at = len(first)
        return Weighted(first, self.weights[:at]), Weighted(last, self.weights[at:])


def weighted_examples(x: Any, y: Any, lengths: Any, weights: Any) -> Weighted:
    """`Examples` with weights, of what `fit` takes as x, y and lengths.

    Raises:
        InputError: if they do not fit together, or nobody knows how many examples there are.
    """
    if isinstance(x, Documents | DataLoader) or (
        isinstance(x, Dataset) and not isinstance(x, Examples)
    ):
        todo = "A DataLoader may give recur.Batch(x, lengths, y, weight=...) instead."
        got = f"beside {type(x).__name__}"
        raise InputError(must("sample_weight", "given with arrays or Sequences", got, todo))
    return Weighted(examples_of(x, y, lengths), weights)


class ClassWeights:
    """How much each class counts.

    Args:
        by_class: the weights by class number; of classes that are not named 1.
        classes: how many classes there must be; None where that is open.
    """

    def __init__(self, by_class: Mapping[int, float], classes: int | None = None) -> None:
        self.by_class, self.classes = dict(by_class), classes
        self._table: Tensor | None = None

    def of(self, loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the weight of each target, or of each row of probabilities.

        Raises:
            InputError: if there are weights of other classes than the outputs have.
        """
        if self._table is None:
            self._table = self._made(outputs.shape[-1] if loss.outputs == CLASSES else 2, outputs)
        table = self._table
        if loss.outputs != CLASSES:
            return table[0] + (table[1] - table[0]) * targets
        if targets.is_floating_point():
            return targets @ table
        return table[targets * loss.counted(targets)]

    def to_json(self) -> dict[str, float]:
        """The weights by class number."""
        return {str(number): weight for number, weight in self.by_class.items()}

    def _made(self, classes: int, like: Tensor) -> Tensor:
        strange = [number for number in self.by_class if number >= classes]
        if strange or self.classes not in (None, classes):
            got = f"one of class {max(strange)}" if strange else f"{self.classes} of them"
            expected = f"weights of the {classes} classes, numbered from 0"
            raise InputError(must("class_weight", expected, got))
        weights = [self.by_class.get(number, 1.0) for number in range(classes)]
        return torch.tensor(weights, dtype=like.dtype, device=like.device)


def weighted(
    loss: Loss, outputs: Tensor, targets: Tensor, classes: Tensor | None, examples: Tensor | None
) -> tuple[Tensor, Tensor, Counts]:
    """Computes a weighted loss.

    Args:
        loss: the loss.
        outputs: (B, ...) of the model.
        targets: (B, ...) aligned to them.
        classes: the weight of each target, see `ClassWeights.of`.
        examples: (B,) the weight of each example.

    Returns:
        what a step goes down, what is reported, and how much it counts.
    """
    values = loss.values(outputs, targets)
    weights = torch.ones_like(values) if classes is None else classes.to(values.dtype)
    if examples is not None:
        each = examples.to(values.device, values.dtype)
        weights = weights * each.reshape(-1, *[1] * (values.dim() - 1))
    total = (weights * values).sum()
    numbers = loss.ignored is not None and not targets.is_floating_point()
    divisor = loss.weight(outputs, targets) if numbers else values.numel()
    with torch.no_grad():
        weight = (weights * loss.own(targets) if numbers else weights).sum()
        reported = total.detach() / weight.clamp(min=TINY)
    count = Counts(loss.examples(outputs, targets), weight, None if loss.summed else divisor)
    step = total if loss.summed else total / torch.as_tensor(divisor).clamp(min=TINY)
    return step, reported, count


def find_class_weights(
    class_weight: Any, loss: Loss, feed: Feed, *, name: str = "", aligned: bool = True
) -> ClassWeights | None:
    """Returns the weights of classes that were asked for.

    Args:
        class_weight: a dict of weights by class number, a list or tensor with one for each class,
            "balanced" (in inverse proportion to how often a class is there, so that the weights of
            all targets are 1 in the mean), or None.
        loss: the loss, whose targets are classes.
        feed: the training data.
        name: of the output whose targets are counted.
        aligned: whether targets belong to the steps of the input.

    Raises:
        InputError: for anything else.
    """
    if class_weight is None:
        return None
    if loss.outputs not in (CLASSES, LOGITS, PROBABILITIES):
        todo = "Weigh examples instead (sample_weight)."
        got = f"the loss {loss.name!r}"
        raise InputError(must("class_weight", "given with a loss of classes", got, todo))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            expected = 'a dict, a list, a tensor or "balanced"'
            raise InputError(must("class_weight", expected, shown(class_weight)))
        return ClassWeights(_balanced(feed, loss, name, aligned))
    if isinstance(class_weight, Mapping):
        words = "a finite number of at least 0"
        return ClassWeights(
            {
                whole("a class of class_weight", key, least=0): real(
                    f"class_weight of {key}", value, lambda w: 0 <= w < math.inf, words
                )
                for key, value in class_weight.items()
            }
        )
    values = _numbers(class_weight, "class_weight").tolist()
    if not any(values):
        raise InputError(
            must("class_weight", "above 0 for one class at least", shown(class_weight))
        )
    return ClassWeights(dict(enumerate(values)), len(values))


def _balanced(feed: Feed, loss: Loss, name: str, aligned: bool) -> dict[int, float]:
    """N / (classes x N of the class), as scikit-learn has it."""
    if isinstance(feed, CutFeed):
        feed = feed.whole
    loader = isinstance(feed, LoaderFeed) and isinstance(feed.loader.dataset, IterableDataset)
    if loader or isinstance(feed, PouredFeed):
        todo = "Give a dict or a list of weights."
        raise InputError(must("class_weight", "given where data are read once", "'balanced'", todo))
    found: dict[int, int] = {}
    with randomness.kept_apart(torch.device("cpu")):
        for batch in feed.batches(None):
            for number, times in _counted(batch, loss, name, aligned):
                found[number] = found.get(number, 0) + times
    if not found:
        raise InputError("There is nothing to train on: the data hold no target that counts.")
    total = sum(found.values())
    return {number: total / (len(found) * times) for number, times in sorted(found.items())}


def _counted(batch: Batch, loss: Loss, name: str, aligned: bool) -> list[tuple[int, int]]:
    given: Any = batch.y[name] if name else batch.y  # type: ignore[index]
    if given is None:
        raise InputError("There are no targets y; a loss needs them.")
    steps = batch.x.shape[1] if batch.x.dim() > 1 else 0
    targets, _ = existing(given, given, batch.lengths if aligned else None, steps)
    numbers = targets.long()
    if bool((numbers != targets).any()):
        expected = "class numbers with class_weight='balanced'"
        raise InputError(must("targets", expected, "others", "Give a list of weights."))
    if loss.ignored is not None:
        numbers = numbers[loss.counted(numbers)]
    values, times = torch.unique(numbers, return_counts=True)
    if len(values) and int(values[0]) < 0:
        raise InputError(must("targets", "class numbers from 0 on", int(values[0])))
    return list(zip(values.tolist(), times.tolist(), strict=True))


def _numbers(values: Any, what: str) -> Tensor:
    """(N,) finite weights of at least 0."""
    try:
        found = torch.as_tensor(values, dtype=torch.get_default_dtype()).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise InputError(must(what, "a list of numbers", shown(values))) from None
    if found.dim() != 1:
        raise InputError(must(what, "a list of numbers", f"shape {tuple(found.shape)}"))
    bad = found[~(found.isfinite() & (found >= 0))]
    if len(bad):
        raise InputError(must(what, "finite and at least 0", f"{bad[0].item():g}"))
    return found
