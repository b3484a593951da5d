"""Series of numbers over time, from CSV files and DataFrames, checked before use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.data import gaps as gap
from recur.data.gaps import GAPS
from recur.data.tables import Table, no_column, parse_table, read_table
from recur.data.times import Times, parse_times, show_times
from recur.files import PathLike
from recur.messages import InputError, listed, one_of

__all__ = ["GAPS", "Series", "parse_series", "read_series"]


@dataclass(frozen=True)
class Series:
    """T steps of F numbers.

    Attributes:
        name: what messages call it.
        columns: the F names.
        values: (T, F), in the units of the file.
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
            raise InputError(no_column(self.name, column, self.columns))
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
    """Reads a series from a CSV file with a header, or from a pandas DataFrame or Series.

    Args:
        source: the path, or the DataFrame (whose index of dates, if it has one, is the time).
        time: the column of the time stamps (ISO 8601, 20261124, or years); None: one named like
            "date" or "time", or the first if it holds such stamps.
        columns: the columns wanted; None for all that hold numbers.
        gaps: what to do about missing values and missing steps. "refuse": raise. "interpolate": a
            line from the last value to the next, which lets a little of the future into the past.
            "carry": the last value again. "ignore": count rows as steps, whatever their times;
            missing values are still refused.
        name: what messages call it; None: the file's name.

    Raises:
        InputError: if the file is missing, empty or not UTF-8, a column is missing (those there are
            are named), a value is no number (row and column named), time stamps are wrong or occur
            twice, or there are gaps.
    """
    return _series(read_table(source, name), time, columns, gaps)


def parse_series(
    text: str,
    *,
    name: str,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    gaps: str = "refuse",
) -> Series:
    """Reads a series from the text of a CSV file; arguments and errors as `read_series`."""
    return _series(parse_table(text, name), time, columns, gaps)


def _series(table: Table, time: str | None, columns: Sequence[str] | None, gaps: str) -> Series:
    one_of("gaps", gaps, GAPS)
    stamps = time if time is not None else table.time_column()
    wanted = list(columns) if columns is not None else _number_columns(table, stamps)
    if not wanted:
        raise InputError(f"{table.name} has no column of numbers; it has {_names(table)}.")
    values = np.column_stack([table.numbers(column) for column in wanted])
    if gaps in ("refuse", "ignore"):
        gap.refuse_missing_values(table.name, wanted, values)
    notes = []
    if stamps is not None and time is None and _only_counts(table, stamps):
        notes.append(f"The column {stamps!r} holds numbers, not times: rows are counted instead.")
        stamps = None
    times = None if stamps is None else table.times(stamps)
    if times is not None:
        values, times = _in_order(table.name, values, times)
        if gaps != "ignore":
            gap.refuse_odd_times(table.name, times)
        if gaps == "refuse":
            gap.refuse_missing_steps(table.name, times)
    steps = gap.Steps(values, times)
    if gaps in ("interpolate", "carry"):
        steps, done = gap.filled(table.name, wanted, steps, gaps)
        notes += done
    return Series(table.name, tuple(wanted), steps.values, steps.times, tuple(notes))


def _number_columns(table: Table, time: str | None) -> list[str]:
    """All but the time; a column without a name is the row number that pandas writes."""
    names = [column for column in table.header if column and column != time]
    return [column for column in names if table.holds_numbers(column)]


def _only_counts(table: Table, column: str) -> bool:
    """Whether a column that is named like a time holds plain numbers, such as seconds."""
    cell = table.cells(column)[0]
    return table.holds_numbers(column) and parse_times([cell]) is None


def _in_order(
    name: str, values: NDArray[np.float64], times: Times
) -> tuple[NDArray[np.float64], Times]:
    order = np.argsort(times, kind="stable")
    times = times[order]
    twice = np.flatnonzero(times[1:] == times[:-1])
    if len(twice):
        raise InputError(
            f"{name} has the time {show_times(times)[twice[0]]} more than once. Keep one row for "
            "each time; a file with several series needs one column for each."
        )
    return values[order], times


def _names(table: Table) -> str:
    return listed(map(repr, table.header), "and")
