"""`python -m recur script.py`: programs that use torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recur.scripts.running import Door

if TYPE_CHECKING:
    from recur.layers.report import Patch

ABOUT = """\
Usage: python -m recur [--report] [--leave NAME]... PROGRAM [ARGUMENTS]...

Runs a program as Python does, with recur's loops in the layers of torch.nn that it makes.

PROGRAM is a script, -m and the name of a module, a folder or a zip file with a __main__.py, or -
for standard input.

--report      prints at the end, for each layer, whether it was taken, and why not
--leave NAME  leaves layers alone: those of a class (LSTM), or made at a place (train.py:12)"""

# Rooms that import no torch as they are imported.
_LIGHT = ("cli", "files", "imports", "keras", "locks", "messages", "schema", "scripts")


def _put(leave: tuple[str, ...]) -> Patch:
    from recur.layers.patch import patch

    return patch(leave)


def _ours(name: str) -> bool:
    first, _, room = name.partition(".")
    return first == "recur" and room.partition(".")[0] not in _LIGHT


def _begin(asked_for: bool) -> None:
    """Nothing must be done before."""


DOOR = Door("python -m recur", ABOUT, "torch", _put, _ours, _begin)
