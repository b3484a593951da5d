"""What a model is trained on and measured by: a loss and metrics for each of its outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recur.messages import InputError, must, one_of, real, shown
from recur.training.feed import Feed
from recur.training.losses import NUMBERS, UNKNOWN, Function, Loss, find_loss, smoothed
from recur.training.metrics import Function as MetricFunction
from recur.training.metrics import Metric, find_metrics
from recur.training.weights import ClassWeights, find_class_weights

LossLike = str | Function | Mapping[str, str | Function]
Measures = Sequence[str | MetricFunction]
MetricsLike = Measures | Mapping[str, Measures]


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
    def scored(self) -> bool:
        """Whether it needs a model's scores; not for a loss that can do without, and its units."""
        return self.loss.scored or any(metric.mean is not None for metric in self.metrics)

    @property
    def columns(self) -> dict[str, bool]:
        """Its columns of a history, and whether more is better of each."""
        before = f"{self.name}_" if self.name else ""
        each = {f"{before}{metric.name}": metric.more_is_better for metric in self.metrics}
        return {f"{before}loss": False, **each}

    def taught(self, label_smoothing: float, class_weights: ClassWeights | None) -> Aim:
        """Returns the same in training, where classes have weights and labels are smooth.

        A metric that is the loss in another unit stays that of the labels as they are. Of several
        outputs those that are numbers have no labels.
        """
        numbers = bool(self.name) and self.loss.outputs in (NUMBERS, UNKNOWN)
        if not label_smoothing or numbers:
            return replace(self, class_weights=class_weights)
        plain = (replace(each, mean=each.mean or self.loss.mean) for each in self.metrics)
        loss = smoothed(self.loss, label_smoothing)
        return replace(self, loss=loss, metrics=tuple(plain), class_weights=class_weights)


def find_aims(
    loss: LossLike,
    metrics: MetricsLike,
    loss_weights: Mapping[str, float] | None = None,
) -> list[Aim]:
    """Returns what a model is measured by.

    Args:
        loss: a name or a callable; a dict of these by the names of a model's outputs.
        metrics: a list of names or callables; with several outputs a dict of lists.
        loss_weights: what each loss is multiplied by, by name; 1 for those without.

    Raises:
        InputError: names that do not fit together, or what `find_loss` and `find_metrics` refuse.
    """
    if not isinstance(loss, Mapping):
        if loss_weights is not None or isinstance(metrics, Mapping):
            what = "loss_weights" if loss_weights is not None else "a dict of metrics"
            raise InputError(f"{what} needs a dict of losses, one for each output of the model.")
        found = find_loss(loss)
        return [Aim(found, tuple(find_metrics(metrics, found)))]
    if not loss or not all(isinstance(name, str) and name for name in loss):
        raise InputError(must("loss", "a dict by the names of the outputs", shown(dict(loss))))
    if metrics and not isinstance(metrics, Mapping):
        raise InputError(must("metrics", "a dict of lists, as loss is a dict", shown(metrics)))
    measures = metrics if isinstance(metrics, Mapping) else {}
    return _several(loss, measures, loss_weights or {})


def _several(
    losses: Mapping[str, str | Function],
    metrics: Mapping[str, Measures],
    shares: Mapping[str, float],
) -> list[Aim]:
    for what, names in (("loss_weights", list(shares)), ("metrics", list(metrics))):
        for name in names:
            one_of(f"a name in {what}", name, losses)
    aims = []
    for name, each in losses.items():
        share = real(f"loss_weights of {name}", shares.get(name, 1.0), math.isfinite, "finite")
        loss = find_loss(each)
        aims.append(Aim(loss, tuple(find_metrics(metrics.get(name, ()), loss)), name, share))
    every = ["loss", *(column for aim in aims for column in aim.columns)]
    twice = [column for column in every if every.count(column) > 1]
    if twice:
        raise InputError(must("outputs and metrics", "of different names", f"{twice[0]!r} twice"))
    return aims


def weights_of_classes(
    class_weight: Any, aims: Sequence[Aim], feed: Feed, *, aligned: bool
) -> dict[str, ClassWeights | None]:
    """The weights of classes for each aim, by name; see `find_class_weights`.

    Raises:
        InputError: as that, or if the names do not fit.
    """
    if not aims[0].name:
        only = find_class_weights(class_weight, aims[0].loss, feed, aligned=aligned)
        return {"": only}
    given = {} if class_weight is None else class_weight
    if not isinstance(given, Mapping):
        raise InputError(must("class_weight", "a dict by the names of outputs", shown(given)))
    for name in given:
        one_of("a name in class_weight", name, [aim.name for aim in aims])
    return {
        aim.name: find_class_weights(
            given.get(aim.name), aim.loss, feed, name=aim.name, aligned=aligned
        )
        for aim in aims
    }


def named(aims: Sequence[Aim], y: Any) -> Any:
    """Targets by name, where a model has several outputs and they were given in their order."""
    if not aims[0].name or not isinstance(y, tuple) or len(y) != len(aims):
        return y
    return {aim.name: each for aim, each in zip(aims, y, strict=True)}


def columns(aims: Iterable[Aim]) -> dict[str, bool]:
    """The columns of a history, without those of validation, and whether more is better of each."""
    return {"loss": False} | {name: up for aim in aims for name, up in aim.columns.items()}
