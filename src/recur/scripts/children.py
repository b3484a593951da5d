"""Processes that a program starts by `multiprocessing` get what it has.

A process that is forked has it. One that begins anew (spawn, forkserver) is sent what it needs
before it imports the program; an object goes with that, and calls a function as it is unpickled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from recur.scripts.imported import after

_SPAWN = "multiprocessing.spawn"


def begin_with(do: Callable[..., None], *arguments: Any) -> None:
    """Has each process that begins anew call `do` first; all of it must be picklable."""
    after(_SPAWN, lambda: _send(_Begin(do, arguments)))


class _Begin:
    def __init__(self, do: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._what = do, arguments

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Any, ...]]:
        return self._what


def _send(begin: _Begin) -> None:
    spawn: Any = sys.modules[_SPAWN]
    prepared = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        # First in the dict: what comes after it may be of the program.
        return {"recur": begin, **prepared(name)}

    spawn.get_preparation_data = get_preparation_data
