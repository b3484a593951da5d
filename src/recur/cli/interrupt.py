"""Ctrl-C: one line that says what is saved and how to go on, and the exit status 130."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from recur.cli import show

STATUS = 130
"""128 + SIGINT, as shells expect."""


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt as stopped:
            show.aside(f"recur: {_sentence(stopped)}")
            raise typer.Exit(STATUS) from None

    return wrapped


def _sentence(stopped: KeyboardInterrupt) -> str:
    if not str(stopped):
        return "Stopped."
    # Only those of ours say something; torch is imported then, and not for this.
    from recur import run
    from recur.training import TrainingInterrupted

    return run.stopped(stopped) if isinstance(stopped, TrainingInterrupted) else str(stopped)
