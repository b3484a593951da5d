"""What changes the step size while `fit` trains: a shape of ours, or a scheduler of torch's."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from recur.messages import InputError, must, one_of, real, shown
from recur.training.kept_by_optimizer import alike
from recur.training.schedule import SHAPES, Constant, Cosine, Linear, Plateau, Shape, Steps

MakesScheduler = Callable[[Optimizer], LRScheduler]


@dataclass(frozen=True)
class EachStep:
    """A scheduler of torch's that goes on after every step of the optimizer, not every epoch.

    Args:
        make: a scheduler, or a function that makes one of the optimizer.
    """

    make: LRScheduler | MakesScheduler


ScheduleLike = (
    str | Constant | Linear | Cosine | Steps | Plateau | LRScheduler | MakesScheduler | EachStep
)


class Schedule:
    """The step size of a training; this one stays."""

    def before_step(self, taken: int, epoch: int) -> None:
        """Sets the size of the next step.

        Args:
            taken: the steps before it.
            epoch: the epochs done.
        """

    def after_step(self) -> None:
        """A step was taken."""

    def after_epoch(self, value: float) -> None:
        """An epoch is done, with this value of the monitored column."""

    def state(self) -> dict[str, Any] | None:
        """Returns what going on needs, as JSON; None for nothing."""

    def restore(self, state: Any, rate: float | None) -> None:
        """Goes on from a state.

        Args:
            state: as `state` gave it, perhaps out of a file.
            rate: another step size to begin with than that of the state; None for the same.

        Raises:
            InputError: if it is another schedule's.
        """

    def close(self) -> None:
        """The training is over; an optimizer that was handed in is as large as it was."""


class ByShape(Schedule):
    """The sizes that the groups of an optimizer begin with, times the share of a shape.

    Nothing of it is saved: how many steps were taken follows from the place in the training.
    """

    def __init__(self, optimizer: Optimizer, shape: Shape, warmup: float, steps: int) -> None:
        """`steps`: of the whole training; 0 where they are not known."""
        self.optimizer, self.shape = optimizer, shape
        self.warm, self.steps = math.ceil(warmup * steps), steps
        self.starts = [float(group["lr"]) for group in optimizer.param_groups]

    def share(self, taken: int, epoch: int) -> float:
        """The share of a step, from 0; of a training that warms up, from near 0 to the whole."""
        if taken < self.warm:
            return (taken + 1) / (self.warm + 1)
        return self.shape.share(taken - self.warm, max(1, self.steps - self.warm), epoch)

    def before_step(self, taken: int, epoch: int) -> None:
        """As `Schedule.before_step`."""
        self._set(self.share(taken, epoch))

    def close(self) -> None:
        """As `Schedule.close`."""
        self._set(1.0)

    def _set(self, share: float) -> None:
        for start, group in zip(self.starts, self.optimizer.param_groups, strict=True):
            _set_rate(group, start * share)


class ByTorch(Schedule):
    """A scheduler of torch's."""

    def __init__(self, scheduler: LRScheduler, *, each_step: bool) -> None:
        self.scheduler, self.each_step = scheduler, each_step

    def after_step(self) -> None:
        """As `Schedule.after_step`."""
        if self.each_step:
            self.scheduler.step()

    def after_epoch(self, value: float) -> None:
        """As `Schedule.after_epoch`."""
        if self.each_step:
            return
        with warnings.catch_warnings():
            # A training that goes on at the end of an epoch has taken its steps in another process.
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step()`")
            if isinstance(self.scheduler, ReduceLROnPlateau):
                self.scheduler.step(value)
            else:
                self.scheduler.step()

    def state(self) -> dict[str, Any] | None:
        """As `Schedule.state`."""
        state: dict[str, Any] = _plain(self.scheduler.state_dict())
        return state

    def restore(self, state: Any, rate: float | None) -> None:
        """As `Schedule.restore`."""
        self.scheduler.load_state_dict(_filled(self.scheduler.state_dict(), state, "its schedule"))
        if rate is None:
            return
        for group in self.scheduler.optimizer.param_groups:
            group["initial_lr"] = rate
        if hasattr(self.scheduler, "base_lrs"):
            self.scheduler.base_lrs = [rate] * len(self.scheduler.base_lrs)


def find_schedule(
    schedule: ScheduleLike | None, optimizer: Optimizer, *, warmup: float, steps: int, up: bool
) -> Schedule:
    """Returns what sets the step size.

    Args:
        schedule: a name, a shape, a scheduler of torch's or what makes one; None: it stays.
        optimizer: the optimizer.
        warmup: the share of all steps in which the size rises to the whole one.
        steps: of the whole training; 0 where they are not known.
        up: whether more is better of the monitored column.

    Raises:
        InputError: for anything else, or where the number of steps is needed and not known.
    """
    real("warmup", warmup, lambda w: 0 <= w < 1, "a share of all steps: from 0 on and below 1")
    found = _named(schedule)
    if found is None or isinstance(found, Constant | Linear | Cosine | Steps):
        shape = found or Constant()
        if not steps and (warmup or shape.ends):
            what = "warmup" if warmup else type(shape).__name__.lower()
            raise InputError(
                f"The schedule {what!r} needs the number of steps, and how many batches the data "
                "hold is not known before they are read. Take 'plateau', Steps or 'constant'."
            )
        return ByShape(optimizer, shape, warmup, steps) if found or warmup else Schedule()
    if warmup:
        todo = "Let the scheduler warm up itself."
        raise InputError(must("warmup", "0 with a scheduler of torch's or 'plateau'", warmup, todo))
    if isinstance(found, Plateau):
        how: dict[str, Any] = {"mode": "max" if up else "min", "threshold": 0.0}
        found = ReduceLROnPlateau(optimizer, **how, **dataclasses.asdict(found))
    return _of_torch(found, optimizer, steps)


def _named(schedule: ScheduleLike | None) -> Any:
    if isinstance(schedule, str):
        names = {**SHAPES, "plateau": Plateau()}
        return names[one_of("schedule", schedule, names)]
    return schedule


def _of_torch(given: Any, optimizer: Optimizer, steps: int) -> Schedule:
    each_step = isinstance(given, EachStep)
    made = given.make if isinstance(given, EachStep) else given
    if isinstance(made, type) and made in (Steps, Plateau):
        raise InputError(
            must("schedule", f"an object: {made.__name__}()", f"the class {made.__name__}")
        )
    if not isinstance(made, LRScheduler) and callable(made):
        made = made(optimizer)
    if not isinstance(made, LRScheduler):
        expected = "a name, Steps, Plateau, a torch scheduler, or a function optimizer -> scheduler"
        raise InputError(must("schedule", expected, shown(made)))
    most = getattr(made, "total_steps", None)
    if isinstance(made, OneCycleLR) and most is not None and most < steps:
        expected = f"at least {steps:,}, the steps of the training"
        raise InputError(must("total_steps of OneCycleLR", expected, most))
    if made.optimizer is not optimizer:
        todo = "Give a function optimizer -> scheduler, or the optimizer beside it."
        raise InputError(must("schedule", "made of the optimizer of fit", "another's", todo))
    # Torch's own pages step these two after every batch, all others after an epoch.
    return ByTorch(made, each_step=each_step or isinstance(made, OneCycleLR | CyclicLR))


def _set_rate(group: dict[str, Any], rate: float) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def _plain(value: Any) -> Any:
    """A scheduler's state as JSON; what that cannot say is of how it was made, and left out."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.item()
    if isinstance(value, Mapping):
        kept = {name: _plain(part) for name, part in value.items() if type(name) is str}
        return {name: part for name, part in kept.items() if part is not NotImplemented}
    if isinstance(value, list | tuple):
        return [None if (part := _plain(each)) is NotImplemented else part for each in value]
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else NotImplemented


def _filled(now: Any, saved: Any, name: str) -> Any:
    """A state as `_plain` gave it, with what is left out there as it is now."""
    if isinstance(now, Mapping) and isinstance(saved, dict):
        strange = sorted(saved.keys() - now.keys())
        if strange:
            raise InputError(must(name, "that of the same schedule", f"one with {strange[0]}"))
        kept = {key: _filled(now[key], saved[key], f"{key} of {name}") for key in saved}
        return {**now, **kept} if kept else now
    if isinstance(now, list | tuple) and isinstance(saved, list) and len(now) == len(saved):
        parts = [_filled(each, part, name) for each, part in zip(now, saved, strict=True)]
        return type(now)(parts)
    return now if _plain(now) is NotImplemented else alike(now, saved, name)
