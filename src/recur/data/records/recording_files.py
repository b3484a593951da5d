"""The forms in which people have recordings of sensors: .ts files, folders, tables, arrays."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recur import files
from recur.data import packed
from recur.data.frames import library_of
from recur.data.labelled_folder import Files, Kind, Parts, in_parts
from recur.data.records.recordings import (
    USUAL,
    Floats,
    How,
    Measured,
    Raw,
    Recordings,
    gathered,
)
from recur.data.splits import Splits
from recur.data.tables import TIME, NoColumnError, Table, is_table, no_column, read_table
from recur.data.ts_files import ENDING, parse_ts
from recur.messages import InputError, count, must

_PART = re.compile(r"(?P<before>.*[_-])train(?P<after>\.ts(\..*)?)", re.IGNORECASE)


def read_recordings(
    source: files.PathLike | Any, how: How = USUAL, channels: tuple[str, ...] = ()
) -> Splits[Recordings]:
    """Reads recordings with a label each.

    Args:
        source: a .ts file (of NAME_TRAIN.ts the file NAME_TEST.ts beside it is the test part); a
            folder for each class with a table for each recording, FOLDER/CLASS/*.csv, or
            FOLDER/CLASS/SUBJECT/*.csv, perhaps in parts, FOLDER/train/CLASS/...; or one table of
            all of them, with a column that says which recording a row is of. A column that is
            named like a time is no channel: steps are taken as equal.
        how: how they are read.
        channels: those that are known, where nothing is learnt: all may be of one class then.

    Raises:
        InputError: if there is none, or one cannot be read, is empty, lacks a label, a value or a
            channel, or has another one.
        FailedError: if the package that reads such a table is not installed.
    """
    alone = bool(channels)
    if not library_of(source) and os.path.isdir(source):
        parts = [_of_folder(part, how) for part in _files(Path(source), alone)]
        name = Path(source).name
    else:
        parts = [_raws(source, how)]
        name = "the table" if library_of(source) else Path(source).name
        beside = _test_beside(source)
        parts += [None, None if beside is None else _raws(beside, how)]
    train, validation, test = (*parts, None, None)[:3]
    assert train is not None
    whole, *notes = gathered(train, how, name, channels)
    checked, tested = (
        None if part is None else gathered(part, how, name, whole.channels)
        for part in (validation, test)
    )
    notes += [note for part in (checked, tested) if part is not None for note in part[1:]]
    subjects = len(set(whole.subjects))
    if subjects > 1:
        notes.append(f"Of {count(subjects, 'subject')}; whole ones are held out.")
    if len(set(whole.labels)) < (1 if alone else 2):
        got = f"only {whole.labels[0]!r} in {count(len(whole), 'recording')}"
        raise InputError(must(name, "recordings of at least two classes", got))
    return Splits(
        whole,
        None if checked is None else checked[0],
        None if tested is None else tested[0],
        about=name,
        notes=tuple(notes),
    )


def asked(inputs: Sequence[Any], channels: tuple[str, ...], how: How = USUAL) -> Recordings:
    """Recordings without labels, for an answer.

    Args:
        inputs: paths of tables or .ts files, arrays (T, F), or tables of pandas, polars or pyarrow.
        channels: those that are known.
        how: how they are read.

    Raises:
        InputError: if there is none, or one is something else or has other channels.
    """
    if not len(inputs):
        raise InputError("activity needs a recording, such as walk.csv.")
    raws = [raw for n, each in enumerate(inputs, 1) for raw in _asked(each, n, channels, how)]
    each = how._replace(drop_bad=False)  # each that is asked about gets an answer
    found, *_ = gathered(iter(raws), each, "the recordings", channels, labelled=False)
    return replace(found, labels=[], subjects=[])


def _asked(given: Any, number: int, channels: tuple[str, ...], how: How) -> Iterator[Raw]:
    if isinstance(given, np.ndarray | list):
        name = f"recording {number}"
        values = np.asarray(given, dtype=np.float64) if _numeric(given) else np.zeros(0)
        if values.ndim != 2 or values.shape[1] != len(channels):
            got = f"the shape {values.shape}" if values.size else "something else"
            raise InputError(must(name, f"numbers (steps, {len(channels)})", got))
        yield Raw(name, "", "", lambda: (values, channels))
    elif isinstance(given, str | os.PathLike) and os.path.isdir(given):
        raise InputError(must("a recording", "a file", f"the folder {str(given)!r}"))
    else:
        yield from _raws(given, how, one=True)


def _numeric(given: Any) -> bool:
    try:
        np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _files(folder: Path, alone: bool) -> Parts[Files]:
    def inside(of_class: Path) -> Iterator[Path]:
        for path in sorted(of_class.rglob("*")):
            hidden = any(part[0] == "." for part in path.relative_to(of_class).parts)
            if is_table(path) and path.is_file() and not hidden:
                yield path

    kind = Kind("recording", (), "*.csv", inside=inside)
    return in_parts(folder, kind, lambda _, found: found, least=1 if alone else 2)


def _of_folder(part: list[tuple[Path, str]] | None, how: How) -> Iterator[Raw] | None:
    """A table for each recording; the folder between it and that of its class is its subject."""
    if part is None:
        return None
    return (
        Raw(
            str(path),
            label,
            path.parent.name if path.parent.name != label else "",
            partial(_whole, path, how),
        )
        for path, label in part
    )


def _whole(path: Path, how: How) -> Measured:
    """The one recording that a table is."""
    table = read_table(
        path, name=str(path), each="step", delimiter=how.delimiter, encoding=how.encoding
    )
    return measured(table, how.ignored)


def measured(table: Table, without: Sequence[str]) -> Measured:
    """The values of a table's channels, and their names.

    Raises:
        InputError: if none is left, or a cell is no number.
    """
    names = tuple(n for n in table.header if n not in without and not _is_time(table, n))
    if not names:
        raise InputError(must(table.name, "with a column of numbers at least", "none"))
    return np.stack([table.numbers(name).values for name in names], axis=1), names


def _is_time(table: Table, name: str) -> bool:
    return TIME.match(name) is not None or name in table.stamps


def _test_beside(source: Any) -> Path | None:
    """Of NAME_TRAIN.ts the file NAME_TEST.ts beside it, if it is there."""
    named = None if library_of(source) else _PART.fullmatch(Path(source).name)
    if named is None:
        return None
    found = (f"{named['before']}{word}{named['after']}" for word in ("TEST", "test", "Test"))
    return next((p for n in found if (p := Path(source).with_name(n)).is_file()), None)


def _raws(source: Any, how: How, *, one: bool = False) -> Iterator[Raw]:
    """The recordings of a .ts file, or of a table, which may be `one` without a column of them."""
    if not library_of(source) and _is_ts(source):
        yield from of_ts(source)
        return
    table = read_table(source, each="step", delimiter=how.delimiter, encoding=how.encoding)
    for column in () if one else (how.recording, how.label):
        if column not in table.header:
            todo = "Or give a folder for each class, with a table for each recording."
            raise NoColumnError(f"{no_column(table.name, column, table.header)} {todo}")
    if how.recording not in table.header:
        name = table.name if library_of(source) else str(source)
        yield Raw(name, "", "", partial(measured, table, (*how.ignored, how.label, how.subject)))
        return
    without = (*how.ignored, how.label, how.subject, how.recording)
    labels = table.cells(how.label) if how.label in table.header else []
    subjects = table.cells(how.subject) if how.subject in table.header else []
    for name, rows in _grouped(table.cells(how.recording)).items():
        what = f"recording {name!r} of {table.name}"
        yield Raw(
            what,
            _only(labels, rows, what, how.label),
            _only(subjects, rows, what, how.subject),
            partial(_part, table, rows, without),
        )


def _is_ts(source: files.PathLike) -> bool:
    return ENDING in [ending.lower() for ending in Path(source).suffixes[-2:]]


def of_ts(path: files.PathLike) -> Iterator[Raw]:
    """The recordings of a .ts file, plain or packed.

    Raises:
        InputError: if it cannot be read or is something else.
    """
    content, _ = packed.unpacked(path)
    for case in parse_ts(files.decoded(content, path), Path(path).name):
        channels = tuple(f"channel {n}" for n in range(1, len(case.channels) + 1))
        yield Raw(case.name, case.label, "", partial(_of_case, case.values, channels))


def _of_case(values: Callable[[], Floats], channels: tuple[str, ...]) -> Measured:
    return values(), channels


def _part(table: Table, rows: list[int], without: Sequence[str]) -> Measured:
    return measured(table.take(rows), without)


def _grouped(names: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        found.setdefault(name, []).append(row)
    return found


def _only(cells: Sequence[str], rows: list[int], what: str, column: str) -> str:
    """The one cell that all rows of a recording have."""
    found = list(dict.fromkeys(cells[row] for row in rows)) if cells else [""]
    if len(found) > 1:
        expected = f"the same in every row of {what}"
        raise InputError(must(f"the column {column!r}", expected, f"{found[0]!r} and {found[1]!r}"))
    return found[0]
