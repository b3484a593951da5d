"""What a model is trained on and measured by: a loss and metrics for each of its outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from recur.training.losses import Loss, smoothed
from recur.training.metrics import Metric
from recur.training.weights import ClassWeights


@dataclass(frozen=True)
class Aim:
    """What one output of a model is measured by.

    Attributes:
        loss: its loss.
        metrics: its metrics.
        name: the output's; empty for the only one.
        share: what the loss is multiplied by in the sum over all outputs.
        class_weights: how much each class counts in the loss; None for alike.
    """

    loss: Loss
    metrics: tuple[Metric, ...] = ()
    name: str = ""
    share: float = 1.0
    class_weights: ClassWeights | None = None

    @property
    def columns(self) -> dict[str, bool]:
        """Its columns of a history, and whether more is better of each."""
        before = f"{self.name}_" if self.name else ""
        each = {f"{before}{metric.name}": metric.more_is_better for metric in self.metrics}
        return {f"{before}loss": False, **each}

    def taught(self, label_smoothing: float, class_weights: ClassWeights | None) -> Aim:
        """Returns the same in training, where classes have weights and labels are smooth.

        A metric that is the loss in another unit stays that of the labels as they are.
        """
        if not label_smoothing:
            return replace(self, class_weights=class_weights)
        plain = (replace(each, mean=each.mean or self.loss.mean) for each in self.metrics)
        loss = smoothed(self.loss, label_smoothing)
        return replace(self, loss=loss, metrics=tuple(plain), class_weights=class_weights)


def columns(aims: Iterable[Aim]) -> dict[str, bool]:
    """The columns of a history, without those of validation, and whether more is better of each."""
    return {"loss": False} | {name: up for aim in aims for name, up in aim.columns.items()}
