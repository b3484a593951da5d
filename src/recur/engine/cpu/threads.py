"""How many threads the compiled loops may use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from recur.engine.cpu import library

_forked = False


def _note_the_fork() -> None:
    global _forked
    _forked = True


# Not where there is no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_the_fork)


def count() -> int:
    """Torch's number of threads; in a forked process one.

    The OpenMP runtime's threads do not come along through a fork, and a team that counts on them
    waits for ever. (Torch's own operators do: set torch.set_num_threads(1) in a forked process, as
    `DataLoader` does in its workers.)
    """
    return 1 if _forked else torch.get_num_threads()


@contextlib.contextmanager
def one_if_crowded() -> Iterator[None]:
    """Torch's operators take one thread while the block runs, where other programs want the others.

    For many small ones: each of their teams may wait for its turn. A step of Adam has a team for
    each weight. Not for what adds up, whose rounding depends on the threads.
    """
    before = torch.get_num_threads()
    if before == 1 or not library.crowded():
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def about(crowded: bool) -> str:
    """The threads in words; `crowded`: others want the processors too, or there are too few."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    words = f"{count()} threads"
    if here and here < count():
        words += f" on {here} processor{'s' if here > 1 else ''}"
    return f"{words}, which sleep while they wait" if crowded and count() > 1 else words
