"""Ctrl-C: one line that says what is saved and how to go on, and the exit status 130."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from recur import run
from recur.cli import show
from recur.training import TrainingInterrupted

STATUS = 130
"""128 + SIGINT, as shells expect."""


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except TrainingInterrupted as stopped:
            show.aside(f"recur: {run.stopped(stopped)}")
            raise typer.Exit(STATUS) from None
        except KeyboardInterrupt as stopped:
            show.aside(f"recur: {str(stopped) or 'Stopped.'}")
            raise typer.Exit(STATUS) from None

    return wrapped
