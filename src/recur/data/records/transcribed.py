"""What has a text that says what is in it: recordings, lines of print, lines of a pen."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Self

from recur.data.splits import Records
from recur.messages import count

MOST_NAMED = 3
"""Of those left out, so many are named."""


class Transcribed(Records):
    """Records with transcripts, which are empty where they are only asked about.

    Attributes:
        transcripts: what is in each, or none at all.
        varied: they are to be learnt from with changes by chance.
    """

    transcripts: list[str]
    varied: bool

    @property
    @abc.abstractmethod
    def names(self) -> list[str]:
        """What messages call each of them."""

    def without(self, bad: Callable[[int], bool], why: str) -> tuple[Self, tuple[str, ...]]:
        """The others, and a note that names those left out.

        Args:
            bad: says of a row whether it is left out.
            why: "is too short for its transcript".
        """
        out = [row for row in range(len(self)) if bad(row)]
        if not out:
            return self, ()
        dropped, names = set(out), self.names
        named = ", ".join(names[row] for row in out[:MOST_NAMED])
        more = " and others" if len(out) > MOST_NAMED else ""
        left = f"{count(len(out), self.noun)} left out ({named}{more}): each {why}."
        return self.take([row for row in range(len(self)) if row not in dropped]), (left,)
