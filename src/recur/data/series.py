"""Series of numbers over time, from CSV files and DataFrames, checked before they are used."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.data.times import Times, missing_after, parse_times, show_times, step_of
from recur.files import PathLike
from recur.messages import InputError, count, did_you_mean, listed, must, one_of

GAPS = ("refuse", "interpolate")
_TIME = re.compile(r"^(date|time|datetime|timestamp|day|month|year|week|ds)$", re.IGNORECASE)
_EMPTY = ("", "nan", "na", "n/a", "null", "none", ".")


@dataclass(frozen=True)
class Series:
    """T steps of F numbers.

    Attributes:
        name: what messages call it.
        columns: the F names.
        values: (T, F).
        times: (T,) in order; None if steps are only counted.
        notes: what was done to it, and what must be said with a score.
    """

    name: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    times: Times | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def index(self, column: str) -> int:
        """The position of a column.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        if column not in self.columns:
            hint = did_you_mean(column, self.columns)
            has = listed(map(repr, self.columns), "and")
            raise InputError(f"{self.name} has no column {column!r}; it has {has}. {hint}".rstrip())
        return self.columns.index(column)

    def select(self, columns: Sequence[str]) -> Self:
        """Those columns only, in that order.

        Raises:
            InputError: as `index`.
        """
        at = [self.index(column) for column in columns]
        return replace(self, columns=tuple(columns), values=self.values[:, at])

    def first(self, steps: int | None) -> Self:
        """The first steps only."""
        times = None if self.times is None else self.times[:steps]
        return replace(self, values=self.values[:steps], times=times)


def read_series(
    source: PathLike | Any,
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    gaps: str = "refuse",
    name: str | None = None,
) -> Series:
    """Reads a series from a CSV file with a header, or from a pandas DataFrame.

    Args:
        source: the path, or the DataFrame.
        time: the column of the time stamps (ISO 8601, 20261124, or years); None: one named like
            "date" or "time", or the first if it holds such stamps.
        columns: the columns wanted; None for all that hold numbers in the first row.
        gaps: "refuse" missing values and missing steps, or "interpolate" them along a line.
        name: what messages call it; None: the file's name.

    Raises:
        InputError: if the file is missing, empty or not UTF-8, a column is missing (those there are
            are named), a value is no number (row and column named), time stamps are wrong or occur
            twice, or there are gaps.
    """
    is_frame = hasattr(source, "itertuples")
    name = name or ("the series" if is_frame else Path(source).name)
    header, rows = _frame(source) if is_frame else _table(files.read_text(source), str(source))
    return _series(header, rows, time=time, columns=columns, gaps=gaps, name=name)


def parse_series(
    text: str,
    *,
    name: str,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    gaps: str = "refuse",
) -> Series:
    """Reads a series from the text of a CSV file; arguments and errors as `read_series`."""
    header, rows = _table(text, name)
    return _series(header, rows, time=time, columns=columns, gaps=gaps, name=name)


def _series(
    header: list[str],
    rows: list[list[str]],
    *,
    time: str | None,
    columns: Sequence[str] | None,
    gaps: str,
    name: str,
) -> Series:
    one_of("gaps", gaps, GAPS)
    if not rows:
        raise InputError(f"{name} is empty. It needs a header and a row for each step.")
    time = _time_column(header, rows, time, name)
    wanted = list(columns) if columns is not None else _number_columns(header, rows, time)
    if not wanted:
        raise InputError(f"{name} has no column of numbers; it has {listed(header, 'and')}.")
    values = np.column_stack([_numbers(header, rows, column, name) for column in wanted])
    times = None if time is None else _times(header, rows, time, name)
    series = Series(name, tuple(wanted), values, times)
    return _without_gaps(_in_order(series), gaps)


def _frame(frame: Any) -> tuple[list[str], list[list[str]]]:
    # An index of dates becomes the first column.
    frame = frame.reset_index() if frame.index.dtype.kind == "M" else frame
    header = [str(column) for column in frame.columns]
    return header, [[str(v) for v in row] for row in frame.itertuples(index=False, name=None)]


def _table(text: str, source: str) -> tuple[list[str], list[list[str]]]:
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows:
        raise InputError(f"{source} is empty. It needs a header and a row for each step.")
    header = [cell.strip() for cell in rows[0]]
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise InputError(
                must(
                    f"row {number} of {source}",
                    f"as wide as the header ({count(len(header), 'column')})",
                    count(len(row), "column"),
                    "Mend the row.",
                )
            )
    return header, rows[1:]


def _time_column(
    header: list[str], rows: list[list[str]], time: str | None, name: str
) -> str | None:
    if time is not None:
        if time not in header:
            hint = did_you_mean(time, header)
            has = listed(map(repr, header), "and")
            raise InputError(f"{name} has no column {time!r}; it has {has}. {hint}".rstrip())
        return time
    named = next((column for column in header if _TIME.match(column)), None)
    if named is not None:
        return named
    first = rows[0][0].strip()
    return header[0] if not _is_number(first) and parse_times([first]) is not None else None


def _number_columns(header: list[str], rows: list[list[str]], time: str | None) -> list[str]:
    def numeric(at: int) -> bool:
        # A column of text that begins with an empty cell is still a column of text.
        filled = next((row[at] for row in rows if row[at].strip().lower() not in _EMPTY), "")
        return _is_number(filled)

    return [column for at, column in enumerate(header) if column != time and numeric(at)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(
    header: list[str], rows: list[list[str]], column: str, name: str
) -> NDArray[np.float64]:
    if column not in header:
        hint = did_you_mean(column, header)
        has = listed(map(repr, header), "and")
        raise InputError(f"{name} has no column {column!r}; it has {has}. {hint}".rstrip())
    at = header.index(column)
    values = np.empty(len(rows))
    for number, row in enumerate(rows, start=1):
        cell = row[at].strip()
        try:
            values[number - 1] = np.nan if cell.lower() in _EMPTY else float(cell)
        except ValueError:
            what = f"row {number} of the column {column!r} of {name}"
            raise InputError(must(what, "a number", repr(cell))) from None
        if np.isinf(values[number - 1]):
            what = f"row {number} of the column {column!r} of {name}"
            raise InputError(must(what, "finite", cell))
    return values


def _times(header: list[str], rows: list[list[str]], time: str, name: str) -> Times:
    texts = [row[header.index(time)] for row in rows]
    times = parse_times(texts)
    if times is None:
        number = next(i for i, text in enumerate(texts, start=1) if parse_times([text]) is None)
        raise InputError(
            must(
                f"row {number} of the column {time!r} of {name}",
                "a time such as 2026-11-24 or 2026-11-24 16:00",
                repr(texts[number - 1]),
            )
        )
    return times


def _in_order(series: Series) -> Series:
    if series.times is None:
        return series
    order = np.argsort(series.times, kind="stable")
    times = series.times[order]
    twice = np.flatnonzero(times[1:] == times[:-1])
    if len(twice):
        raise InputError(
            f"{series.name} has the time {show_times(times[twice[:1]])[0]} more than once. Keep "
            "one row for each time; a file with several series needs one column for each."
        )
    return replace(series, values=series.values[order], times=times)


def _without_gaps(series: Series, gaps: str) -> Series:
    """Refuses or fills missing steps, then missing values."""
    absent = [] if series.times is None else missing_after(series.times)
    if absent and gaps == "refuse":
        at, steps = absent[0]
        assert series.times is not None
        raise InputError(
            f"{series.name} has a gap after {show_times(series.times[at : at + 1])[0]}: "
            f"{count(steps, 'step')} missing ({count(len(absent), 'gap')} in all). Fill it, or "
            "choose gaps 'interpolate'."
        )
    holes = np.argwhere(np.isnan(series.values))
    if len(holes) and gaps == "refuse":
        row, column = holes[0]
        raise InputError(
            f"{series.name} has no value in row {row + 1} of the column "
            f"{series.columns[column]!r} ({count(len(holes), 'value')} missing in all). Fill it "
            "in, or choose gaps 'interpolate'."
        )
    if absent:
        series = _with_every_step(series)
    return _interpolated(series) if np.isnan(series.values).any() else series


def _with_every_step(series: Series) -> Series:
    """Adds rows of NaN where a step of a fixed rhythm is missing; other rhythms stay."""
    assert series.times is not None
    rhythm = step_of(series.times)
    if not rhythm.isdigit():
        return series
    step = np.timedelta64(int(rhythm), "s")
    times = np.arange(series.times[0], series.times[-1] + step, step)
    values = np.full((len(times), len(series.columns)), np.nan)
    at = np.searchsorted(times, series.times)
    regular = times[np.minimum(at, len(times) - 1)] == series.times
    if not regular.all():
        odd = show_times(series.times[~regular][:1])[0]
        raise InputError(
            f"{series.name} has the time {odd}, which is off its rhythm of {rhythm} seconds. Bring "
            "the times to a regular step first."
        )
    values[at] = series.values
    return replace(series, values=values, times=times)


def _interpolated(series: Series) -> Series:
    values = series.values.copy()
    steps = np.arange(len(values))
    filled = int(np.isnan(values).any(axis=1).sum())
    for column, name in zip(values.T, series.columns, strict=True):
        known = ~np.isnan(column)
        if not known.any():
            raise InputError(f"The column {name!r} of {series.name} has no value at all.")
        column[:] = np.interp(steps, steps[known], column[known])
    note = f"{count(filled, 'missing step')} of {series.name} interpolated."
    return replace(series, values=values, notes=(*series.notes, note))
