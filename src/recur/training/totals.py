"""Means over the batches of a pass: of the loss, and of each metric."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from recur.data.sequences import Batch
from recur.messages import InputError
from recur.training.losses import Loss
from recur.training.metrics import Metric
from recur.training.targets import existing


class Totals:
    """The loss and the metrics of one pass, each weighed by the examples of its batch.

    Attributes:
        sums: of the loss and of each metric, times the examples.
        examples: how many targets there were; of class numbers only those that count, so that the
            means do not depend on how the data are cut into batches.
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
        self._aligned = aligned
        self._checked = False
        self.clear()

    def clear(self) -> None:
        """Begins a new pass."""
        self.sums = [0.0] * (len(self.metrics) + 1)
        self.examples = 0

    def measure(
        self, batch: Batch, outputs: Tensor
    ) -> tuple[Tensor, list[Tensor | float], int | Tensor]:
        """Computes the loss and the metrics of a batch, without waiting for the device.

        Returns:
            the loss, differentiable; the values that `add` takes; the examples.

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
        examples = self.loss.examples(outputs, targets)
        if not self.metrics:
            return loss, [loss.detach()], examples
        with torch.no_grad():
            seen = outputs.detach()
            values = [
                loss.detach() if metric.mean is None else _mean(metric.mean(seen, targets))
                for metric in self.metrics
            ]
        return loss, [loss.detach(), *values], examples

    def add(self, values: Sequence[float], examples: int) -> None:
        """Counts the values of a batch; those of a batch without examples mean nothing."""
        if not examples:
            return
        for index, value in enumerate(values):
            self.sums[index] += value * examples
        self.examples += examples

    def means(self, prefix: str = "") -> dict[str, float]:
        """The means so far, by name."""
        names = ["loss", *[metric.name for metric in self.metrics]]
        finish = [float, *[metric.finish for metric in self.metrics]]
        return {
            f"{prefix}{name}": end(total / max(self.examples, 1))
            for name, end, total in zip(names, finish, self.sums, strict=True)
        }


def _mean(value: Tensor | float) -> Tensor | float:
    """Functions may give a value an example; the batch counts with their mean."""
    return value.float().mean() if isinstance(value, Tensor) and value.dim() else value
