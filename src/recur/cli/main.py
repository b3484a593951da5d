"""The door: parses the command line, runs a command, turns errors into sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from recur.cli import errors
from recur.cli.commands import application
from recur.messages import RecurError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: The words after `recur`; None takes those of this process.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong use or input, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(application())
    try:
        status = command.main(words or ["--help"], prog_name="recur", standalone_mode=False)
    except RecurError as error:
        return errors.complain(error)
    except errors.UsageError as error:
        return errors.complain_of_use(error)
    return status if isinstance(status, int) else 0
