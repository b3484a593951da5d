"""Ctrl-C and signals to end: the batch ends, the state is saved, the caller learns how to go on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from recur.training.history import History

# Ctrl-C; what `kill` and a machine that shuts down send; a terminal that is closed.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in dir(signal)
]


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by the user or the system, after a whole batch.

    Attributes:
        epoch: the epoch that was under way, from 1.
        batch: batches of it that are done.
        history: the epochs that are done.
        checkpoint: where the state was saved; None if nowhere.
        signal: the number of the signal: SIGINT (Ctrl-C), SIGTERM or SIGHUP.
    """

    def __init__(
        self,
        epoch: int,
        batch: int,
        history: History,
        checkpoint: Path | None,
        number: int = signal.SIGINT,
    ) -> None:
        kept = "No checkpoint folder was given: the model holds the only copy of what was learnt."
        if checkpoint is not None:
            kept = f"The state is saved in {checkpoint}; call fit with resume=True to go on."
        super().__init__(f"Training was stopped in epoch {epoch}, after batch {batch}. {kept}")
        self.epoch, self.batch, self.history, self.checkpoint = epoch, batch, history, checkpoint
        self.signal = number


class StoppedAtOnce(KeyboardInterrupt):
    """Training was stopped in the middle of a batch, by a second signal; `signal` is its number."""

    def __init__(self, sentence: str = "", number: int = signal.SIGINT) -> None:
        super().__init__(sentence)
        self.signal = number


class Interrupt:
    """While it is entered, the first signal only sets `asked`; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # signals reach no other
            found = {number: signal.getsignal(number) for number in _SIGNALS}
            self._before = {n: handler for n, handler in found.items() if _is_ours(n, handler)}
            for number in self._before:
                signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise StoppedAtOnce("Stopped at once; what was saved before is kept.", number)
        self.asked = number


def _is_ours(number: int, handler: Any) -> bool:
    """Whether to hear a signal that is handled like this so far.

    One that is ignored (a job in the background) stays ignored, and a handler that was not set from
    Python could not be put back. A program that has plans of its own for its end keeps them.
    """
    if number == signal.SIGINT:
        return handler not in (None, signal.SIG_IGN)
    return bool(handler == signal.SIG_DFL)
