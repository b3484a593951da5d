"""Rows of numbers that follow one another in time, such as what sensors measure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recur.data.cells import as_numbers
from recur.data.records.observed import Observed
from recur.data.splits import Rows, Splits
from recur.data.tables import Table, named
from recur.messages import InputError, count, listed, must

MOST_ROWS = 5
"""Bad rows that a message numbers."""
LARGEST = 1e140
"""Beyond this, squares of errors leave the numbers that there are."""


@dataclass(frozen=True, eq=False)
class Readings(Observed):
    """T rows of F numbers, in the order of time.

    Attributes:
        columns: (F,) their names.
        values: (T, F).
        anomalous: (T,) whether each row is an anomaly; None where nobody says. Never learnt from.
        places: what messages and answers call each row.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    anomalous: NDArray[np.bool_] | None
    places: list[str]

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = np.asarray(rows, dtype=np.int64)
        return type(self)(
            self.columns,
            self.values[at],
            None if self.anomalous is None else self.anomalous[at],
            [self.places[row] for row in at],
        )


def readings(
    table: Table,
    *,
    anomalous: NDArray[np.bool_] | None = None,
    without: Collection[str] = (),
    columns: tuple[str, ...] = (),
    drop_bad: bool = False,
) -> Splits[Readings]:
    """Reads rows of numbers from a table, in its order.

    Args:
        table: the table.
        anomalous: (T,) whether each row is an anomaly, where it is known.
        without: columns that are not read.
        columns: those that are, where a network knows them; empty: all that hold numbers, without
            the time.
        drop_bad: leave out rows with a cell that is no number, and say how many.

    Raises:
        InputError: if there are no columns of numbers, or a cell is no number; the text names its
            row and column.
    """
    wanted = list(columns) or _of_numbers(table, without)
    if not wanted:
        raise InputError(f"{table.name} has no column of numbers; it has {named(table.header)}.")
    values = np.stack([_values(table, name) for name in wanted], axis=1)
    wrong = ~(np.abs(values) <= LARGEST)  # NaN too
    notes = (*table.notes, *_left_out(table, {*wanted, *without}))
    places = [f"row {row}" for row in table.rows]
    found = Readings(tuple(wanted), values, anomalous, places)
    if wrong.any():
        kept = np.flatnonzero(~wrong.any(axis=1))
        notes = (*notes, _bad(table, wanted, wrong, drop_bad and len(kept) > 0))
        found = found.take(kept)
    return Splits(found, about=table.name, notes=notes)


def _of_numbers(table: Table, without: Collection[str]) -> list[str]:
    out = {*without, table.time_column()}
    return [name for name in table.header if name not in out and table.holds_numbers(name)]


def _values(table: Table, name: str) -> NDArray[np.float64]:
    """A column as numbers; NaN where a cell is empty, no number or infinite."""
    try:
        return table.numbers(name).values
    except InputError:
        if name not in table.columns:
            raise
    return as_numbers(table.values(name))[0]


def _left_out(table: Table, known: Collection[str]) -> tuple[str, ...]:
    time = table.time_column()
    others = [name for name in table.header if name not in known and name != time]
    if not others:
        return ()
    return (f"Without labels only numbers are read: {named(others)} left out.",)


def _bad(table: Table, wanted: list[str], wrong: NDArray[np.bool_], drop_bad: bool) -> str:
    """What to say about rows that were left out, or the error about those that are bad."""
    rows = np.flatnonzero(wrong.any(axis=1)).tolist()
    if drop_bad:
        bad = count(len(rows), "row")
        return f"{bad} of {len(table):,} of {table.name} left out: a cell is no number."
    row, column = rows[0], wanted[int(wrong[rows[0]].argmax())]
    got = repr(table.cells(column)[row])
    more = [f"{table.rows[each]:,}" for each in rows[1 : MOST_ROWS + 1]]
    rest = f" So in {count(len(rows) - 1, 'more row')}: {listed(more, 'and')}." if more else ""
    todo = f"Mend it, or leave such rows out (drop bad).{rest}"
    raise InputError(must(table.place(row, column), "a number", got, todo))
