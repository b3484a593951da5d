"""Rows that arrive on a stream, line by line: those that wait are read at once, and no more.

Memory is bounded: what was judged is not kept, and a line without an end is not read to its end.
"""

from __future__ import annotations

import contextlib
import csv
import os
import select
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from recur.data.asked_rows import AskedRows, check_names, object_of
from recur.messages import InputError, count, listed, must, shown

AT_ONCE = 1 << 16
"""Bytes that are read at once, at most."""
MOST_BYTES = 1 << 20
"""Of a line."""
PATIENCE = 0.2
"""Seconds until it is looked whether the reading shall stop."""
DELIMITERS = ",;\t|"

Line = tuple[int, str | None]
"""The number of a line, from 1, and its text; None where it is none."""


def lines(handle: int, wanted: Callable[[], bool] = lambda: True) -> Iterator[list[Line]]:
    """Yields the lines that wait on a file or pipe, as soon as there is one that is whole.

    Args:
        handle: the number of an open file.
        wanted: asked now and then; reading stops where it says no.

    Yields:
        lines without their ends; blank ones are left out. Those that are no UTF-8 text, or longer
        than `MOST_BYTES`, are None. An empty list where reading paused.
    """
    kept, number, too_long = b"", 0, False
    while wanted():
        if os.name == "posix" and not select.select([handle], [], [], PATIENCE)[0]:
            yield []
            continue
        read = os.read(handle, AT_ONCE)
        *whole, kept = (kept + read).split(b"\n")
        if not read and kept:
            whole, kept = [kept], b""
        if too_long and whole:
            whole[0], too_long = b"\xff", False
        numbered = [(number + n, _decoded(line)) for n, line in enumerate(whole, start=1)]
        number += len(whole)
        found = [(n, text) for n, text in numbered if text is None or text.strip()]
        if len(kept) > MOST_BYTES:
            kept, too_long = b"", True
        if found:
            yield found
        if not read:
            return


def _decoded(line: bytes) -> str | None:
    with contextlib.suppress(UnicodeDecodeError):
        return line.decode().rstrip("\r") if len(line) <= MOST_BYTES else None
    return None


class Arrived(NamedTuple):
    """Rows that arrived together.

    Attributes:
        rows: those that have a cell for each column.
        wrong: (number of the line, why) of the others.
        order: for each line its number, in order.
    """

    rows: AskedRows
    wrong: dict[int, str]
    order: list[int]


class Parser:
    """Makes rows of lines: CSV after a header, or JSON objects, as the first line has it.

    Args:
        names: the columns that are known.
        header: that of lines before these, where they go on without one; empty: it comes first.

    Attributes:
        header: the columns of a line; empty for JSON.
    """

    def __init__(self, names: Sequence[str], header: Sequence[str] = ()) -> None:
        self.names, self.header = list(names), list(header)
        self._delimiter = ","
        self._begun = False

    def rows(self, found: list[Line]) -> Arrived:
        """Rows of lines.

        Raises:
            InputError: if the first line is a header that lacks columns; all are named.
        """
        if not self._begun and found:
            self._begun = True
            if self._begin(found[0][1] or ""):
                found = found[1:]
        order = [number for number, _ in found]
        if not self.header:
            return self._objects(found, order)
        cells, wrong = self._cells(found)
        columns = list(zip(*cells, strict=True)) if cells else [()] * len(self.header)
        places = [f"line {number}" for number in order if number not in wrong]
        at = {name: n for n, name in enumerate(self.header)}
        kept = {name: list(columns[at[name]]) for name in self.names}
        return Arrived(AskedRows(kept, places), wrong, order)

    def _begin(self, first: str) -> bool:
        """Looks at the first line, and says whether it is a header."""
        if first.lstrip("\ufeff ").startswith("{"):
            self.header = []
            return False
        first = first.lstrip("\ufeff")
        splits = {mark: [*map(str.strip, _split(first, mark))] for mark in DELIMITERS}
        mark = max(splits, key=lambda each: len({*splits[each]} & {*self.names}))
        lacking = [name for name in self.names if name not in splits[mark]]
        if self.header and len(lacking) == len(self.names):
            fits = {mark: len(cells) == len(self.header) for mark, cells in splits.items()}
            self._delimiter = max(splits, key=lambda each: (fits[each], len(splits[each])))
            return False
        if lacking:
            names = listed(map(repr, lacking), "and")
            todo = "The first line names the columns, or is a JSON object."
            raise InputError(f"The first line has no column {names}; it is {shown(first)}. {todo}")
        twice = next((name for name in self.names if splits[mark].count(name) > 1), None)
        if twice is not None:
            raise InputError(must("the first line", "one column of each name", f"two {twice!r}"))
        self.header, self._delimiter = splits[mark], mark
        return True

    def _cells(self, found: list[Line]) -> tuple[list[list[str]], dict[int, str]]:
        cells, wrong = [], dict[int, str]()
        width, mark = len(self.header), self._delimiter
        for number, line in found:
            if line is None:
                wrong[number] = _no_text(number)
                continue
            row = line.split(mark) if '"' not in line else _split(line, mark)
            if len(row) == width:
                cells.append(row)
            else:
                expected = f"of {count(width, 'cell')}"
                wrong[number] = must(f"line {number}", expected, count(len(row), "cell"))
        return cells, wrong

    def _objects(self, found: list[Line], order: list[int]) -> Arrived:
        kept: dict[str, list[Any]] = {name: [] for name in self.names}
        places, wrong = [], dict[int, str]()
        for number, line in found:
            place = f"line {number}"
            try:
                row = object_of(line, place) if line is not None else None
                if row is None:
                    raise InputError(_no_text(number))
                check_names(row, self.names, place)
            except InputError as error:
                wrong[number] = str(error)
                continue
            for name, cells in kept.items():
                cells.append(row[name])
            places.append(place)
        return Arrived(AskedRows(kept, places), wrong, order)


def _split(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        return []


def _no_text(number: int) -> str:
    return f"line {number} must be UTF-8 text of at most {MOST_BYTES:,} bytes."
