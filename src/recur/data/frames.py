"""Tables of pandas, polars and pyarrow, recognised without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from recur.data.stamps import Stamps, coarsest
from recur.data.zones import zone_name
from recur.messages import InputError, must

_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name in a Parquet file."""


class FrameColumn(NamedTuple):
    """A column.

    Attributes:
        name: its name.
        values: Python's numbers, texts and the like, None where one is missing; of a column of
            times an empty list.
        stamps: its times, NaT where one is missing; None if it holds others.
    """

    name: str
    values: list[Any]
    stamps: Stamps | None = None

    @property
    def rows(self) -> int:
        """How many cells it has."""
        return len(self.values if self.stamps is None else self.stamps.times)


def library_of(source: Any) -> str:
    """The package that a table comes from: "pandas", "polars", "pyarrow" or an empty string."""
    roots = (kind.__module__.partition(".")[0] for kind in type(source).__mro__)
    return next((root for root in roots if root in _COLUMNS), "")


def no_table(source: Any) -> str:
    """Returns the sentence about what is neither a path nor a table."""
    expected = "the path of a file, or a table of pandas, polars or pyarrow"
    return must("a table", expected, type(source).__name__)


def columns_of_frame(source: Any, is_time: re.Pattern[str]) -> list[FrameColumn]:
    """The columns of a table, or of a single column, of a package that `library_of` names.

    Args:
        source: the table. An index of pandas is a column where it says something: dates, names, or
            numbers whose name is one of time.
        is_time: what names of time are.

    Raises:
        InputError: if it is something else of that package, or a time zone has no name.
    """
    return list(_COLUMNS[library_of(source)](source, is_time))


def _of_pandas(source: Any, is_time: re.Pattern[str]) -> Iterator[FrameColumn]:
    if hasattr(source, "to_frame") and not hasattr(source, "columns"):  # a Series
        source = source.to_frame(source.name if source.name is not None else "value")
    _must_have(source, "columns", "index", "iloc")
    if hasattr(source.index, "to_timestamp"):  # periods, such as 2026-11
        source = source.set_index(source.index.to_timestamp())
    if source.index.dtype.kind not in "iufb" or is_time.match(str(source.index.name)):
        source = source.reset_index()
    for at, name in enumerate(map(str, source.columns)):
        column = source.iloc[:, at]
        zone = getattr(column.dtype, "tz", None)
        if getattr(column.dtype, "kind", "") == "M":
            times = (column if zone is None else column.dt.tz_convert(None)).to_numpy()
            yield FrameColumn(name, [], _stamps(times, zone))
        else:
            yield FrameColumn(name, _pandas_values(column))


def _pandas_values(column: Any) -> list[Any]:
    there = column.notna()
    if there.all():
        return list(column.astype(object).tolist())
    values = column.astype(object).where(there, None).tolist()
    known = column[there]
    if column.dtype.kind == "f" and bool((known % 1 == 0).all()):
        # Whole numbers are not kept as such by pandas where one is missing.
        return [None if value is None else int(value) for value in values]
    return list(values)


def _of_polars(source: Any, is_time: re.Pattern[str]) -> Iterator[FrameColumn]:
    if hasattr(source, "collect"):  # a LazyFrame
        source = source.collect()
    if hasattr(source, "to_frame"):  # a Series
        source = (source if source.name else source.alias("value")).to_frame()
    _must_have(source, "columns", "get_column")
    for name in source.columns:
        column = source.get_column(name)
        if type(column.dtype).__name__ == "Datetime":
            yield FrameColumn(name, [], _stamps(column.to_numpy(), column.dtype.time_zone))
        else:
            yield FrameColumn(name, column.to_list())


def _of_arrow(source: Any, is_time: re.Pattern[str]) -> Iterator[FrameColumn]:
    if hasattr(source, "to_pylist") and not hasattr(source, "column_names"):  # an Array
        names, columns = ["value"], [source]
    else:
        _must_have(source, "column_names", "column")
        names = list(source.column_names)
        columns = [source.column(at) for at in range(len(names))]
    for name, column in zip(names, columns, strict=True):
        if str(column.type).startswith("timestamp"):
            times = column.to_numpy() if hasattr(column, "chunks") else _array(column)
            yield FrameColumn(_renamed(name), [], _stamps(times, column.type.tz))
        else:
            values = column.to_pylist()
            counted = _INDEX.fullmatch(name) and all(type(value) is int for value in values)
            if not counted:
                yield FrameColumn(_renamed(name), values)


_COLUMNS = {"pandas": _of_pandas, "polars": _of_polars, "pyarrow": _of_arrow}


def _array(column: Any) -> Any:
    return column.to_numpy(zero_copy_only=False)


def _renamed(name: str) -> str:
    return "index" if _INDEX.fullmatch(name) else name


def _must_have(source: Any, *names: str) -> None:
    if not all(hasattr(source, name) for name in names):
        raise InputError(no_table(source))


def _stamps(times: Any, zone: Any) -> Stamps:
    times = np.asarray(times)
    there = times[~np.isnat(times)]
    if len(there):
        times = times.astype(coarsest(there).dtype)
    if zone is None:
        return Stamps(times)
    return Stamps(times, zone if isinstance(zone, str) else zone_name(zone))
