"""From an error to one sentence on standard error and an exit status.

0: done. 1: the request was right and the work failed. 2: wrong use, or wrong input. 130: Ctrl-C.
Only errors written for the user are caught; anything else is a defect of ours and shows itself.
"""

from __future__ import annotations

import re
from typing import Any

import typer

from recur.messages import FailedError, aside, did_you_mean, listed, must, shortened

LESS = "fewer units, layers or examples, a smaller batch, vocabulary or window"
_NO_MEMORY = (
    "can't allocate memory",  # torch on Linux and macOS
    "not enough memory",  # on Windows
    "Storage size calculation overflowed",
    "array is too big",  # numpy
    "out of memory",  # other devices
)

# The class above typer.BadParameter, whichever click this version of typer brings.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def out_of_memory(error: Exception) -> FailedError | None:
    """The sentence for an error of numpy's or torch's that says that memory did not do, or None."""
    text = str(error)
    if not isinstance(error, MemoryError) and not any(words in text for words in _NO_MEMORY):
        return None
    asked = re.search(r"allocate (\d+) bytes|allocate ([\d.]+ \wiB)", text)
    size = f" of {asked[2] or f'{int(asked[1]) / 2**30:,.1f} GiB'}" if asked else ""
    return FailedError(f"There is no memory for a piece{size}. Ask for less: {LESS}.")


def complain_of_use(error: Any) -> int:
    """Prints a sentence about a wrong command line; returns the exit status."""
    aside(f"recur: {shortened(_sentence(error))}")
    if _needs_task(error):
        _help_to_choose()
    return 2


def _needs_task(error: Any) -> bool:
    """Whether `recur train` stands alone."""
    missing = str(error.format_message()).startswith("Missing command")
    return missing and error.ctx is not None and error.ctx.info_name == "train"


def _help_to_choose() -> None:
    """What each task makes of what, and the command."""
    from recur import tasks
    from recur.cli import show

    rows = [
        (each.takes, each.gives, f"recur train {each.name}") for each in tasks.described().values()
    ]
    show.table(("you have", "you want", "command"), sorted(rows), stderr=True)
    own = "your own data go after --data, and `recur train TASK --help` says in which form."
    aside(f"Each learns on data that it finds by itself; {own}")


def _sentence(error: Any) -> str:
    text = str(error.format_message()).strip()
    context = error.ctx
    if context is None:
        return text
    if text.startswith("No such option"):
        return _no_option(error.option_name, context)
    if text.startswith("No such command"):
        return _no_command(text.split("'")[1], context)
    if _needs_task(error):
        return "recur train needs a task: what do you have, and what do you want?"
    if text.startswith("Missing command"):
        return f"{context.command_path} needs {_what(context)}: {_words(context)}."
    if text.startswith("Missing"):
        return f"{context.command_path} needs {_name(error.param)}. {_help(context)}"
    return f"{text.rstrip('.')}. {_help(context)}"


def _no_option(name: str, context: Any) -> str:
    if _asked_in_predict(name, context):
        todo = f"How to answer is asked for in predict: `recur predict RUN {name} ...`."
        return f"{context.command_path} has no option {name}. {todo}"
    known = [word for option in context.command.params for word in option.opts]
    hint = did_you_mean(name, [word for word in known if word.startswith("--")])
    return f"{context.command_path} has no option {name}. {hint or _help(context)}"


def _asked_in_predict(name: str, context: Any) -> bool:
    """Whether an option of a command that trains says how its task answers."""
    words = context.command_path.split()
    if words[-2:-1] != ["train"]:
        return False
    from recur import tasks
    from recur.tasks.options import kinds

    return name.removeprefix("--").replace("-", "_") in kinds(tasks.find(words[-1]).answering)


def _no_command(given: str, context: Any) -> str:
    hint = did_you_mean(given, context.command.commands)
    return must(_what(context), _words(context), repr(given), hint)


def _name(parameter: Any) -> str:
    longest: str = max(parameter.opts, key=len)
    return longest if longest.startswith("-") else parameter.metavar or longest


def _what(context: Any) -> str:
    return "a task" if context.parent else "a command"


def _words(context: Any) -> str:
    return listed(sorted(context.command.commands))


def _help(context: Any) -> str:
    return f"`{context.command_path} --help` shows the use."
