"""A program runs with recur in it, and a line at its end says what recur did."""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recur.messages import RecurError, aside, complain, count, listed
from recur.scripts import children, program
from recur.scripts.display import save_without_display
from recur.scripts.imported import after
from recur.scripts.words import LEAVE, REPORT, parse

if TYPE_CHECKING:
    from recur.layers.report import Patch

Put = Callable[[tuple[str, ...]], "Patch | str"]


@dataclass(frozen=True)
class Door:
    """A way to put recur into a program; what it holds is picklable.

    Attributes:
        command: how it is called.
        about: what its help says.
        library: the module after whose import recur is put in.
        put: does so, given the names of layers to leave alone; returns what is met from then on,
            or a sentence that says why nothing was done.
        ours: says of a module's name whether it is of recur's and imports the library: recur is put
            in before it.
        begin: does what must be done before the program begins, told whether it is the one that was
            asked for, and not a process of its.
    """

    command: str
    about: str
    library: str
    put: Put
    ours: Callable[[str], bool]
    begin: Callable[[bool], None]


class _Said:
    """What is said at the end: a line, or the table."""

    def __init__(self, door: Door) -> None:
        self._process = os.getpid()  # a fork says nothing
        self.found: Patch | str = f"The program has not imported {door.library}."

    def say(self, table: bool, leave: tuple[str, ...]) -> None:
        if os.getpid() != self._process:
            return
        if isinstance(self.found, str):
            aside(f"recur: {self.found}")
        elif table:
            aside(f"{self.found}")
        else:
            aside(f"recur: {_line(self.found)}")
        unmet = _unmet(self.found, leave)
        if unmet:
            aside(f"recur: {LEAVE}: no layer was met that is {listed(unmet)}.")


def main(door: Door, words: Sequence[str]) -> int:
    """Runs the program that a command line asks for; what it raises is raised.

    Args:
        door: how recur is put in.
        words: the command line after the door's command; without any, the help is printed.

    Returns:
        The exit status where the program ends by itself, or is not there.
    """
    if not words or words[0] in ("--help", "-h"):
        print(door.about)
        return 0
    try:
        request = parse(words, door.command)
        said = _Said(door)
        door.begin(True)
        _put_in(door, request.leave, said)
    except RecurError as error:
        return complain(error)
    atexit.register(said.say, request.report, request.leave)
    try:
        program.execute(request)
    except program.MissingError as error:
        atexit.unregister(said.say)
        return complain(error)
    return 0


def _in_a_child(door: Door, leave: tuple[str, ...]) -> None:
    door.begin(False)
    _put_in(door, leave, _Said(door))


def _put_in(door: Door, leave: tuple[str, ...], said: _Said) -> None:
    def put() -> None:
        said.found = door.put(leave)

    after(door.library, put, door.ours)
    after("matplotlib", save_without_display)
    children.begin_with(functools.partial(_in_a_child, door, leave))


def _line(found: Patch) -> str:
    taken = sum(row.swapped for row in found.rows)
    left = len(found.rows) - taken
    if not found.rows:
        return str(found)
    rest = f", {left:,} left as before ({REPORT} says why)" if left else ""
    return f"{count(taken, 'part')} of the program on recur's engine{rest}."


def _unmet(found: Patch | str, leave: tuple[str, ...]) -> list[str]:
    if isinstance(found, str):
        return []
    met = {name for row in found.rows for name in (row.path, row.kind, row.kind.split(".")[-1])}
    return [name for name in leave if name not in met]
