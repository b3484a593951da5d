"""How large a step is, as training goes on: shapes of the step size over a training.

With a size that stays, the weights at the end of an epoch are those that the last few batches
happened to ask for; with one that falls, training settles. That it should fall: H. Robbins and
S. Monro, "A stochastic approximation method", 1951.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch.optim import Optimizer

from recur.messages import InputError, must, real, whole


class Shape(Protocol):
    """The share of the step size asked for that a step has."""

    @property
    def ends(self) -> bool:
        """Whether it hangs on the number of all steps, which must be known then."""

    def share(self, taken: int, total: int, epoch: int) -> float:
        """Returns the share.

        Args:
            taken: the steps before this one; of those after warm-up.
            total: the steps of the whole training; of those after warm-up.
            epoch: the epochs done.
        """


@dataclass(frozen=True)
class Constant:
    """The whole step size at every step."""

    ends = False

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return 1.0


@dataclass(frozen=True)
class Linear:
    """A straight line, to 0 after the last step.

    For Adam: J. Devlin et al., "BERT", 2019, appendix A.2.
    """

    ends = True

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return max(0.0, 1 - taken / total)


@dataclass(frozen=True)
class Cosine:
    """Half a period of a cosine, to 0 after the last step.

    I. Loshchilov and F. Hutter, "SGDR", 2017, without restarts.
    """

    ends = True

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return (1 + math.cos(math.pi * min(1.0, taken / total))) / 2


@dataclass(frozen=True)
class Steps:
    """The whole step size for the first epochs, then less by a factor at the start of each.

    W. Zaremba et al., "Recurrent neural network regularization", arXiv:1409.2329, section 4.1.

    Args:
        factor: what the step size is multiplied by, above 0 and at most 1.
        after: the first epochs, which have the whole step size; at least 1.

    Raises:
        InputError: if an argument is not what is said above.
    """

    factor: float = 0.5
    after: int = 1

    ends = False

    def __post_init__(self) -> None:
        real("factor", self.factor, lambda f: 0 < f <= 1, "above 0 and at most 1")
        whole("after", self.after)

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return self.factor ** max(0, epoch + 1 - self.after)


@dataclass(frozen=True)
class Plateau:
    """Less by a factor where the monitored column has not become better for some epochs.

    Args:
        factor: what the step size is multiplied by, above 0 and below 1.
        patience: the epochs without a better value that are waited for.

    Raises:
        InputError: if an argument is not what is said above.
    """

    factor: float = 0.5
    patience: int = 2

    def __post_init__(self) -> None:
        real("factor", self.factor, lambda f: 0 < f < 1, "above 0 and below 1")
        whole("patience", self.patience, least=0)


SHAPES: dict[str, Shape] = {"constant": Constant(), "linear": Linear(), "cosine": Cosine()}


# What tasks call so far, in the place of `fit(schedule=...)`.

_TAKEN = "steps_taken"
"""Kept in the optimizer's groups, and so in a checkpoint: training goes on where it stopped."""


def decay_linearly(optimizer: Optimizer, steps: int) -> Optimizer:
    """Makes an optimizer's step size fall in a straight line, to 0 after the last step.

    Step n, from 0, has the size `start * (1 - n / steps)`, with each group's own start; further
    steps, if there are any, have size 0.

    Args:
        optimizer: any; changed in place.
        steps: the steps of the whole training.

    Returns:
        The same optimizer.

    Raises:
        InputError: if `steps` is less than 1.
    """
    if steps < 1:
        raise InputError(must("steps", "at least 1", steps))
    return _scheduled(optimizer, lambda taken: Linear().share(taken, steps, 0))


def decay_by_epoch(optimizer: Optimizer, factor: float, *, after: int, steps: int) -> Optimizer:
    """Makes an optimizer's step size fall by a factor at the start of every epoch from some on.

    Args:
        optimizer: any; changed in place.
        factor: what the step size is multiplied by, above 0 and at most 1.
        after: the first epochs, which have the whole step size; at least 1.
        steps: the steps of an epoch.

    Returns:
        The same optimizer.

    Raises:
        InputError: if an argument is not what is said above.
    """
    shape = Steps(factor, after)
    whole("steps", steps)
    return _scheduled(optimizer, lambda taken: shape.share(taken, 0, taken // steps))


def _scheduled(optimizer: Optimizer, share: Callable[[int], float]) -> Optimizer:
    """Step n, from 0, has the size `start * share(n)`, with each group's own start."""
    starts = [float(group["lr"]) for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group[_TAKEN] = 0

    def before(stepping: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for start, group in zip(starts, stepping.param_groups, strict=True):
            group["lr"] = start * share(group[_TAKEN])
            group[_TAKEN] += 1

    optimizer.register_step_pre_hook(before)
    return optimizer
