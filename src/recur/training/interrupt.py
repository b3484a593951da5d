"""Ctrl-C: the batch ends, the state is saved, and the caller learns how to go on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from recur.training.history import History


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by the user, after a whole batch.

    Attributes:
        epoch: the epoch that was under way, from 1.
        batch: batches of it that are done.
        history: the epochs that are done.
        checkpoint: where the state was saved; None if nowhere.
    """

    def __init__(self, epoch: int, batch: int, history: History, checkpoint: Path | None) -> None:
        kept = "No checkpoint folder was given: the model holds the only copy of what was learnt."
        if checkpoint is not None:
            kept = f"The state is saved in {checkpoint}; call fit with resume=True to go on."
        super().__init__(f"Training was stopped in epoch {epoch}, after batch {batch}. {kept}")
        self.epoch, self.batch, self.history, self.checkpoint = epoch, batch, history, checkpoint


class Interrupt:
    """While it is entered, the first Ctrl-C only sets `asked`; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._ours = False

    def __enter__(self) -> Self:
        # Signals reach the main thread only. One that is ignored (a job in the background) stays
        # ignored, and a handler that was not set from Python could not be put back.
        self._before = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        self._ours = main and self._before not in (None, signal.SIG_IGN)
        if self._ours:
            signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
