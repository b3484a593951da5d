"""Means over the batches of a pass: of the loss, and of each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from recur.data.sequences import Batch, Targets
from recur.messages import InputError, listed, must
from recur.training.aims import Aim, columns
from recur.training.targets import which_exist
from recur.training.weights import TINY, Counts, weighted

Values = list[Tensor | float]


@dataclass
class Tally:
    """The sums of one aim.

    Attributes:
        sums: of the loss times the weight of its batch, and of each metric times the examples.
        examples: how many targets counted.
        weight: how much they count in the loss: as many, but where they have weights.
    """

    sums: list[float] = field(default_factory=list)
    examples: int = 0
    weight: float = 0


class Measured(NamedTuple):
    """What was computed of a batch; for each aim one of the last three.

    Attributes:
        loss: what a step goes down, differentiable.
        losses: the same of each aim, before it takes its share.
        values: the loss as it is reported, and each metric.
        counts: how much the batch counts.
    """

    loss: Tensor
    losses: list[Tensor]
    values: list[Values]
    counts: list[Counts]

    def with_added(self, added: Tensor | None) -> Measured:
        """The same with what a model adds to the loss; what is reported stays.

        Raises:
            InputError: if there are several losses.
        """
        if added is None:
            return self
        if len(self.losses) > 1:
            expected = "None where there are several losses: give it as one of them"
            raise InputError(must("the model's added_loss", expected, "a tensor"))
        loss = self.loss + added
        return self._replace(loss=loss, losses=[loss])


class Totals:
    """The loss and the metrics of one pass: the means over all of it, however it is cut in batches.

    Attributes:
        aims: what is measured.
        tallies: the sums of each.
    """

    def __init__(
        self, aims: Sequence[Aim], known: Targets | None = None, *, aligned: bool = True
    ) -> None:
        """Begins a first pass.

        Args:
            aims: what is measured.
            known: all targets, where they are known; they are checked with the first batch.
            aligned: step t of the outputs belongs to step t of the input, so that lengths say
                which targets exist.
        """
        self.aims, self._known, self._aligned = list(aims), known, aligned
        self._checked: set[str] = set()
        self.clear()

    def clear(self) -> None:
        """Begins a new pass."""
        self.tallies = [Tally([0.0] * (len(aim.metrics) + 1)) for aim in self.aims]

    @property
    def examples(self) -> int:
        """How many targets counted so far."""
        return sum(tally.examples for tally in self.tallies)

    def measure(self, batch: Batch, outputs: Any) -> Measured:
        """Computes the losses and the metrics of a batch, without waiting for the device.

        Raises:
            InputError: if there are no targets, or they do not fit the outputs.
        """
        if batch.y is None:
            raise InputError("There are no targets y; a loss needs them.")
        self._check_names(batch.y)
        steps = batch.x.shape[1] if batch.x.dim() > 1 else 0
        found = [self._one(aim, batch, outputs, batch.y, steps) for aim in self.aims]
        losses, values, counts = (list(each) for each in zip(*found, strict=True))
        if not self.aims[0].name:
            return Measured(losses[0], losses, values, counts)
        shares = (aim.share * loss for aim, loss in zip(self.aims, losses, strict=True))
        return Measured(torch.stack(list(shares)).sum(), losses, values, counts)

    def _check_names(self, y: Any) -> None:
        names = [aim.name for aim in self.aims if aim.name]
        if names and not (isinstance(y, Mapping) and all(name in y for name in names)):
            got = f"a dict with {listed(y, 'and')}" if isinstance(y, Mapping) else type(y).__name__
            raise InputError(must("targets", f"a dict with {listed(names, 'and')}", got))
        if not names and isinstance(y, Mapping):
            todo = "Give loss a dict with a loss for each."
            raise InputError(must("targets", "one tensor with one loss", "a dict", todo))

    def _one(
        self, aim: Aim, batch: Batch, outputs: Any, y: Any, steps: int
    ) -> tuple[Tensor, Values, Counts]:
        outputs, given = (outputs[aim.name], y[aim.name]) if aim.name else (outputs, y)
        within = which_exist(outputs, given, batch.lengths if self._aligned else None, steps)
        examples, known = batch.weight, cast(Any, self._known)
        if within is not None:
            outputs, given, known = outputs[within], given[within.to(given.device)], None
            if examples is not None:
                examples = examples.unsqueeze(1).expand(within.shape)[within]
        targets = aim.loss.align(outputs, given)
        self._check(aim, outputs, targets, given, known)
        if aim.class_weights is None and examples is None:
            loss, value, counts = _plain(aim, outputs, targets)
        else:
            of = aim.class_weights
            classes = None if of is None else of.of(aim.loss, outputs, targets)
            loss, value, counts = weighted(aim.loss, outputs, targets, classes, examples)
        if not aim.metrics:
            return loss, [value], counts
        with torch.no_grad():
            seen = outputs.detach()
            values = [
                value if metric.mean is None else _mean(metric.mean(seen, targets))
                for metric in aim.metrics
            ]
        return loss, [value, *values], counts

    def _check(self, aim: Aim, outputs: Tensor, targets: Tensor, given: Tensor, known: Any) -> None:
        """Looks at all targets that are known, once."""
        if aim.name in self._checked:
            return
        whole = known[aim.name] if aim.name and known is not None else known
        aim.loss.check(outputs, targets, given if whole is None else whole)
        self._checked.add(aim.name)

    def add(self, values: Sequence[Sequence[float]], counts: Sequence[Counts]) -> None:
        """Counts the values of a batch; those of a batch without examples mean nothing."""
        for aim, tally, own, count in zip(self.aims, self.tallies, values, counts, strict=True):
            examples, weight = int(count.examples), _number(count.weight)
            for index, (value, of_loss) in enumerate(zip(own, _of_loss(aim), strict=True)):
                times = weight if of_loss else examples
                if times:
                    tally.sums[index] += value * times
            tally.examples += examples
            tally.weight += weight

    def means(self) -> dict[str, float]:
        """The means so far, by column."""
        found: dict[str, float] = {"loss": 0.0}
        for aim, tally in zip(self.aims, self.tallies, strict=True):
            finish = [float, *[metric.finish for metric in aim.metrics]]
            times = [tally.weight if of_loss else tally.examples for of_loss in _of_loss(aim)]
            means = [
                end(total / (count or 1))
                for end, total, count in zip(finish, tally.sums, times, strict=True)
            ]
            found |= dict(zip(aim.columns, means, strict=True))
            if aim.name:
                found["loss"] += aim.share * means[0]
        return found

    @property
    def columns(self) -> dict[str, bool]:
        """The names of the means, and whether more is better of each."""
        return columns(self.aims)


def _plain(aim: Aim, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Counts]:
    """A loss where nothing has a weight but what the loss itself gives."""
    loss = aim.loss.mean(outputs, targets)
    examples = aim.loss.examples(outputs, targets)
    if aim.loss.weights is None and not aim.loss.summed:
        return loss, loss.detach(), Counts(examples, examples, examples)
    weight = aim.loss.weight(outputs, targets)
    if not aim.loss.summed:
        return loss, loss.detach(), Counts(examples, weight, weight)
    value = loss.detach() / torch.as_tensor(weight).clamp(min=TINY)
    return loss, value, Counts(examples, weight, None)


def _of_loss(aim: Aim) -> list[bool]:
    """Whether a value is the loss, in whatever unit."""
    return [True, *[metric.mean is None for metric in aim.metrics]]


def _mean(value: Tensor | float) -> Tensor | float:
    """Functions may give a value an example; the batch counts with their mean."""
    return value.float().mean() if isinstance(value, Tensor) and value.dim() else value


def _number(count: int | Tensor) -> float:
    return count.item() if isinstance(count, Tensor) else count
