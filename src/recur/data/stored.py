"""Tables in files that other packages read: Parquet and Excel."""

from __future__ import annotations

import importlib
import io
from typing import Any, NamedTuple

from recur.messages import FailedError, InputError, count

PARQUET, EXCEL = (".parquet", ".pq"), (".xlsx", ".xlsm")
_OTHERS = (".xls", ".xlsb", ".ods", ".numbers")
ENDINGS = (*PARQUET, *EXCEL, *_OTHERS)
"""Of files that are no text. Of the others the reader says that it does not read them."""


class Sheet(NamedTuple):
    """A sheet of a workbook.

    Attributes:
        header: the names of the columns.
        columns: the cells of each, None where one is empty.
        rows: the numbers of the rows, from 1 under the header; blank ones are left out.
        notes: what must be said about it.
    """

    header: list[str]
    columns: list[list[Any]]
    rows: list[int]
    notes: tuple[str, ...] = ()


def read_parquet(content: bytes, name: str) -> Any:
    """Returns the pyarrow table of a Parquet file.

    Raises:
        FailedError: if the package pyarrow is not installed.
        InputError: if the file is damaged.
    """
    library = _needed("pyarrow.parquet", "pyarrow", "Parquet files need")
    try:
        # Not read_table, which imports pandas and more for it.
        return library.ParquetFile(io.BytesIO(content)).read()
    except (OSError, ValueError) as error:
        raise InputError(f"{name} is damaged: {error}.") from error


def read_sheet(content: bytes, name: str, ending: str) -> Sheet:
    """Returns the first sheet of an Excel workbook, its formulas as the values they had.

    Raises:
        FailedError: if the package openpyxl is not installed.
        InputError: if the file is damaged, or of another kind of workbook.
    """
    if ending in _OTHERS:
        raise InputError(f"{name} is of a kind that is not read. Save it as .xlsx or CSV.")
    library = _needed("openpyxl", "openpyxl", "Excel files need")
    try:
        book = library.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # which some programs write wrongly
        lines = [list(line) for line in sheet.iter_rows(values_only=True)]
    except Exception as error:  # zipfile's, XML's and its own: nothing narrower
        raise InputError(f"{name} is damaged: {error}.") from error
    sheets, notes = len(book.worksheets), ()
    if sheets > 1:
        said = (
            f"Of the {count(sheets, 'sheet')} of {name} only the first, {sheet.title!r}, was read."
        )
        return _under_header(lines, (said,))
    return _under_header(lines, notes)


def _under_header(lines: list[list[Any]], notes: tuple[str, ...]) -> Sheet:
    header = [_name(cell) for cell in lines[0]] if lines else []
    filled = [n for n, line in enumerate(lines) if n and any(cell is not None for cell in line)]
    width = max([len(header), *(len(lines[n]) for n in filled)])
    full = [lines[n] + [None] * (width - len(lines[n])) for n in filled]
    header += [""] * (width - len(header))
    columns = [list(column) for column in zip(*full, strict=True)] or [[] for _ in header]
    return Sheet(header, columns, filled, notes)


def _name(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _needed(module: str, package: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise FailedError(
            f"{what} the package {package}, which is not installed. Install it with: "
            "pip install 'recur[tables]'"
        ) from error
