"""The words of a command line that runs a program: options of ours, the program, its arguments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from recur.messages import InputError

REPORT, LEAVE, MODULE, INPUT = "--report", "--leave", "-m", "-"
_ENDINGS = (".py", ".pyw", ".pyc", ".pyz", ".zip")


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        program: a path, "-" for standard input, or the name of a module.
        is_module: whether it is the name of a module.
        arguments: the program's own.
        report: whether to print the whole table at the end.
        leave: names of the layers to leave alone.
    """

    program: str
    is_module: bool
    arguments: tuple[str, ...]
    report: bool
    leave: tuple[str, ...]


def asked_for(words: Sequence[str], commands: Sequence[str] = ()) -> bool:
    """Whether a command line asks for a program to be run, and not for one of the commands.

    A file that has a command's name is run by `./NAME`.
    """
    if not words:
        return False
    word = words[0]
    if word in (REPORT, LEAVE, MODULE, INPUT) or word.startswith(f"{LEAVE}="):
        return True
    if word.startswith("-") or word in commands:
        return False
    return word.endswith(_ENDINGS) or os.path.dirname(word) != "" or _can_be_run(word)


def _can_be_run(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(os.path.join(path, "__main__.py"))


def parse(words: Sequence[str], command: str) -> Request:
    """Reads the words; those after the program are the program's.

    Args:
        words: those after `command`.
        command: what messages call it.

    Raises:
        InputError: if an option is unknown, or no program is named.
    """
    report, leave, rest = False, list[str](), list(words)
    while rest:
        word = rest.pop(0)
        name, is_set, value = word.partition("=")
        if word == REPORT:
            report = True
        elif name == LEAVE:
            leave.append(value if is_set else _next(rest, f"{LEAVE} needs the name of a layer."))
        elif word == MODULE:
            module = _next(rest, f"{MODULE} needs the name of a module.")
            return Request(module, True, tuple(rest), report, tuple(leave))
        elif word.startswith("-") and word != INPUT:
            takes = f"It takes {REPORT}, {LEAVE} NAME and {MODULE} MODULE"
            raise InputError(f"{command} has no option {word}. {takes}; Python's go before -m.")
        elif not word:
            break
        else:
            return Request(word, False, tuple(rest), report, tuple(leave))
    raise InputError(f"{command} needs a program: a script, or {MODULE} and a module.")


def _next(rest: list[str], otherwise: str) -> str:
    if not rest or not rest[0]:
        raise InputError(otherwise)
    return rest.pop(0)
