"""Means over the batches of a pass: of the loss, and of each metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from recur.data.sequences import Batch
from recur.messages import InputError
from recur.training.losses import Loss
from recur.training.metrics import Metric
from recur.training.targets import existing


class Counts(NamedTuple):
    """How much a batch counts.

    Attributes:
        examples: how many targets it has; of class numbers only those that are not ignored. Metrics
            are means over them.
        weight: what its loss was divided by: the examples, or with weights of classes the sum of
            their weights.
    """

    examples: int | Tensor
    weight: int | Tensor


class Totals:
    """The loss and the metrics of one pass: the means over all of it, however it is cut in batches.

    Attributes:
        names: of the loss and the metrics.
        sums: of the loss times the weight of its batch, and of each metric times the examples.
        examples: how many targets counted.
        weight: how much they count in the loss: as many, but where classes have weights.
    """

    def __init__(
        self,
        loss: Loss,
        metrics: Sequence[Metric],
        known: Tensor | None = None,
        *,
        aligned: bool = True,
    ) -> None:
        """Begins a first pass.

        Args:
            loss: the loss.
            metrics: the metrics.
            known: all targets, where they are known; they are checked with the first batch.
            aligned: step t of the outputs belongs to step t of the input, so that lengths say
                which targets exist.
        """
        self.loss, self.metrics, self._known = loss, metrics, known
        self.names = ["loss", *[metric.name for metric in metrics]]
        self._aligned = aligned
        self._of_loss = [True, *[metric.mean is None for metric in metrics]]
        self._checked = False
        self.clear()

    def clear(self) -> None:
        """Begins a new pass."""
        self.sums = [0.0] * (len(self.metrics) + 1)
        self.examples = 0
        self.weight: float = 0

    def measure(self, batch: Batch, outputs: Tensor) -> tuple[Tensor, list[Tensor | float], Counts]:
        """Computes the loss and the metrics of a batch, without waiting for the device.

        Returns:
            the loss, differentiable; the values and the counts that `add` takes.

        Raises:
            InputError: if there are no targets, or they do not fit the outputs.
        """
        if batch.y is None:
            raise InputError("There are no targets y; a loss needs them.")
        steps = batch.x.shape[1] if batch.x.dim() > 1 else 0
        lengths = batch.lengths if self._aligned else None
        outputs, given = existing(outputs, batch.y, lengths, steps)
        targets = self.loss.align(outputs, given)
        if not self._checked:
            whole = self._known if given is batch.y and self._known is not None else given
            self.loss.check(outputs, targets, whole)
            self._checked = True
        loss = self.loss.mean(outputs, targets)
        counts = self._counts(outputs, targets)
        value = loss.detach()
        if self.loss.summed:
            value = value / torch.as_tensor(counts.weight).clamp(min=1e-30)
        if not self.metrics:
            return loss, [value], counts
        with torch.no_grad():
            seen = outputs.detach()
            values = [
                value if metric.mean is None else _mean(metric.mean(seen, targets))
                for metric in self.metrics
            ]
        return loss, [value, *values], counts

    def _counts(self, outputs: Tensor, targets: Tensor) -> Counts:
        examples = self.loss.examples(outputs, targets)
        if self.loss.weights is None and not self.loss.summed:
            return Counts(examples, examples)
        return Counts(examples, self.loss.weight(outputs, targets))

    def add(self, values: Sequence[float], counts: Counts) -> None:
        """Counts the values of a batch; those of a batch without examples mean nothing."""
        examples, weight = int(counts.examples), _number(counts.weight)
        for index, (value, of_loss) in enumerate(zip(values, self._of_loss, strict=True)):
            times = weight if of_loss else examples
            if times:
                self.sums[index] += value * times
        self.examples += examples
        self.weight += weight

    def means(self, prefix: str = "") -> dict[str, float]:
        """The means so far, by name."""
        finish = [float, *[metric.finish for metric in self.metrics]]
        times = [self.weight if of_loss else self.examples for of_loss in self._of_loss]
        return {
            f"{prefix}{name}": end(total / (count or 1))
            for name, end, total, count in zip(self.names, finish, self.sums, times, strict=True)
        }


def _mean(value: Tensor | float) -> Tensor | float:
    """Functions may give a value an example; the batch counts with their mean."""
    return value.float().mean() if isinstance(value, Tensor) and value.dim() else value


def _number(count: int | Tensor) -> float:
    return count.item() if isinstance(count, Tensor) else count
