"""Tables of text from CSV files and DataFrames, and their columns as numbers or times."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.data.times import Times, parse_times
from recur.messages import InputError, count, did_you_mean, listed, must

TIME = re.compile(r"^(date|time|datetime|timestamp|day|month|year|week|ds)$", re.IGNORECASE)
EMPTY = ("", "nan", "na", "n/a", "<na>", "nat", "null", "none", ".")


def no_column(name: str, column: str, columns: Iterable[str]) -> str:
    """Returns the sentence about a column that is not there; it names those that are."""
    names = list(columns)
    hint = did_you_mean(column, names)
    has = listed(map(repr, names), "and")
    return f"{name} has no column {column!r}; it has {has}. {hint}".rstrip()


def damaged_after(name: str, row: int, error: Exception) -> str:
    """Returns the sentence about a CSV file that cannot be read on after a row (0: the header)."""
    where = f"row {row}" if row else "its header"
    return f'{name} is damaged after {where}: {error}. Check the "quotation marks" there.'


class Table(NamedTuple):
    """Rows of text under a header.

    Attributes:
        name: what messages call it.
        header: the names of the columns, no two the same.
        rows: the cells, as many a row as there are columns; there is at least one row.
    """

    name: str
    header: list[str]
    rows: list[list[str]]

    def cells(self, column: str) -> list[str]:
        """The cells of a column.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        if column not in self.header:
            raise InputError(no_column(self.name, column, self.header))
        at = self.header.index(column)
        return [row[at].strip() for row in self.rows]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as numbers; NaN where a cell is empty.

        Raises:
            InputError: if there is no such column, or a cell is no number or infinite; the text
                names the row (from 1, without the header) and the column.
        """
        values = np.empty(len(self.rows))
        for number, cell in enumerate(self.cells(column), start=1):
            value = np.nan if cell.lower() in EMPTY else as_number(cell)
            what = f"row {number} of the column {column!r} of {self.name}"
            if value is None:
                raise InputError(must(what, "a number", repr(cell)))
            if np.isinf(value):
                raise InputError(must(what, "finite", cell))
            values[number - 1] = value
        return values

    def times(self, column: str) -> Times:
        """A column as times.

        Raises:
            InputError: if there is no such column, or a cell is no time; the text names the row.
        """
        cells = self.cells(column)
        times = parse_times(cells)
        if times is None:
            number = next(i for i, cell in enumerate(cells, start=1) if parse_times([cell]) is None)
            what = f"row {number} of the column {column!r} of {self.name}"
            expected = "a time such as 2026-11-24 or 2026-11-24 16:00"
            raise InputError(must(what, expected, repr(cells[number - 1])))
        return times

    def holds_numbers(self, column: str) -> bool:
        """Whether the first cell that is not empty is a number."""
        first = next((cell for cell in self.cells(column) if cell.lower() not in EMPTY), "")
        return as_number(first) is not None

    def time_column(self) -> str | None:
        """The column that is named like a time, else the first if it holds times."""
        named = next((column for column in self.header if TIME.match(column)), None)
        if named is not None:
            return named
        cell = self.rows[0][0].strip()
        return (
            self.header[0] if as_number(cell) is None and parse_times([cell]) is not None else None
        )


def as_number(cell: str) -> float | None:
    """The number that a cell holds, or None."""
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_000, which nobody means here
    except ValueError:
        return None


def read_table(source: Any, name: str | None) -> Table:
    """Reads a CSV file, or a pandas DataFrame or Series.

    Raises:
        InputError: if a file is missing or not UTF-8, or a table has no rows, rows of unequal
            width, or two columns of the same name.
    """
    if hasattr(source, "to_frame"):  # a pandas Series
        source = source.to_frame(source.name if source.name is not None else "value")
    if hasattr(source, "itertuples"):
        return _frame(source, name or "the DataFrame")
    return parse_table(files.read_text(source), name or Path(source).name)


def parse_table(text: str, name: str) -> Table:
    """Reads the text of a CSV file; errors as `read_table`."""
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
    except csv.Error as error:
        raise InputError(damaged_after(name, max(len(rows) - 1, 0), error)) from error
    header, rows = [cell.strip() for cell in rows[0]] if rows else [], rows[1:]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            expected = f"as wide as the header ({count(len(header), 'column')})"
            got = count(len(row), "column")
            raise InputError(must(f"row {number} of {name}", expected, got, "Mend the row."))
    return _table(name, header, rows)


def _frame(frame: Any, name: str) -> Table:
    if hasattr(frame.index, "to_timestamp"):  # periods, such as 2026-11
        frame = frame.set_index(frame.index.to_timestamp())
    if frame.index.dtype.kind == "M":  # an index of dates becomes the first column
        frame = frame.reset_index()
    header = [str(column) for column in frame.columns]
    rows = [[str(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
    return _table(name, header, rows)


def _table(name: str, header: list[str], rows: list[list[str]]) -> Table:
    if not rows:
        raise InputError(f"{name} is empty. It needs a header and a row for each step.")
    twice = next((column for column in header if header.count(column) > 1), None)
    if twice is not None:
        todo = "Rename one of them."
        raise InputError(must(f"the columns of {name}", "of different names", repr(twice), todo))
    return Table(name, header, rows)
