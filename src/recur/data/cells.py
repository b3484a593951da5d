"""Cells of a table as tokens: numbers fall into bins, symbols are what they are."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.data.numerals import EMPTY, as_number

MOST_SYMBOLS = 1000
"""Symbols of a column that are known: the most frequent ones."""
UNKNOWN = 0
"""The token of a column for what is missing, or no symbol that is known."""


@dataclasses.dataclass(frozen=True)
class Cells:
    """The tokens of a column: 0 for unknown, then its bins or its symbols.

    A number beyond all that was seen falls into the last bin, and a symbol that was never seen is
    unknown: neither leads out of what was learnt.

    Attributes:
        name: of the column.
        edges: where bins of numbers begin, in order; of symbols none.
        symbols: the symbols; of numbers none.
        numbers: whether the column has numbers.
    """

    name: str
    edges: tuple[float, ...]
    symbols: tuple[str, ...]
    numbers: bool

    @classmethod
    def of(cls, name: str, cells: NDArray[Any], bins: int) -> Cells:
        """Fits it to cells: numbers, NaN where there is none, or objects: symbols."""
        if cells.dtype == object:
            symbols, counts = np.unique(cells.astype(str), return_counts=True)
            kept = symbols[np.argsort(-counts, kind="stable")[:MOST_SYMBOLS]]
            return cls(name, (), tuple(sorted(kept.tolist())), False)
        return cls(name, tuple(_edges(cells[~np.isnan(cells)], bins).tolist()), (), True)

    def __len__(self) -> int:
        return 1 + (len(self.edges) + 1 if self.numbers else len(self.symbols))

    @functools.cached_property
    def _number(self) -> dict[str, int]:
        return {symbol: n for n, symbol in enumerate(self.symbols, start=1)}

    def tokens(self, cells: NDArray[Any]) -> NDArray[np.int64]:
        """(N,) the token of each cell; they are as `like` gives them."""
        if self.numbers:
            bins = 1 + np.searchsorted(np.array(self.edges), cells, side="right")
            return np.where(np.isnan(cells), UNKNOWN, bins).astype(np.int64)
        return np.array([self._number.get(cell, UNKNOWN) for cell in map(str, cells)], np.int64)

    def like(self, cells: Sequence[Any]) -> tuple[NDArray[Any], list[int]]:
        """(N,) cells as the column had them when it was fitted, and the rows where one cannot be.

        Numbers, NaN where there is none, or symbols. Rows count from 0.
        """
        if self.numbers:
            return as_numbers(cells)
        return np.array([_symbol(cell) for cell in cells], dtype=object), []


def as_numbers(cells: Sequence[Any]) -> tuple[NDArray[np.float64], list[int]]:
    """(N,) cells as numbers, NaN where one is empty, and the rows, from 0, where one is no number.

    They are text as Python writes numbers, numbers, or None; what is infinite is none.
    """
    try:
        found = np.asarray(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.array([_number(cell) for cell in cells], dtype=np.float64)
    else:
        if any(type(cell) is str for cell in cells[:1]) and "_" in "".join(map(str, cells)):
            found = np.array([_number(cell) for cell in cells], dtype=np.float64)
    wrong = np.flatnonzero(np.isinf(found))
    found[wrong] = np.nan
    return found, wrong.tolist()


def _number(cell: Any) -> float:
    """Infinite where it is none."""
    if cell is None:
        return np.nan
    if isinstance(cell, str):
        value = as_number(cell.strip())
        return value if value is not None else np.nan if cell.strip().lower() in EMPTY else np.inf
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return np.inf


def _symbol(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:g}" if isinstance(cell, float) else str(cell).strip()


def _edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Where bins begin: of few different values each has one.

    Else half of the edges are quantiles of the rows, and half of the different values: those that
    tell are rare, and far from the others.
    """
    values = np.unique(known)
    if len(values) <= bins:
        return values[1:]
    first, second = ((bins - 1) // 2, (bins - 1) - (bins - 1) // 2)
    of_rows = np.quantile(known, np.linspace(0, 1, first + 2)[1:-1], method="higher")
    of_values = np.quantile(values, np.linspace(0, 1, second + 2)[1:-1], method="higher")
    return np.unique(np.concatenate([of_rows, of_values]))
