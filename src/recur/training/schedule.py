"""A step size that changes from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from recur.messages import InputError, must

_TAKEN = "steps_taken"
"""Kept in the optimizer's groups, and so in a checkpoint: training goes on where it stopped."""


def decay_linearly(optimizer: Optimizer, steps: int) -> Optimizer:
    """Makes an optimizer's step size fall in a straight line, to 0 after the last step.

    Step n, from 0, has the size `start * (1 - n / steps)`, with each group's own start; further
    steps, if there are any, have size 0. With a size that stays, the weights at the end of an
    epoch are those that the last few batches happened to ask for; with one that falls, training
    settles. That it should fall: H. Robbins and S. Monro, "A stochastic approximation method",
    1951; in a straight line, for Adam: J. Devlin et al., "BERT", 2019, appendix A.2.

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
    return _scheduled(optimizer, lambda taken: max(0.0, 1 - taken / steps))


def decay_by_epoch(optimizer: Optimizer, factor: float, *, after: int, steps: int) -> Optimizer:
    """Makes an optimizer's step size fall by a factor at the start of every epoch from some on.

    W. Zaremba et al., "Recurrent neural network regularization", arXiv:1409.2329, section 4.1.

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
    if not 0 < factor <= 1:
        raise InputError(must("factor", "above 0 and at most 1", factor))
    for name, value in (("after", after), ("steps", steps)):
        if value < 1:
            raise InputError(must(name, "at least 1", value))
    return _scheduled(optimizer, lambda taken: factor ** max(0, taken // steps + 1 - after))


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
