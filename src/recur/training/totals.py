"""Sums over the batches of an epoch, kept as tensors on the model's device."""

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
    """The loss and the metrics of one pass.

    Attributes:
        sums: for the loss and each metric, the sum and the count (float64).
    """

    def __init__(self, loss: Loss, metrics: Sequence[Metric]) -> None:
        self.loss, self.metrics = loss, metrics
        self.sums = torch.zeros(len(metrics) + 1, 2, dtype=torch.float64)

    def add(self, batch: Batch, output: Tensor) -> Tensor:
        """Counts a batch; returns its mean loss, differentiable.

        Raises:
            InputError: if there are no targets, or they do not fit the outputs.
        """
        if batch.y is None:
            raise InputError("There are no targets y; a loss needs them.")
        steps = batch.x.shape[1] if batch.x.dim() > 1 else 0
        output, target = existing(output, batch.y, batch.lengths, steps)
        loss = self.loss.mean(output, target)
        rows = target.shape[0]
        with torch.no_grad():
            found = [(loss.detach() * rows, rows)]
            for metric in self.metrics:
                values = metric.values(output.detach(), target)
                # A scalar stands for the mean over the batch.
                found.append(
                    (values * rows, rows) if values.dim() == 0 else (values.sum(), values.numel())
                )
            self.sums += torch.tensor([(float(a), float(b)) for a, b in found], dtype=torch.float64)
        return loss

    def means(self, prefix: str = "") -> dict[str, float]:
        """The means so far, by name."""
        names = ["loss", *[metric.name for metric in self.metrics]]
        finish = [float, *[metric.finish for metric in self.metrics]]
        return {
            f"{prefix}{name}": end(total / max(number, 1))
            for name, end, (total, number) in zip(names, finish, self.sums.tolist(), strict=True)
        }
