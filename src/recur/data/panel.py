"""Several series in one table: a column says which, some know the future, some never change.

This is the long form that databases give: a row for each series and step.

    day,store,sales,promotion,town
    2026-01-01,a,120,0,Graz
    2026-01-02,a,134,1,Graz
    2026-01-01,b,19,0,Linz
    2026-01-02,b,,1,Linz          known ahead: tomorrow's promotion, not the sales

Rows after the last one with a value of what is forecast say what is known of the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.data.numerals import EMPTY
from recur.data.series import Reading, Series, number_columns, only_counts, series_of
from recur.data.tables import Table, read_table
from recur.data.times import continue_times, show_times
from recur.files import PathLike
from recur.messages import InputError, count, must, shown


@dataclass(frozen=True)
class Panel:
    """Which columns of a table are more than numbers that were measured.

    Attributes:
        id: the column that says which series a row belongs to; empty: all rows are one series.
        known: columns whose future is known.
        static: columns that never change within a series.
    """

    id: str = ""
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()


def read_panel(
    source: PathLike | Any,
    panel: Panel,
    how: Reading,
    *,
    delimiter: str = "",
    encoding: str = "",
    decimal: str = "",
) -> list[Series]:
    """Reads the series of a table, in the order in which they begin.

    Args:
        source: the path of a file, a table of pandas, polars or pyarrow, or a `Table`.
        panel: what its columns are.
        how: how each series is read.
        delimiter: as `recur.data.series.read_series`.
        encoding: as that.
        decimal: as that.

    Raises:
        InputError: as `read_series`; a column that should never change and does; rows ahead that do
            not go on where the values end.
        FailedError: as `read_series`.
    """
    if isinstance(source, Table):
        table = source
    else:
        table = read_table(
            source, each="step", delimiter=delimiter, encoding=encoding, decimal=decimal
        )
    special = {panel.id, *panel.static} - {""}
    if how.columns is None and (special or panel.known):
        stamps = how.time if how.time is not None else table.time_column()
        wanted = [name for name in number_columns(table, stamps) if name not in special]
        how = how._replace(columns=wanted)
    if not panel.id:
        return [_one(table, panel, how)]
    return [
        replace(_one(_named(table.take(rows), name), panel, how), id=name)
        for name, rows in _rows_by(table, panel.id).items()
    ]


def _named(table: Table, name: str) -> Table:
    return replace(table, name=f"{name} of {table.name}")


def _rows_by(table: Table, column: str) -> dict[str, list[int]]:
    """The rows of each series, in the order of the table."""
    found: dict[str, list[int]] = {}
    for row, cell in enumerate(table.cells(column)):
        if not cell or cell.lower() in EMPTY:
            raise InputError(must(table.place(row, column), "the name of a series", repr(cell)))
        found.setdefault(cell, []).append(row)
    return found


def _one(table: Table, panel: Panel, how: Reading) -> Series:
    static = {column: _constant(table, column) for column in panel.static}
    rows = _rows_ahead(table, panel, how)
    if not len(rows):
        return replace(series_of(table, how), static=static)
    rest = sorted(set(range(len(table))) - set(rows.tolist()))
    series = series_of(table.take(rest), how)
    ahead = series_of(table.take(rows.tolist()), _only_known(how, panel.known))
    _check_ahead(series, ahead)
    values = np.full((len(ahead), len(series.columns)), np.nan)
    values[:, [series.index(column) for column in ahead.columns]] = ahead.values
    return replace(series, ahead=values, static=static)


def _only_known(how: Reading, known: Sequence[str]) -> Reading:
    return how._replace(columns=[name for name in known if name in (how.columns or known)])


def _rows_ahead(table: Table, panel: Panel, how: Reading) -> NDArray[np.int64]:
    """The rows after the last one with a value of a column whose future is not known."""
    measured = [name for name in how.columns or () if name not in panel.known]
    if not panel.known or not measured:
        return np.empty(0, np.int64)
    cells = np.column_stack([table.numbers(name).values for name in measured])
    order = _order(table, how)
    there = np.flatnonzero(~np.isnan(cells[order]).all(axis=1))
    return order[there[-1] + 1 :] if len(there) else np.empty(0, np.int64)


def _order(table: Table, how: Reading) -> NDArray[np.int64]:
    """The rows in the order of time; as they are where there are no times."""
    stamps = how.time if how.time is not None else table.time_column()
    if stamps is None:
        return np.arange(len(table))
    if how.time is None and not how.time_format and only_counts(table, stamps):
        return np.argsort(table.numbers(stamps).values, kind="stable")
    times = table.times(stamps, how.time_format, day_first=how.day_first).times
    return np.argsort(times, kind="stable")


def _check_ahead(series: Series, ahead: Series) -> None:
    if series.times is None or ahead.times is None:
        return
    expected = continue_times(series.times, len(ahead), series.zone)
    wrong = np.flatnonzero(expected != ahead.times)
    if len(wrong):
        at = int(wrong[0])
        want, got = (show_times(times, series.zone)[at] for times in (expected, ahead.times))
        what = f"row {at + 1} of what is known ahead in {series.name}"
        raise InputError(must(what, f"at {want}, a step after the one before", got))


def _constant(table: Table, column: str) -> str:
    """The one value of a column."""
    cells = table.cells(column)
    found = list(dict.fromkeys(cells))
    if len(found) > 1:
        what = f"the static column {column!r} of {table.name}"
        got = f"{shown(found[0])} and {shown(found[1])}, {count(len(found), 'value')}"
        raise InputError(must(what, "the same in every row of a series", got))
    return found[0]
