"""What judges rows as they come, remembering no more than a state of fixed size."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping

from torch import Tensor

from recur.data.asked_rows import AskedRows
from recur.messages import InputError, must
from recur.tasks.answers import Answer


@dataclasses.dataclass(frozen=True)
class Unread(Answer):
    """A row that could not be read.

    Attributes:
        row: what it is called.
        error: why.
    """

    row: str
    error: str

    def __str__(self) -> str:
        return f"BAD    {self.error}"


class Watcher(abc.ABC):
    """Judges rows as they come.

    Attributes:
        names: the columns that it reads.
    """

    names: list[str]

    @abc.abstractmethod
    def judge(self, rows: AskedRows) -> list[Answer]:
        """Judges rows, those after them knowing of them; a row that cannot be read is `Unread`."""

    def state(self) -> dict[str, Tensor]:
        """What is remembered of the rows so far; nothing, where they stand alone."""
        return {}

    def go_on(self, state: Mapping[str, Tensor]) -> None:
        """Remembers what `state` gave.

        Raises:
            InputError: if it is another network's.
        """
        if state:
            raise InputError(must("the state", "empty: rows stand alone", "another"))
