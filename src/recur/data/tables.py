"""Tables: named columns of cells out of files and of other libraries; as text, numbers or times."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from recur import files
from recur.data import stored
from recur.data.frames import columns_of_frame, library_of, no_table
from recur.data.numerals import (
    EMPTY,
    Numbers,
    as_number,
    decimal_mark,
    is_number,
    looks_like_number,
    read_numbers,
)
from recur.data.objects import ENDINGS as JSON
from recur.data.objects import parse_objects
from recur.data.packed import unpacked
from recur.data.rows import columns_of, parse_rows
from recur.data.stamps import NoTimeError, Stamps, is_time, read_stamps
from recur.data.times import show_times
from recur.files import PathLike
from recur.messages import InputError, did_you_mean, listed, must, shown

_NAMES = "date|time|datetime|timestamp|day|month|year|week|ds"
TIME = re.compile(rf"^({_NAMES})$", re.IGNORECASE)
LIKE_TIME = re.compile(rf"(^|[\W_])({_NAMES}|datum|zeit|fecha)($|[\W_])", re.IGNORECASE)
_DAY = re.compile(r"\d{8}")
ENDINGS = (".csv", ".tsv", *JSON, *stored.ENDINGS)
"""Of files that are tables with named columns, whatever is in them."""
_PACKED = (".gz", ".xz", ".bz2", ".zip")
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
    """Named columns of cells, one a row in each; there is at least one row.

    Attributes:
        name: what messages call it.
        columns: the cells of each column, by its name: text, or what the source has (numbers, true
            and false, lists); None where there is none. Of a column of times, see `stamps`.
        rows: the numbers of the rows as a person counts them: from 1, without the header; of JSON
            lines, the lines.
        decimal: the decimal mark of its numbers; empty: found.
        delimiter: what stood between the cells.
        stamps: the columns that the source has as times; NaT where there is none.
        notes: what must be said about how it was read.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[int]
    decimal: str = ""
    delimiter: str = ","
    stamps: Mapping[str, Stamps] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.rows)

    @functools.cached_property
    def header(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)

    def take(self, rows: Sequence[int]) -> Table:
        """The table of some of its rows, counted from 0; in that order."""
        columns = {
            name: cells if name in self.stamps else [cells[row] for row in rows]
            for name, cells in self.columns.items()
        }
        chosen = np.asarray(rows, dtype=np.int64)
        stamps = {
            name: each._replace(times=each.times[chosen]) for name, each in self.stamps.items()
        }
        numbers = [self.rows[row] for row in rows]
        return replace(self, columns=columns, rows=numbers, stamps=stamps)

    def values(self, column: str) -> list[Any]:
        """The cells of a column as the source has them, times as text; None where there is none.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        if column not in self.columns:
            raise NoColumnError(no_column(self.name, column, self.header))
        stamps = self.stamps.get(column)
        return list(self.columns[column]) if stamps is None else _shown(stamps)

    def column(self, column: str) -> list[str | None]:
        """The cells of a column as text; None where there is none.

        Raises:
            InputError: if there is no such column, or a cell is a list or the like.
        """
        values = self.values(column)
        if all(type(value) is str for value in values):
            return values
        return [self._text(value, row, column) for row, value in enumerate(values)]

    def cells(self, column: str) -> list[str]:
        """The cells of a column as text, without spaces around; errors as `column`."""
        return [cell.strip() if cell else "" for cell in self.column(column)]

    def checksum(self) -> str:
        """The sha256 of what it holds, whatever it was read from."""
        digest = hashlib.sha256()
        for name in self.header:
            digest.update(repr((name, self.values(name))).encode())
        return digest.hexdigest()

    def numbers(self, column: str) -> Numbers:
        """A column as numbers; NaN where a cell is empty.

        Raises:
            InputError: if there is no such column, or a cell is no number or infinite; the text
                names the row and the column.
        """
        numbers = self._numbers(column)
        infinite = np.flatnonzero(np.isinf(numbers.values))
        if numbers.wrong is not None:
            cell = self.cells(column)[numbers.wrong]
            raise InputError(must(self.place(numbers.wrong, column), "a number", repr(cell)))
        if len(infinite):
            row = int(infinite[0])
            raise InputError(must(self.place(row, column), "finite", self.cells(column)[row]))
        return numbers

    def times(self, column: str, form: str = "", *, day_first: bool | None = None) -> Stamps:
        """A column as times; the arguments are those of `read_stamps`.

        Raises:
            InputError: if there is no such column, or a cell is no time; the text names the row.
        """
        if column in self.stamps:
            return self._whole(column)
        cells = self.cells(column)
        try:
            return read_stamps(cells, form, day_first=day_first)
        except NoTimeError as error:
            what, got = self.place(error.row, column), repr(cells[error.row])
            raise InputError(must(what, error.expected, got)) from error

    def holds_numbers(self, column: str) -> bool:
        """Whether the first cell that is not empty is a number."""
        value = self._first(column)
        return is_number(value) or (isinstance(value, str) and looks_like_number(value))

    def first(self, column: str) -> str:
        """The first cell of a column that is not empty, as text."""
        value = self._first(column)
        return "" if value is None else str(value)

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

    def place(self, row: int, column: str) -> str:
        """What messages call a cell; the row counts from 0."""
        return f"row {self.rows[row]} of the column {column!r} of {self.name}"

    @staticmethod
    def _dated(firsts: Mapping[str, str], column: str) -> bool:
        cell = firsts[column]
        return as_number(cell) is None and is_time(cell)

    def _first(self, column: str) -> Any:
        """The first value that is not empty, texts without spaces around; None if all are."""
        for value in () if column in self.stamps else self.columns[column]:
            cell = value.strip() if isinstance(value, str) else value
            if not (_is_missing(cell) or (isinstance(cell, str) and cell.lower() in EMPTY)):
                return cell
        return None

    def _numbers(self, column: str) -> Numbers:
        # Europe's spreadsheets, which write decimal commas, put semicolons between cells.
        otherwise = "," if self.delimiter == ";" else "."
        values = self.values(column)
        numeric = [row for row, value in enumerate(values) if is_number(value)]
        if len(numeric) == len(values):
            return Numbers(np.array(values, dtype=np.float64))
        for row in numeric:  # what is written out is read; the others are numbers already
            values[row] = None
        cells = [(self._text(value, at, column) or "").strip() for at, value in enumerate(values)]
        read = read_numbers(cells, self.decimal or self._shown_decimal, otherwise)
        read.values[numeric] = [self.columns[column][row] for row in numeric]
        return read

    @functools.cached_property
    def _shown_decimal(self) -> str:
        """The decimal mark, where commas in any cell ask for one."""
        texts = [v for values in self.columns.values() for v in values if isinstance(v, str)]
        if not any("," in text for text in texts):
            return ""
        return decimal_mark(text.strip() for text in texts)

    def _text(self, value: Any, row: int, column: str) -> str | None:
        if _is_missing(value):
            return None
        if isinstance(value, _NO_CELL):
            expected = "text, a number, or true or false"
            raise InputError(must(self.place(row, column), expected, shown(value)))
        return str(value)

    def _whole(self, column: str) -> Stamps:
        missing = np.flatnonzero(np.isnat(self.stamps[column].times))
        if len(missing):
            raise InputError(must(self.place(int(missing[0]), column), "a time", "none"))
        return self.stamps[column]


_NO_CELL = (list, dict, tuple, set, bytes, np.ndarray)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _shown(stamps: Stamps) -> list[str | None]:
    there = ~np.isnat(stamps.times)
    texts: list[str | None] = [None] * len(there)
    if there.any():
        shown_times = show_times(stamps.times[there], stamps.zone)
        for row, text in zip(np.flatnonzero(there).tolist(), shown_times, strict=True):
            texts[row] = text
    return texts


def is_table(path: PathLike) -> bool:
    """Whether a file's name says that it is a table with named columns, packed or not."""
    name = Path(path)
    inner = Path(name.stem) if name.suffix.lower() in _PACKED else name
    return inner.suffix.lower() in ENDINGS


def read_table(
    source: PathLike | Any,
    *,
    name: str = "",
    delimiter: str = "",
    encoding: str = "",
    decimal: str = "",
    each: str = "row",
    short: bool = False,
) -> Table:
    """Reads a table: of a file, or of pandas, polars or pyarrow.

    A file is text with a delimiter; JSON lines (.jsonl, .ndjson) or a list of JSON objects (.json);
    Parquet (.parquet); or the first sheet of an Excel workbook (.xlsx). It may be packed (.gz, .xz,
    .bz2, or a .zip with one file).

    Args:
        source: the path, or the table (of pandas with its index, where that says something).
        name: what messages call it; empty: the file's name.
        delimiter: of a text: "comma", "semicolon", "tab", "pipe" or a character; empty: found.
        encoding: of a text, as Python names it ("cp1252"); empty: UTF-8, or what a byte-order mark
            says.
        decimal: "." or ","; empty: found in the whole column.
        each: what a row stands for, in the message about an empty table.
        short: rows of a text may end early; the cells that they lack are None.

    Raises:
        InputError: if the file is missing, is not text of that encoding, or is damaged; if there
            are no rows, rows of unequal width, or two columns of the same name.
        FailedError: if the package that reads such a file is not installed.
    """
    if decimal not in ("", ".", ","):
        raise InputError(must("decimal", "'.' or ','", repr(decimal)))
    library = library_of(source)
    if library:
        name = name or ("the table" if library == "pyarrow" else "the DataFrame")
        return _checked(_of_frame(source, name, decimal), each)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(no_table(source))
    content, ending = unpacked(source)
    name = name or Path(source).name
    if ending in stored.ENDINGS:
        return _checked(_stored(content, ending, name, decimal), each)
    text = files.decoded(content, source, encoding)
    if ending in JSON:
        objects = parse_objects(text, name, ending)
        return _checked(Table(name, objects.columns, objects.rows, decimal), each)
    delimiter = delimiter or ("tab" if ending == ".tsv" else "")
    return _checked(_of_text(text, name, delimiter, decimal, short), each)


def parse_table(text: str, name: str, *, each: str = "row", short: bool = False) -> Table:
    """Reads the text of a CSV file; arguments and errors as `read_table`."""
    return _checked(_of_text(text, name, "", "", short), each)


def _of_text(text: str, name: str, delimiter: str, decimal: str, short: bool) -> Table:
    found = parse_rows(text, name, delimiter=delimiter)
    columns = _named(name, zip(found.header, columns_of(found, short=short), strict=True))
    return Table(name, columns, _counted(len(found.rows)), decimal, found.delimiter)


def _of_frame(source: Any, name: str, decimal: str) -> Table:
    columns = columns_of_frame(source, TIME)
    cells = _named(name, ((column.name, column.values) for column in columns))
    stamps = {column.name: column.stamps for column in columns if column.stamps is not None}
    rows = max((column.rows for column in columns), default=0)
    return Table(name, cells, _counted(rows), decimal, stamps=stamps)


def _stored(content: bytes, ending: str, name: str, decimal: str) -> Table:
    if ending in stored.PARQUET:
        return _of_frame(stored.read_parquet(content, name), name, decimal)
    sheet = stored.read_sheet(content, name, ending)
    columns = _named(name, zip(sheet.header, sheet.columns, strict=True))
    return Table(name, columns, sheet.rows, decimal, notes=sheet.notes)


def _named(name: str, columns: Iterable[tuple[str, Sequence[Any]]]) -> dict[str, Sequence[Any]]:
    """Columns by their names; those with neither a name nor a cell are left out."""
    kept = [(each, cells) for each, cells in columns if each or any(cells)]
    times = Counter(each for each, _ in kept if each)
    twice = next((each for each in times if times[each] > 1), None)
    if twice is not None:
        todo = "Rename one of them."
        raise InputError(must(f"the columns of {name}", "of different names", repr(twice), todo))
    return dict(kept)


def _counted(rows: int) -> range:
    return range(1, rows + 1)


def _checked(table: Table, each: str) -> Table:
    if not table.rows:
        raise InputError(f"{table.name} is empty. It needs a header and a row for each {each}.")
    return table
