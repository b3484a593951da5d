"""The door: parses the command line, runs a command, turns errors into sentences."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence

import typer

from recur import scripts
from recur.cli import errors, interrupt
from recur.cli.application import COMMANDS, application
from recur.messages import FailedError, InputError, RecurError, aside, complain
from recur.scripts.pytorch import DOOR

_NO_PATH = (errno.ENAMETOOLONG, errno.ELOOP)
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EPIPE, errno.EIO, errno.EBADF)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: The words after `recur`; None takes those of this process.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong use or input, 128 and the signal's
            number if stopped: 130 by Ctrl-C. The words of this process may name a program: it is
            run, and ends as it would without us.
    """
    if arguments is None and scripts.asked_for(sys.argv[1:], COMMANDS):
        return scripts.main(DOOR, sys.argv[1:])
    with interrupt.heard(to_the_end=arguments is None):
        interrupt.open_streams()
        return _answered(list(sys.argv[1:] if arguments is None else arguments))


def _answered(words: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a letter must not stop the work.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(words)
        sys.stdout.flush()  # a full disk shows here, and not after the exit status is decided
        return status
    except (KeyboardInterrupt, typer.Abort):  # one more, while another was being answered
        aside("recur: Stopped.")
        return interrupt.STATUS + signal.SIGINT
    except RecurError as error:
        return complain(error)
    except errors.UsageError as error:
        return errors.complain_of_use(error)
    except (MemoryError, RuntimeError, ValueError) as error:
        failed = errors.out_of_memory(error)
        if failed is None:
            raise
        return complain(failed)
    except OSError as error:
        if error.errno in _NO_PATH and error.filename is not None:
            return complain(InputError(f"{error.filename} is no path: {error.strerror}."))
        if error.errno not in _CANNOT_WRITE:
            raise
        _abandon_output()
        why = f"Standard output could not be written: {error.strerror}."
        return complain(FailedError(why))


def _run(words: list[str]) -> int:
    for word in words:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise InputError(f"The argument {word!r} is not UTF-8 text. Write it to a file.")
    command = typer.main.get_command(application())
    status = command.main(words or ["--help"], prog_name="recur", standalone_mode=False)
    return status if isinstance(status, int) else 0


def _abandon_output() -> None:
    """Python flushes standard output once more at its end; what cannot be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
