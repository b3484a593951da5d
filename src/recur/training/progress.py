"""What a person sees while a model learns: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class Progress:
    """Shows training on standard error.

    Args:
        epochs: how many there will be.
        batches: how many in each; 0 if that is not known.
        show: None: a bar on a terminal, plain lines elsewhere; True the same; False: nothing.
    """

    def __init__(self, epochs: int, batches: int, show: bool | None) -> None:
        self.epochs, self.batches, self.show = epochs, batches, show is not False
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self.show and sys.stderr.isatty():
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
        if self._bar is not None:
            self._task = self._bar.add_task(
                f"epoch {epoch}/{self.epochs}",
                total=self.batches or None,
                completed=done,
                numbers="",
            )

    def batch(self, loss: float) -> None:
        """A batch is done."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, numbers=f"loss {loss:.4f}")

    def end(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done."""
        line = f"epoch {epoch}/{self.epochs}  {numbers(row)}"
        if self._bar is not None:
            self._bar.remove_task(self._task)
        self.say(line)

    def say(self, line: str) -> None:
        """Shows a line."""
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        elif self.show:
            print(line, file=sys.stderr, flush=True)


def numbers(row: Mapping[str, float]) -> str:
    """An epoch's row in a line."""
    shown = [
        f"{name} {value:.4f}"
        for name, value in row.items()
        if not name.startswith("gradient") and name not in ("seconds", "learning_rate")
    ]
    return "  ".join([*shown, f"{row['seconds']:.1f} s"])


def _bar() -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[numbers]}"),
        console=Console(stderr=True),
    )
