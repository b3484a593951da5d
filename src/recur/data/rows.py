"""Rows of text from CSV files: which encoding, which delimiter, which quotes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from recur.messages import InputError, count, must, one_of

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_TOLD = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
LOOKED_AT = 1 << 16, 20
"""Characters and rows that say which delimiter a file has."""


class Rows(NamedTuple):
    """The rows of a table.

    Attributes:
        name: what messages call it.
        delimiter: what stood between the cells.
        header: the names of the columns.
        rows: the cells under them, in as many lists; lines without a cell are left out.
    """

    name: str
    delimiter: str
    header: list[str]
    rows: list[list[str]]


def parse_rows(text: str, name: str, *, delimiter: str = "") -> Rows:
    """Reads the rows of the text of a CSV file.

    Args:
        text: the text.
        name: what messages call it.
        delimiter: "comma", "semicolon", "tab", "pipe" or a single character; empty: found.

    Raises:
        InputError: if the text is damaged, or there is no such delimiter.
    """
    told = _TOLD.match(text)  # the line that Excel writes for itself
    if told:
        text, delimiter = text[told.end() :], delimiter or told[1]
    between = _named(delimiter) if delimiter else _found(text)
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in _cells(text, between) if row)
    except csv.Error as error:
        raise InputError(_damaged_after(name, max(len(rows) - 1, 0), error)) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    return Rows(name, between, header, rows[1:])


def columns_of(found: Rows, *, short: bool = False) -> list[list[str | None]]:
    """The cells of each column.

    Args:
        found: the rows.
        short: rows may end early; the cells that they lack are None.

    Raises:
        InputError: if a row is not as wide as the header.
    """
    width = len(found.header)
    for number, row in enumerate(found.rows, start=1):
        if len(row) > width or (len(row) < width and not short):
            raise InputError(_uneven(found.name, number, len(row), width))
    if not found.rows:
        return [[] for _ in found.header]
    cut = itertools.zip_longest(*found.rows)
    columns: list[list[str | None]] = list(map(list, cut))
    return columns + [[None] * len(found.rows) for _ in range(width - len(columns))]


def _uneven(name: str, number: int, cells: int, width: int) -> str:
    expected = f"as wide as the header ({count(width, 'column')})"
    more = 'Put texts that hold a separator into "quotation marks".'
    todo = more if cells > width else "Mend the row."
    return must(f"row {number} of {name}", expected, count(cells, "column"), todo)


def _damaged_after(name: str, row: int, error: Exception) -> str:
    where = f"row {row}" if row else "its header"
    return f'{name} is damaged after {where}: {error}. Check the "quotation marks" there.'


def _named(delimiter: str) -> str:
    if len(delimiter) == 1 and delimiter not in '"\r\n':
        return delimiter
    return DELIMITERS[one_of("delimiter", delimiter, DELIMITERS)]


def _found(text: str) -> str:
    """The delimiter that cuts the first rows into as many cells as the header, and into most."""
    characters, _ = LOOKED_AT
    whole = len(text) <= characters
    widths = {mark: _widths(text[:characters], mark, whole) for mark in DELIMITERS.values()}
    even = [mark for mark, found in widths.items() if len(set(found)) == 1]
    cutting = [mark for mark in even if widths[mark][0] > 1]
    # Where rows are damaged, the header alone says it.
    header = max(widths, key=lambda mark: widths[mark][:1])
    if widths[header][:1] > [1]:
        return max(cutting, key=lambda mark: widths[mark][0]) if cutting else header
    return next(iter(even), ",")  # a single column


def _widths(text: str, delimiter: str, whole: bool) -> list[int]:
    _, rows = LOOKED_AT
    try:
        # Not strict: text that was cut may end inside of quotation marks.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        found = list(itertools.islice((len(row) for row in reader if row), rows + 1))
    except csv.Error:
        return []
    return found if whole or len(found) > rows else found[:-1] or found


def _cells(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(1 << 30)  # a text may be longer than the 128 KiB that csv allows
    # Strict: a quotation mark that is never closed would swallow the rest of the file unnoticed.
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
