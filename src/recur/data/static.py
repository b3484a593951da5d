"""What never changes about a series, as numbers: a scaled number, or which of several labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recur.data.numerals import as_number
from recur.messages import InputError, must

FARTHEST = 1e18
"""No number of a static column lies farther from 0."""


@dataclass(frozen=True)
class StaticColumn:
    """How one column becomes numbers.

    Attributes:
        name: of the column.
        labels: those seen in training, a 0 or 1 for each; none where the column is a number.
        mean: of the numbers in training.
        deviation: their standard deviation; 1 where they are all the same.
    """

    name: str
    labels: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and self.deviation > 0):
            raise InputError(must(f"the deviation of {self.name!r}", "above 0", self.deviation))

    @classmethod
    def fit(cls, name: str, cells: Sequence[str]) -> Self:
        """Looks at the cells of the training series: numbers if all of them are."""
        numbers = [as_number(cell) for cell in cells]
        known = [_near(name, number) for number in numbers if number is not None]
        if len(known) < len(numbers):
            return cls(name, tuple(sorted(set(cells))))
        return cls(name, (), float(np.mean(known)), float(np.std(known)) or 1.0)

    def __len__(self) -> int:
        return len(self.labels) or 1

    def encode(self, cell: str) -> list[float]:
        """The numbers of a cell; of a label that was never seen, zeros.

        Raises:
            InputError: if it is no number where all were.
        """
        if self.labels:
            return [float(cell == label) for label in self.labels]
        number = as_number(cell)
        if number is None:
            raise InputError(must(f"the static column {self.name!r}", "a number", repr(cell)))
        return [(_near(self.name, number) - self.mean) / self.deviation]


def _near(name: str, number: float) -> float:
    if not abs(number) <= FARTHEST:
        raise InputError(must(f"the static column {name!r}", f"within {FARTHEST:g}", number))
    return number


def encoded(columns: Sequence[StaticColumn], cells: Mapping[str, str]) -> NDArray[np.float32]:
    """(S,) the numbers of a series.

    Raises:
        InputError: if it lacks a column, or a cell is no number where all were.
    """
    found: list[float] = []
    for column in columns:
        if column.name not in cells:
            raise InputError(must("a series", f"with the static column {column.name!r}", "none"))
        found += column.encode(cells[column.name])
    return np.array(found, dtype=np.float32)
