"""Texts with labels, from tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recur.data.frames import library_of
from recur.data.tables import NoColumnError, Table, no_column, read_table
from recur.files import PathLike
from recur.messages import InputError, count, listed, must

_LISTS = (list, tuple, np.ndarray)
MOST_ROWS = 10
"""Row numbers that a message lists at most."""


class Labelled(NamedTuple):
    """Texts and their labels, in the order of the file; `notes` say what was left out.

    A label is a text; or, where lists are read, a tuple of texts if the cell is a list.
    """

    texts: list[str]
    labels: list[Any]
    notes: tuple[str, ...] = ()


def read_labelled_text(
    source: PathLike | Any,
    text: str = "text",
    label: str = "label",
    *,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
    lists: bool = False,
    empty: bool = False,
    alone: bool = False,
) -> Labelled:
    """Reads texts and labels from a table.

    Args:
        source: the path of a file, or a table of pandas, polars or pyarrow; see
            `recur.data.tables.read_table` for what is read.
        text: the column of the texts.
        label: the column of the labels; they are read as text.
        delimiter: "comma", "semicolon", "tab", "pipe" or a character; empty: found.
        encoding: as Python names it ("cp1252"); empty: UTF-8, or UTF-16 with its mark.
        drop_bad: leave out rows without a text or a label, and say how many.
        lists: a label may be a list, of any length.
        empty: an empty label says that no class is meant.
        alone: all may be of one class, where nothing is learnt from them.

    Raises:
        InputError: if the file is missing, empty, in another encoding or damaged, lacks a column
            (those it has are named), rows have no text or no label, there are fewer than two
            different labels (unless `alone`), or `text` and `label` are the same column.
        FailedError: if the package that reads such a file is not installed.
    """
    if text == label:
        raise InputError(must("text and label", "two columns", f"{text!r} for both"))
    own, short = ("", "") if library_of(source) else (str(source), Path(source).name)
    how = {"delimiter": delimiter, "encoding": encoding}
    table = read_table(source, name=own, each="text", short=True, **how)
    texts, labels = table.column(text), _labels(table, label, lists)
    lacking = [
        text if _blank(its_text) else label if _blank(its_label) and not empty else ""
        for its_text, its_label in zip(texts, labels, strict=True)
    ]
    notes = (*table.notes, *_bad_rows(table, lacking, drop_bad, short or table.name))
    rows = [row for row, column in enumerate(lacking) if not column]
    if not rows:
        raise InputError(f"{table.name} has no row with a text and a label.")
    found = Labelled(
        [texts[row] or "" for row in rows], [_stripped(labels[row]) for row in rows], notes
    )
    if len(set(found.labels)) < 2 and not alone:
        expected, todo = "labels of at least two classes", "Add examples of another class."
        got = f"only {found.labels[0]!r} in {count(len(rows), 'row')}"
        raise InputError(must(f"the column {label!r} of {table.name}", expected, got, todo))
    return found


def texts_of(
    path: PathLike, text: str = "text", *, delimiter: str = "", encoding: str = ""
) -> list[str]:
    """The texts of a table that has no labels, or other ones; arguments as `read_labelled_text`.

    Returns:
        one for each row, blank where a row has none.

    Raises:
        InputError: if the file is missing, empty, in another encoding or damaged, or lacks the
            column.
        FailedError: if the package that reads such a file is not installed.
    """
    table = read_table(path, each="text", short=True, delimiter=delimiter, encoding=encoding)
    if text not in table.header:
        todo = "A table is asked by the column that held the texts in training: name it so."
        raise NoColumnError(f"{no_column(table.name, text, table.header)} {todo}")
    return [cell or "" for cell in table.column(text)]


def _labels(table: Table, label: str, lists: bool) -> list[Any]:
    """The cells of the labels: texts, or where lists may be, tuples of texts for them."""
    values = table.values(label)
    if not lists or not any(isinstance(value, _LISTS) for value in values):
        return list(table.column(label))
    return [
        tuple(str(each).strip() for each in value)
        if isinstance(value, _LISTS)
        else value
        if value is None
        else (str(value).strip(),)
        for value in values
    ]


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _stripped(label: Any) -> Any:
    return label if isinstance(label, tuple) else (label or "").strip()


def _bad_rows(
    table: Table, lacking: Sequence[str], drop_bad: bool, short_name: str
) -> tuple[str, ...]:
    """What to say about rows that were left out, or the error about those that are bad."""
    bad = [row for row, column in enumerate(lacking) if column]
    if not bad:
        return ()
    numbers = [f"{table.rows[row]:,}" for row in bad]
    more = len(numbers) - MOST_ROWS
    shown = listed([*numbers[:MOST_ROWS], *([f"{more:,} more"] if more > 0 else [])], "and")
    which = f"row {shown}" if len(bad) == 1 else f"rows {shown}"
    what = listed(dict.fromkeys(lacking[row] for row in bad))
    if drop_bad:
        rows = count(len(table), "row")
        return (f"{len(bad):,} of {rows} of {short_name} left out: no {what}.",)
    todo = "Fill it in, or leave such rows out (drop bad)."
    raise InputError(f"{table.name} has no {what} in {which} ({len(table):,} in all). {todo}")
