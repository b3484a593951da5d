"""Texts with labels, from CSV files and JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recur import files
from recur.data.rows import read_rows, refuse_width
from recur.data.tables import NoColumnError, no_column
from recur.files import PathLike
from recur.messages import InputError, count, listed, must

MOST_ROWS = 10
"""Row numbers that a message lists at most."""


class Labelled(NamedTuple):
    """Texts and their labels, in the order of the file; `notes` say what was left out."""

    texts: list[str]
    labels: list[str]
    notes: tuple[str, ...] = ()


def read_labelled_text(
    path: PathLike,
    text: str = "text",
    label: str = "label",
    *,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
) -> Labelled:
    """Reads texts and labels from a CSV file with a header, or JSON lines (.jsonl).

    Args:
        path: the file.
        text: the column of the texts.
        label: the column of the labels; they are read as text.
        delimiter: "comma", "semicolon", "tab", "pipe" or a character; empty: found.
        encoding: as Python names it ("cp1252"); empty: UTF-8, or UTF-16 with its mark.
        drop_bad: leave out rows without a text or a label, and say how many.

    Raises:
        InputError: if the file is missing, empty, in another encoding or damaged, lacks a column
            (those it has are named), rows have no label, there are fewer than two different
            labels, or `text` and `label` are the same column.
    """
    path = Path(path)
    if text == label:
        raise InputError(must("text and label", "two columns", f"{text!r} for both"))
    texts, labels, bad = [], [], []
    for number, row in _rows(path, delimiter, encoding):
        found, its_label = _cell(row, text, path), _cell(row, label, path)
        if found is None or its_label is None or not its_label.strip():
            bad.append((number, text if found is None else label))
            continue
        texts.append(found)
        labels.append(its_label.strip())
    notes = _bad_rows(path, bad, len(bad) + len(labels), drop_bad)
    if not texts:
        raise InputError(f"{path} is empty. It needs a header and a row for each text.")
    if len(set(labels)) < 2:
        expected, todo = "labels of at least two classes", "Add examples of another class."
        got = f"only {labels[0]!r} in {count(len(labels), 'row')}"
        raise InputError(must(f"the column {label!r} of {path}", expected, got, todo))
    return Labelled(texts, labels, notes)


def _bad_rows(path: Path, bad: list[tuple[int, str]], rows: int, drop_bad: bool) -> tuple[str, ...]:
    """What to say about rows that were left out, or the error about those that are bad."""
    if not bad:
        return ()
    numbers = [f"{number:,}" for number, _ in bad]
    more = len(numbers) - MOST_ROWS
    shown = listed([*numbers[:MOST_ROWS], *([f"{more:,} more"] if more > 0 else [])], "and")
    which = f"row {shown}" if len(bad) == 1 else f"rows {shown}"
    what = listed(dict.fromkeys(column for _, column in bad))
    if drop_bad:
        return (f"{len(bad):,} of {count(rows, 'row')} of {path.name} left out: no {what}.",)
    todo = "Fill it in, or leave such rows out (drop bad)."
    raise InputError(f"{path} has no {what} in {which} ({rows:,} in all). {todo}")


def _cell(row: Mapping[str, Any], column: str, path: Path) -> str | None:
    if column not in row:
        raise NoColumnError(no_column(str(path), column, row))
    value = row[column]
    return None if value is None else str(value)


def _rows(path: Path, delimiter: str, encoding: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Rows with their numbers (from 1, without the header)."""
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _json_rows(path, files.read_text(path, encoding))
    return _csv_rows(path, delimiter, encoding)


def _csv_rows(path: Path, delimiter: str, encoding: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    found = read_rows(path, str(path), delimiter=delimiter, encoding=encoding)
    width = len(found.header)
    for number, row in enumerate(found.rows, start=1):
        if len(row) > width:
            todo = 'Put texts that hold a separator into "quotation marks".'
            refuse_width(str(path), number, row, found.header, todo)
        yield number, dict(zip(found.header, [*row, *[None] * (width - len(row))], strict=True))


def _json_rows(path: Path, content: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    # Not splitlines(): JSON texts may hold other line separators, such as U+2028, as they are.
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        row = files.parse_json(line, f"line {number} of {path}", finite=False)
        if not isinstance(row, dict):
            raise InputError(must(f"line {number} of {path}", "a JSON object", type(row).__name__))
        yield number, row
