"""A progress bar for what takes more than a second; on a terminal only, on standard error."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from recur.messages import on_terminal, standard_error


class Bar:
    """A bar of bytes, with time left.

    It has the three methods that pooch calls (`update`, `reset`, `close`; pooch sets `total`), and
    is a context manager for other uses.

    Args:
        name: what is going on.
        total: bytes in all; 0 where this is not known.
    """

    def __init__(self, name: str, total: int = 0) -> None:
        self.name, self.total = name, total
        self._progress: Any = None

    def update(self, count: int) -> None:
        """Adds `count` bytes."""
        if self._progress is None and on_terminal():
            self._start()
        if self._progress is not None:
            self._progress.update(self._task, advance=count)

    def reset(self) -> None:
        """Starts over; pooch fills its bar after this."""
        if self._progress is not None:
            self._progress.reset(self._task)

    def close(self) -> None:
        """Takes the bar down."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import DownloadColumn, Progress, TimeRemainingColumn

        columns = (*Progress.get_default_columns()[:2], DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(file=standard_error()), transient=True)
        self._progress.start()
        self._task = self._progress.add_task(self.name, total=self.total or None)
