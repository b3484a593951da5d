"""Rows that are asked about, before anything is made of their cells: tables, objects, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recur.data.frames import library_of
from recur.data.tables import NoColumnError, named, read_table
from recur.messages import InputError, brief, did_you_mean, listed, must, shown

MOST_LETTERS = 60
"""Of a row that is called by its cells."""


class AskedRows(NamedTuple):
    """N rows.

    Attributes:
        cells: (N,) the cells of each column that is known, by its name, as they were given.
        places: (N,) what messages and answers call each row.
    """

    cells: dict[str, list[Any]]
    places: list[str]


def asked_rows(
    inputs: Sequence[Any], names: Sequence[str], *, delimiter: str = "", encoding: str = ""
) -> AskedRows:
    """Reads rows, in order, from files, tables in memory, objects and their JSON.

    Args:
        inputs: each a path, a table, a mapping of cells by column, or JSON of such.
        names: the columns that are known; others are not looked at in tables.
        delimiter: of files, as `recur.data.tables.read_table` takes it.
        encoding: of files, likewise.

    Raises:
        InputError: if an input is none of these, or lacks columns; all of them are named.
    """
    found: dict[str, list[Any]] = {name: [] for name in names}
    places: list[str] = []
    for number, given in enumerate(inputs, start=1):
        if isinstance(given, Mapping) or str(given).lstrip().startswith("{"):
            row = object_of(given, f"row {number}")
            check_names(row, names, f"row {number}")
            for name in names:
                found[name].append(row[name])
            places.append(brief(", ".join(str(row[name]) for name in names), MOST_LETTERS))
            continue
        for place in _of_table(given, found, delimiter, encoding):
            places.append(place)
    return AskedRows(found, places)


def object_of(given: Any, what: str) -> Mapping[str, Any]:
    """A row as a mapping, from JSON where it is text.

    Raises:
        InputError: if it is no JSON object.
    """
    if isinstance(given, Mapping):
        return given
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(must(what, "a JSON object", shown(given)))
    return found


def check_names(row: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    """Checks that a row has a cell for each column, which may be null, and no other columns.

    Raises:
        InputError: if it lacks some; the text names them all.
    """
    lacking = [name for name in names if name not in row]
    if not lacking:
        return
    others = [name for name in row if name not in names]
    hint = did_you_mean(others[0], lacking) if others else ""
    todo = f"{hint} Write null for what is not known.".strip()
    raise InputError(f"{what} has no {listed(map(repr, lacking), 'and')}. {todo}")


def _of_table(
    given: Any, found: dict[str, list[Any]], delimiter: str, encoding: str
) -> Iterator[str]:
    if not (isinstance(given, str | Path) or library_of(given)):
        raise InputError(must("rows", "a table, or an object for each", shown(given)))
    table = read_table(given, delimiter=delimiter, encoding=encoding)
    lacking = [name for name in found if name not in table.columns]
    if lacking:
        names = listed(map(repr, lacking), "and")
        raise NoColumnError(f"{table.name} has no column {names}; it has {named(table.header)}.")
    for name, cells in found.items():
        cells += table.values(name)
    yield from (f"row {row}" for row in table.rows)
