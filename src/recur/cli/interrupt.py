"""Ctrl-C at any time, and signals to end: a line that says what is saved, and a status of 128 more.

What takes long to import is imported where it is needed, so that this is there before it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import typer

from recur.messages import aside

STATUS = 128
"""A shell expects this and the number of the signal."""


class _CtrlC:
    """What Ctrl-C does in a command line.

    While a command works, it raises `KeyboardInterrupt`. While modules are imported there is
    nothing to save, and while the end is told there is nothing to wait for: then the process ends
    at once, for what C code or an error handler makes of an exception cannot be foreseen.
    """

    def __init__(self) -> None:
        self.working = self.told = False

    def heard(self, number: int, frame: FrameType | None) -> None:
        if self.working and not _importing():
            raise KeyboardInterrupt
        if not self.told:
            with contextlib.suppress(OSError):
                os.write(2, b"recur: Stopped.\n")
        os._exit(STATUS + number)


_ctrl_c = _CtrlC()


@contextlib.contextmanager
def heard(*, to_the_end: bool) -> Iterator[None]:
    """Handles Ctrl-C while the block runs; on until the process ends, if it ends with the block."""
    before: Any = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    ours = main and before is signal.default_int_handler  # one that is ignored stays so
    _ctrl_c.working = _ctrl_c.told = False
    if ours:
        signal.signal(signal.SIGINT, _ctrl_c.heard)
    try:
        yield
    finally:
        if ours and not to_the_end:
            signal.signal(signal.SIGINT, before)


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Wraps a command."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            _ctrl_c.working = True
            command(*args, **kwargs)
            _ctrl_c.working = False
        except KeyboardInterrupt as stopped:
            _ctrl_c.working = False
            aside(f"recur: {_sentence(stopped)}")
            _ctrl_c.told = True
            raise typer.Exit(STATUS + getattr(stopped, "signal", signal.SIGINT)) from None

    return wrapped


def _sentence(stopped: KeyboardInterrupt) -> str:
    if not str(stopped):
        return "Stopped."
    # Only those of ours say something; torch is imported then, and not for this.
    from recur import run
    from recur.training import TrainingInterrupted

    return run.stopped(stopped) if isinstance(stopped, TrainingInterrupted) else str(stopped)


def _importing() -> bool:
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    return any(getattr(spec, "_initializing", False) for spec in specs)


def open_streams() -> None:
    """Opens standard streams that are closed (a service, `2>&-`): nobody reads them.

    Otherwise the next file that is opened would take their place, and what is printed would go into
    it.
    """
    handle = os.open(os.devnull, os.O_RDWR)
    while handle <= 2:
        handle = os.open(os.devnull, os.O_RDWR)
    os.close(handle)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
