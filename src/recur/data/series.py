"""Series of numbers over time, from CSV files and DataFrames, checked before use."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recur.data import gaps as gap
from recur.data.gaps import GAPS
from recur.data.numerals import Numbers, begins_like_number
from recur.data.stamps import Stamps, is_time
from recur.data.tables import TIME, NoColumnError, Table, named, no_column, parse_table, read_table
from recur.data.times import Times, show_times
from recur.files import PathLike
from recur.messages import InputError, one_of

__all__ = ["GAPS", "Series", "parse_series", "read_series"]


@dataclass(frozen=True)
class Series:
    """T steps of F numbers.

    Attributes:
        name: what messages call it.
        columns: the F names.
        values: (T, F), in the units of the file.
        times: (T,) in order, no coarser than the data; None if steps are only counted. In UTC if
            the zone is known, else as they were written.
        notes: what was done to it, and what must be said with a score.
        zone: the time zone: a name ("Europe/Berlin"), "UTC", or an offset ("+02:00"); empty if the
            times do not say.
        day_first: whether the day was read before the month; None where there was no question.
        ahead: (A, F) what is known of steps after the last one; NaN where nothing is.
        static: what never changes, by the names of columns: a text of each.
        id: which of several series of a table this is; empty where there is one.
    """

    name: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    times: Times | None = None
    notes: tuple[str, ...] = ()
    zone: str = ""
    day_first: bool | None = None
    ahead: NDArray[np.float64] | None = None
    static: dict[str, str] = field(default_factory=dict)
    id: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @functools.cached_property
    def _position(self) -> dict[str, int]:
        return {column: at for at, column in enumerate(self.columns)}

    def index(self, column: str) -> int:
        """The position of a column.

        Raises:
            InputError: if there is none of that name; the text names those there are.
        """
        if column not in self._position:
            raise NoColumnError(no_column(self.name, column, self.columns))
        return self._position[column]

    def select(self, columns: Sequence[str]) -> Self:
        """Those columns only, in that order.

        Raises:
            InputError: as `index`.
        """
        at = [self.index(column) for column in columns]
        ahead = None if self.ahead is None else self.ahead[:, at]
        return replace(self, columns=tuple(columns), values=self.values[:, at], ahead=ahead)

    def first(self, steps: int | None) -> Self:
        """The first steps only, and of those after them what is known ahead no more."""
        if steps is None or steps >= len(self):
            return self
        times = None if self.times is None else self.times[:steps]
        return replace(self, values=self.values[:steps], times=times, ahead=None)


class Reading(NamedTuple):
    """How a series is read; see `read_series`."""

    time: str | None = None
    columns: Sequence[str] | None = None
    gaps: str = "refuse"
    time_format: str = ""
    day_first: bool | None = None


def read_series(
    source: PathLike | Any,
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    gaps: str = "refuse",
    name: str | None = None,
    time_format: str = "",
    day_first: bool | None = None,
    delimiter: str = "",
    encoding: str = "",
    decimal: str = "",
) -> Series:
    """Reads a series from a table, or from a single column of a DataFrame.

    Args:
        source: the path of a file, or a table of pandas, polars or pyarrow; see
            `recur.data.tables.read_table` for what is read. Of a DataFrame of pandas, an index of
            dates is the time.
        time: the column of the time stamps; None: one named like "date" or "time", or the first
            that holds such stamps.
        columns: the columns wanted; None for all that hold numbers.
        gaps: what to do about missing values and missing steps. "refuse": raise. "interpolate": a
            line from the last value to the next, which lets a little of the future into the past.
            "carry": the last value again. "ignore": count rows as steps, whatever their times;
            missing values are still refused.
        name: what messages call it; None: the file's name.
        time_format: how times are written, as for `datetime.strptime` ("%d.%m.%Y %H:%M"), or
            "unix" for seconds since 1970; empty: found. ISO 8601, dates with the year, the day or
            the month first, 20261124 and years are read; others, such as "24 Nov 2026", by pandas.
        day_first: which stands first in dates such as 01/02/2026, if the whole column fits both;
            None: the day before points, else the month, and a note says so.
        delimiter: "comma", "semicolon", "tab", "pipe" or a character; empty: found.
        encoding: of the file, as Python names it ("cp1252"); empty: UTF-8, or UTF-16 with its mark.
        decimal: "." or ","; empty: found in the whole column. Thousands separators, currency and
            percent signs are read over, and a note says so.

    Times with an offset or a zone are put in order, and their gaps found, by real time.

    Raises:
        InputError: if the file is missing, empty or in another encoding, a column is missing (those
            there are are named), a value is no number (row and column named), time stamps are wrong
            or occur twice, or there are gaps.
        FailedError: if only pandas can read the times, or another package the file, and it is not
            installed.
    """
    table = read_table(
        source,
        name=name or "",
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        each="step",
    )
    return series_of(table, Reading(time, columns, gaps, time_format, day_first))


def parse_series(
    text: str,
    *,
    name: str,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    gaps: str = "refuse",
    time_format: str = "",
    day_first: bool | None = None,
) -> Series:
    """Reads a series from the text of a CSV file; arguments and errors as `read_series`."""
    return series_of(
        parse_table(text, name, each="step"), Reading(time, columns, gaps, time_format, day_first)
    )


def series_of(table: Table, how: Reading) -> Series:
    """Reads the series that a table holds; errors as `read_series`."""
    one_of("gaps", how.gaps, GAPS)
    stamps = how.time if how.time is not None else table.time_column()
    wanted = list(how.columns) if how.columns is not None else number_columns(table, stamps)
    if not wanted:
        raise InputError(f"{table.name} has no column of numbers; it has {named(table.header)}.")
    read = [table.numbers(column) for column in wanted]
    values = np.column_stack([numbers.values for numbers in read])
    notes = [*table.notes, *_how_read(table, wanted, read)]
    if how.columns is None:
        notes += _left_out(table, {*wanted, stamps})
    if how.gaps in ("refuse", "ignore"):
        gap.refuse_missing_values(table.name, wanted, values, table.rows)
    found = Stamps(np.empty(0, "datetime64[s]"))
    if stamps is None:
        steps = gap.Steps(values, None)
    elif how.time is None and not how.time_format and only_counts(table, stamps):
        steps, said = _counted(table, stamps, values)
        notes += said
    else:
        found = table.times(stamps, how.time_format, day_first=how.day_first)
        if how.time is None and not TIME.match(stamps) and list(table.stamps) != [stamps]:
            notes.append(f"The times are those of {stamps!r}.")
        steps, said = _in_order(table.name, gap.Steps(values, found.times, found.zone), how.gaps)
        notes += [*found.notes, *said]
    if how.gaps in ("interpolate", "carry"):
        steps, done = gap.filled(table.name, wanted, steps, how.gaps)
        notes += done
    columns = tuple(wanted)
    return Series(
        table.name, columns, steps.values, steps.times, tuple(notes), found.zone, found.day_first
    )


def _how_read(table: Table, columns: Sequence[str], read: Sequence[Numbers]) -> list[str]:
    """A line for each way of writing numbers that is not the plain one."""
    ways: dict[str, list[int]] = {}
    for at, numbers in enumerate(read):
        if numbers.how:
            ways.setdefault(numbers.how, []).append(at)
    lines = []
    for how, places in ways.items():
        first, row = places[0], read[places[0]].example
        example = f"{table.cells(columns[first])[row]!r} in row {table.rows[row]} is "
        example += f"{read[first].values[row]:.15g}"
        which = named([columns[at] for at in places])
        lines.append(f"The numbers of {which} are read with {how}: {example}.")
    return lines


def number_columns(table: Table, time: str | None) -> list[str]:
    """The columns of numbers but the time; one without a name is the row number of pandas."""
    names = [column for column in table.header if column and column != time]
    return [column for column in names if table.holds_numbers(column)]


def _left_out(table: Table, used: Collection[str | None]) -> list[str]:
    """A line for each column that somebody may have meant to hold numbers."""
    others = [column for column in table.header if column and column not in used]
    firsts = {column: table.first(column) for column in others}
    return [
        f"The column {column!r} is left out: {cell!r} is no number."
        for column, cell in firsts.items()
        if begins_like_number(cell) and not is_time(cell)
    ]


def only_counts(table: Table, column: str) -> bool:
    """Whether a column that is named like a time holds plain numbers, such as seconds."""
    return table.holds_numbers(column) and not is_time(table.first(column))


def _counted(table: Table, column: str, values: NDArray[np.float64]) -> tuple[gap.Steps, list[str]]:
    """Rows in the order of a column of plain numbers, and what to say about it."""
    numbers = table.numbers(column).values
    said = f"The column {column!r} holds numbers, not times: rows are "
    order = np.argsort(numbers, kind="stable")
    sorted_before = bool((order == np.arange(len(order))).all())
    said += "counted instead." if sorted_before else "put in their order and counted instead."
    if np.nanmin(np.abs(numbers), initial=np.inf) >= 1e8:
        said += " If they are seconds since 1970, give the time format 'unix'."
    return gap.Steps(values[order], None), [said]


def _in_order(name: str, steps: gap.Steps, gaps: str) -> tuple[gap.Steps, list[str]]:
    """The steps in order of time, gaps refused as asked, and what to say about it."""
    times = steps.times
    assert times is not None
    order = np.argsort(times, kind="stable")
    twice = np.flatnonzero(np.diff(times[order].astype(np.int64)) == 0)
    said: list[str] = []
    if len(twice):
        shown = show_times(times[order][twice[:1]], steps.zone)[0]
        if gaps != "ignore":
            raise InputError(_more_than_once(name, shown, steps.zone))
        order = _as_they_came(times)
        said = [f"{name} has the time {shown} more than once; rows are counted as steps."]
    steps = gap.Steps(steps.values[order], times[order], steps.zone)
    if gaps != "ignore":
        gap.refuse_odd_times(name, steps)
    if gaps == "refuse":
        gap.refuse_missing_steps(name, steps)
    return steps, said


def _as_they_came(times: Times) -> NDArray[np.int64]:
    """The order of rows that are counted: as they are, or from the end if the newest come first."""
    forward = np.arange(len(times))
    between = np.diff(times.astype(np.int64))
    return forward[::-1] if (between < 0).sum() > (between > 0).sum() else forward


def _more_than_once(name: str, shown: str, zone: str) -> str:
    sentence = (
        f"{name} has the time {shown} more than once. Keep one row for each time; a file with "
        "several series needs one column for each, or the id column that says which is which."
    )
    if zone:
        return sentence
    return (
        f"{sentence} If it is the hour that comes twice when summer time ends, write times with "
        "their offset (+02:00) or in UTC, or choose gaps 'ignore' (count rows as steps)."
    )
