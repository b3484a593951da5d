"""Numbers as people and spreadsheets write them: 1,011.08, 1.011,08, 1 011,08, $5, 5 EUR and 5%.

Which of comma and point is the decimal mark is decided by a whole column, or by its table, and
said; nothing is left out in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur.messages import listed

EMPTY = ("", "nan", "na", "n/a", "<na>", "nat", "null", "none", ".")

LONGEST = 50
"""Characters of a number at most; a longer cell is a text."""

CHOICE = " (the column fits both; decimal '.' or ',' chooses)"

_PLAIN = re.compile(r"[-+\d.,eE]*")
_SHAPE = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?|[+-]?[.,]\d+")
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f'\u2019](?=\d{3}(?:\D|$))")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:[{mark}]\d{{3}})+") for mark in ".,"}
# Of ISO 4217, those that money is most often counted in.
_CODES = (
    "AED|ARS|AUD|BDT|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|"
    "KES|KRW|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|"
    "VND|ZAR"
)
_MONEY = re.compile(rf"(?<![^\W\d])(?:{_CODES}|[A-Z]{{1,2}}\$)(?![^\W\d])")
_IN_BRACKETS = re.compile(r"\((.*)\)")
BRACKETS = "brackets for a minus"
_BEGINS = re.compile(r"[-+(\u2212]?\s*(?:[^\w\s]|[A-Z]{3})?\s*\d")


class Numbers(NamedTuple):
    """A column of numbers.

    Attributes:
        values: (T,); NaN where a cell is empty or no number.
        wrong: the first row, from 0, that is no number; None if all are.
        how: what was not plain about them, in words; empty for plain ones.
        example: a row, from 0, that shows it.
    """

    values: NDArray[np.float64]
    wrong: int | None = None
    how: str = ""
    example: int = 0


def as_number(cell: str) -> float | None:
    """The number that a cell holds as Python writes it, or None."""
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_000, which nobody means here
    except ValueError:
        return None


def is_number(value: object) -> bool:
    """Whether a value is one of Python's or numpy's numbers; true and false are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number in any form that is read."""
    if as_number(cell) is not None:
        return True
    if len(cell) >= LONGEST:
        return False
    bare = _bare(cell)[0]
    return any(_read(bare, mark) is not None for mark in ".,")


def begins_like_number(cell: str) -> bool:
    """Whether a cell that is no number looks as if somebody meant one: "5 kg"."""
    return _BEGINS.match(cell) is not None


def read_numbers(cells: Sequence[str], decimal: str = "", otherwise: str = ".") -> Numbers:
    """Reads a column.

    Args:
        cells: one a row, without spaces around.
        decimal: the decimal mark of the table, if it is known; empty: found in the column.
        otherwise: the mark that is taken where "1,234" may be either.
    """
    plain = _plain(cells) if decimal != "," else None
    if plain is None:
        return _written(cells, decimal, otherwise)
    # 1.234 and 5.678 may be thousands, where decimal commas are usual.
    pointed = next((row for row, cell in enumerate(cells) if "." in cell), None)
    if decimal or otherwise == "." or pointed is None or decimal_mark(cells):
        return plain
    return plain._replace(how=f"a decimal point{CHOICE}", example=pointed)


def decimal_mark(cells: Iterable[str]) -> str:
    """The decimal mark that cells of a table show; empty if none does, or both."""
    marked = (cell for cell in cells if ("," in cell or "." in cell) and len(cell) < LONGEST)
    marks = {mark for cell in marked if (mark := _mark(_bare(cell)[0]))}
    return marks.pop() if len(marks) == 1 else ""


def _plain(cells: Sequence[str]) -> Numbers | None:
    """Numbers as Python writes them; None if one is not."""
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        value = as_number(cell)
        if value is None and cell.lower() in EMPTY:
            value = np.nan
        if value is None:
            return None
        values[row] = value
    return Numbers(values)


def _written(cells: Sequence[str], decimal: str, otherwise: str) -> Numbers:
    bare = [_bare(cell) for cell in cells]
    mark = decimal or decimal_mark(cells)
    open_question = not mark and any("," in number for number, _ in bare)
    mark = mark or (otherwise if open_question else ".")
    values = np.full(len(cells), np.nan)
    wrong = example = None
    signs: set[str] = set()
    grouped = False
    for row, (number, sign) in enumerate(bare):
        if cells[row].lower() in EMPTY:
            continue
        value = _read(number, mark)
        if value is None:
            wrong = row if wrong is None else wrong
            continue
        values[row] = value
        signs |= sign
        groups = ("." if mark == "," else ",") in number or _SPACES.search(cells[row]) is not None
        if example is None and (sign or groups or (mark == "," and mark in number)):
            example = row
        grouped = grouped or groups
    left_out = sorted(signs - {BRACKETS})
    how = [
        *(["a decimal comma"] if mark == "," else []),
        *(["thousands separators"] if grouped else []),
        *([BRACKETS] if BRACKETS in signs else []),
        *([f"{listed(map(repr, left_out), 'and')} left out"] if left_out else []),
    ]
    choice = CHOICE if open_question else ""
    if example is None:
        how = []
    return Numbers(values, wrong, listed(how, "and") + choice if how else "", example or 0)


def _bare(cell: str) -> tuple[str, set[str]]:
    """A number without currency and percent signs, and without spaces between thousands."""
    if _PLAIN.fullmatch(cell):
        return cell, set()
    signs = {*_MONEY.findall(cell)}
    rest = _MONEY.sub("", cell) if signs else cell
    signs |= {mark for mark in rest if mark in "%\u2030" or _is_currency(mark)}
    for mark in signs:
        rest = rest.replace(mark, "")
    number = _SPACES.sub("", rest.replace("\u2212", "-").strip())
    inside = _IN_BRACKETS.fullmatch(number)  # as bookkeepers write it
    if inside and inside[1].strip()[:1].isdigit():
        return f"-{inside[1].strip()}", signs | {BRACKETS}
    return re.sub(r"^([+-])\s+", r"\1", number), signs


def _is_currency(mark: str) -> bool:
    return not (mark.isalnum() or mark in ".,-") and unicodedata.category(mark) == "Sc"


def _mark(number: str) -> str:
    """The decimal mark that a single number shows for sure, or an empty string."""
    if _SHAPE.fullmatch(number) is None:
        return ""
    number = re.split("[eE]", number.lstrip("+-"))[0]
    points, commas = number.count("."), number.count(",")
    if points and commas:
        return "." if number.rfind(".") > number.rfind(",") else ","
    mark, other = (".", ",") if points else (",", ".")
    if points + commas > 1:  # thousands, unless it is a date
        return other if _GROUPED[mark].fullmatch(number) else ""
    if not points and not commas:
        return ""
    head, tail = number.split(mark)
    return mark if len(tail) != 3 or len(head) > 3 or head in ("", "0") else ""


def _read(number: str, mark: str) -> float | None:
    if _SHAPE.fullmatch(number) is None:
        return as_number(number)
    thousands = "," if mark == "." else "."
    whole, _, rest = number.lstrip("+-").partition(mark)
    if thousands in whole and _GROUPED[thousands].fullmatch(whole) is None:
        return None
    if thousands in rest:
        return None
    text = whole.replace(thousands, "") + (f".{rest}" if rest else "")
    value = as_number(text)
    return -value if value is not None and number.startswith("-") else value
