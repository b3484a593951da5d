"""Rows of text from CSV files: which encoding, which delimiter, which quotes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recur import files
from recur.files import PathLike
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


def read_rows(path: PathLike, name: str = "", *, delimiter: str = "", encoding: str = "") -> Rows:
    """Reads the rows of a CSV file.

    Args:
        path: the file.
        name: what messages call it; empty: the file's name.
        delimiter: "comma", "semicolon", "tab", "pipe" or a single character; empty: found.
        encoding: as Python names it ("cp1252"); empty: UTF-8, or what a byte-order mark says.

    Raises:
        InputError: if the file is missing, is not text of that encoding, or is damaged.
    """
    text = files.read_text(path, encoding)
    if not delimiter and Path(path).suffix.lower() == ".tsv":
        delimiter = "tab"
    return parse_rows(text, name or Path(path).name, delimiter=delimiter)


def parse_rows(text: str, name: str, *, delimiter: str = "") -> Rows:
    """Reads the rows of the text of a CSV file; arguments and errors as `read_rows`."""
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


def refuse_width(name: str, number: int, row: list[str], header: list[str], todo: str) -> None:
    """Raises an InputError about a row that is not as wide as the header."""
    expected = f"as wide as the header ({count(len(header), 'column')})"
    raise InputError(must(f"row {number} of {name}", expected, count(len(row), "column"), todo))


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
