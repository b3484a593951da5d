"""Recordings of sensors with what was done in them, and by whom.

Letters: T steps, F channels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.data import packed
from recur.data.frames import library_of
from recur.data.labelled_folder import files_by_class
from recur.data.splits import Records, Rows, Splits, by_group_or_label
from recur.data.tables import TIME, NoColumnError, Table, is_table, no_column, read_table
from recur.data.ts_files import ENDING, parse_ts
from recur.messages import InputError, count, must

Floats = NDArray[np.float64]

MISSING = ("refuse", "fill")
"""What becomes of a missing value: an error, or a straight line between its neighbours."""
MOST_NAMED = 3
"""Recordings left out that a note names."""
_PART = re.compile(r"(?P<before>.*[_-])train(?P<after>\.ts(\..*)?)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Recordings(Records):
    """Recordings; labels and subjects are empty where they are only asked about or not known.

    Attributes:
        values: N of them, (T, F) each.
        labels: the class of each, or none at all.
        subjects: who it is of, or none at all.
        names: what messages call each.
        channels: (F,) the names of the channels.
        varied: they are to be learnt from with changes by chance.
    """

    values: list[Floats]
    labels: list[str]
    subjects: list[str]
    names: list[str]
    channels: tuple[str, ...]
    varied: bool = False
    noun: ClassVar[str] = "recording"

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        lists = {name: getattr(self, name) for name in ("values", "labels", "subjects", "names")}
        return replace(self, **{n: [x[row] for row in rows] if x else [] for n, x in lists.items()})


def _subjects(records: Recordings) -> list[str]:
    return records.subjects


def _labels(records: Recordings) -> list[str]:
    return records.labels


apart = by_group_or_label(_subjects, _labels)
"""Holds out whole subjects; where there are not two, the same share of every label."""


class How(NamedTuple):
    """How recordings are read.

    Attributes:
        label: the column of the classes, in a table of many recordings.
        recording: the column that says which recording a row is of.
        subject: the column of the subjects; a table may lack it.
        ignored: columns that are no channels.
        missing: one of `MISSING`.
        drop_bad: leave out what cannot be read, and name it.
        delimiter: of a table, as `recur.data.tables.read_table` takes it.
        encoding: likewise.
    """

    label: str = "label"
    recording: str = "recording"
    subject: str = "subject"
    ignored: tuple[str, ...] = ()
    missing: str = "refuse"
    drop_bad: bool = False
    delimiter: str = ""
    encoding: str = ""


USUAL = How()
Measured = tuple[Floats, tuple[str, ...]]
"""(T, F), and the names of the channels."""


class _Raw(NamedTuple):
    """A recording that is not read yet."""

    name: str
    label: str
    subject: str
    read: Callable[[], Measured]


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
    whole, *notes = _opened(train, how, name, channels)
    checked, tested = (
        None if part is None else _opened(part, how, name, whole.channels)
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
    found, *_ = _opened(iter(raws), each, "the recordings", channels, labelled=False)
    return replace(found, labels=[], subjects=[])


def _asked(given: Any, number: int, channels: tuple[str, ...], how: How) -> Iterator[_Raw]:
    if isinstance(given, np.ndarray | list):
        name = f"recording {number}"
        values = np.asarray(given, dtype=np.float64) if _numeric(given) else np.zeros(0)
        if values.ndim != 2 or values.shape[1] != len(channels):
            got = f"the shape {values.shape}" if values.size else "something else"
            raise InputError(must(name, f"numbers (steps, {len(channels)})", got))
        yield _Raw(name, "", "", lambda: (values, channels))
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


def _files(folder: Path, alone: bool) -> Sequence[Any]:
    def inside(of_class: Path) -> Iterator[Path]:
        for path in sorted(of_class.rglob("*")):
            hidden = any(part[0] == "." for part in path.relative_to(of_class).parts)
            if is_table(path) and path.is_file() and not hidden:
                yield path

    return files_by_class(folder, inside, noun="recording", example="*.csv", alone=alone)


def _of_folder(part: list[tuple[Path, str]] | None, how: How) -> Iterator[_Raw] | None:
    """A table for each recording; the folder between it and that of its class is its subject."""
    if part is None:
        return None
    return (
        _Raw(
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


def _raws(source: Any, how: How, *, one: bool = False) -> Iterator[_Raw]:
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
        yield _Raw(name, "", "", partial(measured, table, (*how.ignored, how.label, how.subject)))
        return
    without = (*how.ignored, how.label, how.subject, how.recording)
    labels = table.cells(how.label) if how.label in table.header else []
    subjects = table.cells(how.subject) if how.subject in table.header else []
    for name, rows in _grouped(table.cells(how.recording)).items():
        what = f"recording {name!r} of {table.name}"
        yield _Raw(
            what,
            _only(labels, rows, what, how.label),
            _only(subjects, rows, what, how.subject),
            partial(_part, table, rows, without),
        )


def _is_ts(source: files.PathLike) -> bool:
    return ENDING in [ending.lower() for ending in Path(source).suffixes[-2:]]


def of_ts(path: files.PathLike) -> Iterator[_Raw]:
    """The recordings of a .ts file, plain or packed.

    Raises:
        InputError: if it cannot be read or is something else.
    """
    content, _ = packed.unpacked(path)
    for case in parse_ts(files.decoded(content, path), Path(path).name):
        channels = tuple(f"channel {n}" for n in range(1, len(case.channels) + 1))
        yield _Raw(case.name, case.label, "", partial(_of_case, case.values, channels))


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


def _opened(
    raws: Iterator[_Raw],
    how: How,
    name: str,
    channels: tuple[str, ...] = (),
    *,
    labelled: bool = True,
) -> tuple[Recordings, *tuple[str, ...]]:
    """The recordings, and notes about those that were left out or filled up."""
    kept: list[tuple[_Raw, Floats]] = []
    bad: list[str] = []
    filled = 0
    for raw in raws:
        try:
            if labelled and not raw.label:
                raise InputError(must(raw.name, "with a label", "none"))
            values, channels = _in_order(raw, channels)
            values, missing = complete(values, channels, raw.name, how.missing)
        except InputError:
            if not how.drop_bad:
                raise
            bad.append(raw.name)
            continue
        filled += missing
        kept.append((raw, values))
    if not kept:
        raise InputError(must(name, "recordings that can be read", "none"))
    known = all(raw.subject for raw, _ in kept)
    found = Recordings(
        [values for _, values in kept],
        [raw.label for raw, _ in kept],
        [raw.subject for raw, _ in kept] if known else [],
        [raw.name for raw, _ in kept],
        channels,
    )
    return found, *_notes(bad, filled)


def opened(raws: Iterator[_Raw], name: str) -> Recordings:
    """The recordings with their labels, each of which must be whole.

    Raises:
        InputError: if one is not, or there is none.
    """
    return _opened(raws, USUAL, name)[0]


def _notes(bad: list[str], filled: int) -> Iterator[str]:
    if bad:
        named = ", ".join(bad[:MOST_NAMED]) + (" and others" if len(bad) > MOST_NAMED else "")
        yield f"{count(len(bad), 'recording')} left out ({named}): not to be read."
    if filled:
        yield f"{count(filled, 'missing value')} filled up from the values around."


def _in_order(raw: _Raw, channels: tuple[str, ...]) -> Measured:
    """The values of a recording, its channels in the order of the others'."""
    values, names = raw.read()
    if not channels or names == channels:
        return values, names
    for name in (*channels, *names):
        if name not in names or name not in channels:
            lacks = f"the channel {name!r}, as the others have it"
            has = f"no channel {name!r}, as the others"
            expected = f"with {lacks}" if name not in names else f"with {has}"
            raise InputError(must(raw.name, expected, ", ".join(names)))
    return values[:, [names.index(name) for name in channels]], channels


def complete(
    values: Floats, channels: Sequence[str], name: str, missing: str = "refuse"
) -> tuple[Floats, int]:
    """Values (T, F) without gaps, and how many were filled up.

    Args:
        values: NaN where one is missing.
        channels: (F,) names.
        name: what messages call the recording.
        missing: one of `MISSING`.

    Raises:
        InputError: if there is no step, one is infinite, or one is missing and must not be; or a
            whole channel is.
    """
    if not len(values):
        raise InputError(must(name, "of one step at least", "none"))
    infinite, gaps = np.isinf(values), np.isnan(values)
    if infinite.any():
        step, channel = np.argwhere(infinite)[0]
        where = f"step {step + 1:,} of {channels[channel]!r} of {name}"
        raise InputError(must(where, "finite", values[step, channel]))
    if not gaps.any():
        return values, 0
    if missing == "refuse":
        step, channel = np.argwhere(gaps)[0]
        where = f"step {step + 1:,} of {channels[channel]!r} of {name}"
        todo = "Leave the recording out (drop bad), or fill such gaps up (missing fill)."
        raise InputError(must(where, "a value", "none", todo))
    for channel in np.flatnonzero(gaps.all(axis=0)):
        todo = "Leave the recording out (drop bad), or the channel (ignored)."
        raise InputError(
            must(f"{channels[channel]!r} of {name}", "one value at least", "none", todo)
        )
    whole = values.copy()
    steps = np.arange(len(values))
    for n in range(values.shape[1]):
        there = ~gaps[:, n]
        whole[:, n] = np.interp(steps, steps[there], values[there, n])
    return whole, int(gaps.sum())
