"""Tables of text from CSV files and DataFrames, and their columns as numbers or times."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recur.data.numerals import (
    EMPTY,
    Numbers,
    as_number,
    decimal_mark,
    looks_like_number,
    read_numbers,
)
from recur.data.rows import Rows, parse_rows, read_rows, refuse_width
from recur.data.stamps import NoTimeError, Stamps, is_time, of_frame, read_stamps
from recur.messages import InputError, did_you_mean, listed, must

_NAMES = "date|time|datetime|timestamp|day|month|year|week|ds"
TIME = re.compile(rf"^({_NAMES})$", re.IGNORECASE)
LIKE_TIME = re.compile(rf"(^|[\W_])({_NAMES}|datum|zeit|fecha)($|[\W_])", re.IGNORECASE)
_DAY = re.compile(r"\d{8}")
MOST_NAMED = 20
"""Columns that a message lists at most."""


class NoColumnError(InputError):
    """A column that is not there."""


def no_column(name: str, column: str, columns: Iterable[str]) -> str:
    """Returns the sentence about a column that is not there; it names those that are."""
    names = list(columns)
    hint = did_you_mean(column, names[:1000])
    return f"{name} has no column {column!r}; it has {named(names)}. {hint}".rstrip()


def named(columns: list[str]) -> str:
    """Returns the names of columns, as many as a person reads."""
    more = len(columns) - MOST_NAMED
    shown = [*map(repr, columns[:MOST_NAMED]), *([f"{more:,} more"] if more > 0 else [])]
    return listed(shown, "and")


@dataclass(frozen=True)
class Table:
    """Rows of text under a header.

    Attributes:
        name: what messages call it.
        header: the names of the columns, no two the same.
        rows: the cells, as many a row as there are columns; there is at least one row.
        decimal: the decimal mark of its numbers; empty: found.
        delimiter: what stood between the cells.
        stamps: columns that were read as times before, such as those of a DataFrame.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    decimal: str = ""
    delimiter: str = ","
    stamps: Mapping[str, Stamps] = field(default_factory=dict)

    @functools.cached_property
    def position(self) -> dict[str, int]:
        """Where each column stands."""
        return {column: at for at, column in enumerate(self.header)}

    def cells(self, column: str) -> list[str]:
        """The cells of a column.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        at = self.position.get(column)
        if at is None:
            raise NoColumnError(no_column(self.name, column, self.header))
        return [row[at].strip() for row in self.rows]

    def numbers(self, column: str) -> Numbers:
        """A column as numbers; NaN where a cell is empty.

        Raises:
            InputError: if there is no such column, or a cell is no number or infinite; the text
                names the row (from 1, without the header) and the column.
        """
        cells = self.cells(column)
        # Europe's spreadsheets, which write decimal commas, put semicolons between cells.
        otherwise = "," if self.delimiter == ";" else "."
        numbers = read_numbers(cells, self.decimal or self._shown_decimal, otherwise)
        infinite = np.flatnonzero(np.isinf(numbers.values))
        if numbers.wrong is not None:
            what, cell = self._place(numbers.wrong, column), cells[numbers.wrong]
            raise InputError(must(what, "a number", repr(cell)))
        if len(infinite):
            row = int(infinite[0])
            raise InputError(must(self._place(row, column), "finite", cells[row]))
        return numbers

    def times(self, column: str, form: str = "", *, day_first: bool | None = None) -> Stamps:
        """A column as times; the arguments are those of `read_stamps`.

        Raises:
            InputError: if there is no such column, or a cell is no time; the text names the row.
        """
        if column in self.stamps:
            return self.stamps[column]
        cells = self.cells(column)
        try:
            return read_stamps(cells, form, day_first=day_first)
        except NoTimeError as error:
            what, got = self._place(error.row, column), repr(cells[error.row])
            raise InputError(must(what, error.expected, got)) from error

    def holds_numbers(self, column: str) -> bool:
        """Whether the first cell that is not empty is a number."""
        return column not in self.stamps and looks_like_number(self.first(column))

    def first(self, column: str) -> str:
        """The first cell of a column that is not empty."""
        at = self.position[column]
        cells = (row[at].strip() for row in self.rows)
        return next((cell for cell in cells if cell.lower() not in EMPTY), "")

    def time_column(self) -> str | None:
        """The column of the times.

        One that is named like a time; else the first whose name has such a word and that holds
        times; else the first that holds times which are no numbers.
        """
        exact = next((column for column in self.header if TIME.match(column)), None)
        if exact is not None:
            return exact
        if self.stamps:
            return next(iter(self.stamps))
        firsts = {column: self.first(column) for column in self.header}
        alike = (column for column in self.header if LIKE_TIME.search(column))
        held = (
            column
            for column in alike
            if _DAY.fullmatch(firsts[column]) or self._dated(firsts, column)
        )
        rest = (column for column in self.header if self._dated(firsts, column))
        return next(itertools.chain(held, rest), None)

    @staticmethod
    def _dated(firsts: Mapping[str, str], column: str) -> bool:
        cell = firsts[column]
        return as_number(cell) is None and is_time(cell)

    @functools.cached_property
    def _shown_decimal(self) -> str:
        """The decimal mark, where commas in any cell ask for one."""
        if not any("," in cell for row in self.rows for cell in row):
            return ""
        return decimal_mark(cell.strip() for row in self.rows for cell in row)

    def _place(self, row: int, column: str) -> str:
        return f"row {row + 1} of the column {column!r} of {self.name}"


def read_table(
    source: Any, name: str | None, *, delimiter: str = "", encoding: str = "", decimal: str = ""
) -> Table:
    """Reads a CSV file, or a pandas DataFrame or Series.

    Raises:
        InputError: as `read_rows`, and if a table has no rows, rows of unequal width, or two
            columns of the same name.
    """
    if hasattr(source, "to_frame"):  # a pandas Series
        source = source.to_frame(source.name if source.name is not None else "value")
    if hasattr(source, "itertuples"):
        return _frame(source, name or "the DataFrame")
    return _table(read_rows(source, name or "", delimiter=delimiter, encoding=encoding), decimal)


def parse_table(text: str, name: str, *, delimiter: str = "", decimal: str = "") -> Table:
    """Reads the text of a CSV file; errors as `read_table`."""
    return _table(parse_rows(text, name, delimiter=delimiter), decimal)


def _frame(frame: Any, name: str) -> Table:
    if hasattr(frame.index, "to_timestamp"):  # periods, such as 2026-11
        frame = frame.set_index(frame.index.to_timestamp())
    if _says_something(frame.index):
        frame = frame.reset_index()
    header = [str(column) for column in frame.columns]
    dates = {
        label: frame.iloc[:, at]
        for at, label in enumerate(header)
        if frame.dtypes.iloc[at].kind == "M"
    }
    rows = [[str(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
    table = _table(Rows(name, ",", header, rows), ".")
    stamps = {label: _stamps(table, label, column) for label, column in dates.items()}
    return replace(table, stamps=stamps)


def _says_something(index: Any) -> bool:
    """Whether an index is more than a count of rows: dates, names, or numbers with a name."""
    return index.dtype.kind not in "iufb" or bool(TIME.match(str(index.name)))


def _stamps(table: Table, label: str, column: Any) -> Stamps:
    try:
        return of_frame(column)
    except NoTimeError as error:
        what = f"row {error.row + 1} of the column {label!r} of {table.name}"
        raise InputError(must(what, "a time", "none")) from error


def _table(found: Rows, decimal: str) -> Table:
    name, delimiter, header, rows = found
    if not rows:
        raise InputError(f"{name} is empty. It needs a header and a row for each step.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            refuse_width(name, number, row, header, "Mend the row.")
    twice = next((column for column, times in Counter(header).items() if times > 1), None)
    if twice is not None:
        todo = "Rename one of them."
        raise InputError(must(f"the columns of {name}", "of different names", repr(twice), todo))
    return Table(name, header, rows, decimal, delimiter)
