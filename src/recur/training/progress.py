"""What a person sees while a model learns: a bar on a terminal, a line an epoch elsewhere.

All of it goes to standard error. A bar is drawn some times a second and by the loop itself: a
thread that draws takes its time from the loop at moments of its own choosing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from recur.messages import aside, on_terminal, standard_error

DRAW_EVERY = 0.2  # seconds
LONG = 1.0  # seconds; what takes less has no bar

HIDDEN = ("gradient_norm", "gradient_norm_max", "learning_rate", "seconds")


class Progress:
    """Shows training.

    Args:
        epochs: how many there will be.
        batches: how many in each; 0 if that is not known.
        show: None: a bar on a terminal, plain lines elsewhere; True the same; False: nothing.
    """

    def __init__(self, epochs: int, batches: int, show: bool | None) -> None:
        self.epochs, self.batches, self.show = epochs, batches, show is not False
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0
        self._epoch = self._first = self._done = 0
        self._started = 0.0
        self._epoch_seconds: list[float] = []

    def __enter__(self) -> Self:
        if self.show and on_terminal():
            self._bar = _bar()
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, epoch: int, done: int) -> None:
        """An epoch (from 1) begins, or goes on after `done` batches."""
        self._epoch, self._first, self._done = epoch, done, done
        self._started = time.perf_counter()
        if self._bar is not None:
            self._task = self._bar.add_task(
                f"epoch {epoch}/{self.epochs}", total=self.batches or None, completed=done, text=""
            )
            self._bar.refresh()

    def batch(self, means: Callable[[], Mapping[str, float]]) -> None:
        """A batch is done; `means` is called when it is time to draw."""
        self._done += 1
        if self._bar is None or time.perf_counter() < self._next:
            return
        self._next = time.perf_counter() + DRAW_EVERY
        text = f"{self._time_left()}  {_numbers(means())}"
        self._bar.update(self._task, completed=self._done, text=text)
        self._bar.refresh()

    def validating(self) -> None:
        """The batches of the epoch are done, and validation begins."""
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, text="validating")
            self._bar.refresh()

    def end(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done."""
        self._epoch_seconds.append(row["seconds"])
        if self._bar is not None:
            self._bar.remove_task(self._task)
            self._bar.refresh()
        self.say(f"epoch {epoch}/{self.epochs}  {_numbers(row)}  {row['seconds']:.1f} s")

    def say(self, line: str) -> None:
        """Shows a line."""
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        elif self.show:
            aside(line)

    def _time_left(self) -> str:
        """Of this epoch, and of all if there are more."""
        if not self.batches:
            return ""
        each = (time.perf_counter() - self._started) / max(self._done - self._first, 1)
        epoch = each * (self.batches - self._done)
        whole = self._epoch_seconds or [each * self.batches]
        rest = self.epochs - self._epoch
        if not rest:
            return f"{_clock(epoch)} left"
        return f"{_clock(epoch)} left, {_clock(epoch + rest * sum(whole) / len(whole))} in all"


@contextlib.contextmanager
def passing(what: str, batches: int, show: bool | None) -> Iterator[Callable[[], None]]:
    """A bar for one pass over data, on a terminal, if it takes long; yields what advances it."""
    if show is False or not on_terminal():
        yield lambda: None
        return
    bar, started, done, due = None, time.perf_counter(), 0, LONG

    def advance() -> None:
        nonlocal bar, done, due
        done += 1
        now = time.perf_counter() - started
        if now < due:
            return
        if bar is None:
            bar = _bar()
            bar.add_task(what, total=batches or None, text="")
            bar.start()
        left = f"{_clock(now / done * (batches - done))} left" if batches else ""
        bar.update(bar.task_ids[0], completed=done, text=left)
        bar.refresh()
        due = now + DRAW_EVERY

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _numbers(row: Mapping[str, float]) -> str:
    """An epoch's means in a line."""
    return "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name not in HIDDEN)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _bar() -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[text]}"),
        console=Console(file=standard_error()),
        auto_refresh=False,
        transient=True,
    )
