"""Gradients of several batches for one step: those of one batch that holds them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur import files
from recur.messages import InputError, must
from recur.training.aims import Aim
from recur.training.totals import Measured
from recur.training.weights import TINY


class Accumulation:
    """A group of batches that one step is made of.

    Each loss is a mean over its own targets, of which every batch has another number: so the
    gradient of its sum is kept for each loss apart, and divided by the number of all at the end.

    Attributes:
        counts: for each aim, what its sum is to be divided by so far; empty before a first batch.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], aims: Sequence[Aim]) -> None:
        self.parameters, self.aims = list(parameters), list(aims)
        self.clear()

    def clear(self) -> None:
        """Begins a new group."""
        self.counts: list[Any] = []
        self._sums: list[list[Tensor | None]] = [[None] * len(self.parameters) for _ in self.aims]

    def add(self, found: Measured) -> None:
        """Adds the gradients of a batch; leaves none at the parameters."""
        self.counts = self.counts or [0] * len(self.aims)
        last = len(self.aims) - 1
        for number, (loss, count) in enumerate(zip(found.losses, found.counts, strict=True)):
            if loss.requires_grad:
                whole = loss if count.divisor is None else loss * count.divisor
                whole.backward(retain_graph=number < last)  # type: ignore[no-untyped-call]
                self._take(number)
            summed = count.divisor is None
            self.counts[number] = 1 if summed else self.counts[number] + count.divisor

    def _take(self, number: int) -> None:
        sums = self._sums[number]
        for index, parameter in enumerate(self.parameters):
            gradient, parameter.grad = parameter.grad, None
            if gradient is None:
                continue
            if gradient.is_sparse:
                todo = "Leave sparse=True out."
                raise InputError(must("gradients with accumulate", "dense", "sparse ones", todo))
            kept = sums[index]
            sums[index] = gradient if kept is None else kept.add_(gradient)

    def finish(self) -> None:
        """Gives the parameters the gradients of the group, which is over."""
        for aim, count, sums in zip(self.aims, self.counts, self._sums, strict=True):
            share = aim.share / torch.as_tensor(count).clamp(min=TINY)
            for parameter, total in zip(self.parameters, sums, strict=True):
                if total is not None:
                    part = total.mul_(share.to(total.device))
                    parameter.grad = part if parameter.grad is None else parameter.grad.add_(part)
        self.clear()

    def state(self) -> tuple[dict[str, Tensor], list[float]]:
        """The sums by name, and what each loss' is to be divided by: what going on needs."""
        tensors = {
            f"{number}.{index}": total
            for number, sums in enumerate(self._sums)
            for index, total in enumerate(sums)
            if total is not None and self.counts
        }
        return tensors, [float(count) for count in self.counts]

    def restore(self, tensors: Mapping[str, Tensor], counts: Sequence[float]) -> None:
        """Goes on with a group.

        Raises:
            InputError: if it is another model's or another loss'.
        """
        self.clear()
        names = {f"{n}.{i}": (n, i) for n in range(len(self.aims)) for i in self._indices()}
        like = {name: self.parameters[names[name][1]] for name in tensors if name in names}
        differ = files.differences(tensors, like)
        if differ or len(counts) not in (0, len(self.aims)) or any(c < 0 for c in counts):
            got = differ[0] if differ else f"{len(counts)} counts"
            raise InputError(must("the group of batches", "that of this model", got))
        self.counts = list(counts)
        for name, value in tensors.items():
            number, index = names[name]
            self._sums[number][index] = value.to(self.parameters[index].device)

    def _indices(self) -> range:
        return range(len(self.parameters))
