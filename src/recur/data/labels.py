"""What labels say of a text: one class of several, several classes at once, or a rating."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from recur.data.numerals import as_number
from recur.messages import InputError, count, did_you_mean, listed, must

ONE, SEVERAL, ORDINAL = "one", "several", "ordinal"
KINDS = (ONE, SEVERAL, ORDINAL)
SEPARATORS = ("|", ";", ",")
"""What may stand between several labels in a cell, the likeliest first."""
MOST_RATINGS = 21
"""Different ratings at most, where nobody said that they are ratings."""

_RATING = re.compile(r"(^|[\W_])(ratings?|stars?|scores?|grades?)($|[\W_])", re.IGNORECASE)


class Meant(NamedTuple):
    """Labels as they are meant.

    Attributes:
        labels: a class for each text, or a tuple of classes where there are several.
        kind: one of `KINDS`.
        notes: what was found in them, in a line.
    """

    labels: list[Any]
    kind: str
    notes: tuple[str, ...] = ()


def meant(labels: Sequence[Any], column: str, kind: str = "", separator: str = "") -> Meant:
    """Says what labels are, and takes several in a cell apart.

    Several they are where they are lists, or where "|", ";" or "," stands between names: commas
    only if taking them apart leaves fewer different names. Ratings they are if all are numbers and
    the column is named like one ("stars"). Anything else is one class.

    Args:
        labels: texts, or tuples of texts.
        column: its name.
        kind: one of `KINDS`; empty: found.
        separator: what stands between several labels of a text; empty: found.

    Raises:
        InputError: if they cannot be what `kind` says.
    """
    lists = any(isinstance(label, tuple) for label in labels)
    if lists and kind not in ("", SEVERAL):
        raise InputError(must("labels", f"{SEVERAL!r} where {column!r} holds lists", repr(kind)))
    if kind == SEVERAL or (not kind and (lists or separator)):
        return _apart(labels, column, separator or _separator(labels), told=bool(kind))
    if kind == ORDINAL:
        _check_ratings(labels, column)
        return Meant(list(labels), ORDINAL)
    if kind:
        return Meant(list(labels), ONE)
    found = _separator(labels)
    if found:
        return _apart(labels, column, found, told=False)
    if _RATING.search(column) and _are_ratings(labels):
        known = ordered(labels, ORDINAL)
        note = f"The column {column!r} is read as ratings, from {known[0]} up to {known[-1]}"
        return Meant(list(labels), ORDINAL, (f"{note} (labels ordinal; or choose one).",))
    return Meant(list(labels), ONE)


def ordered(labels: Sequence[Any], kind: str) -> tuple[str, ...]:
    """All classes there are: ratings by their size, others by their letters."""
    names = {name for label in labels for name in (label if kind == SEVERAL else (label,))}
    return tuple(sorted(names, key=_value if kind == ORDINAL else str))


def numbered(labels: Sequence[Any], classes: Sequence[str]) -> list[list[int]]:
    """The numbers of the classes of each text.

    Raises:
        InputError: if there is another class.
    """
    numbers = {name: index for index, name in enumerate(classes)}
    rows = [label if isinstance(label, tuple) else (label,) for label in labels]
    for name in (name for row in rows for name in row):
        if name not in numbers:
            todo = f"The run knows no other. {did_you_mean(name, classes)}".rstrip()
            raise InputError(must("a label", listed(map(repr, classes)), repr(name), todo))
    return [[numbers[name] for name in row] for row in rows]


def _apart(labels: Sequence[Any], column: str, separator: str, *, told: bool) -> Meant:
    """Labels as tuples, none twice."""
    rows = [_names(label, separator) for label in labels]
    note = f"The column {column!r} is read as several labels of a text"
    between = f" with {separator!r} between them" if separator else ""
    said = [] if told else [f"{note}{between} (labels several; or choose one)."]
    without = sum(not row for row in rows)
    if without:
        said.append(f"{count(without, 'text')} of {len(rows):,} have none of the labels.")
    return Meant(rows, SEVERAL, tuple(said))


def _names(label: Any, separator: str) -> tuple[str, ...]:
    whole: Sequence[str] = label if isinstance(label, tuple) else (label,)
    parts: Sequence[str] = label.split(separator) if separator and isinstance(label, str) else whole
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _separator(labels: Sequence[Any]) -> str:
    """What stands between several labels of a cell; empty where nothing does."""
    texts = {label for label in labels if isinstance(label, str)}
    for mark in SEPARATORS:
        parts = {part for text in texts for part in _names(text, mark)}
        if any(mark in text for text in texts) and (mark != "," or len(parts) < len(texts)):
            return mark
    return ""


def _are_ratings(labels: Sequence[Any]) -> bool:
    known = set(labels)
    return 2 < len(known) <= MOST_RATINGS and all(map(_is_rating, known))


def _is_rating(label: Any) -> bool:
    value = as_number(label)
    return value is not None and math.isfinite(value)


def _check_ratings(labels: Sequence[Any], column: str) -> None:
    for label in labels:
        if not _is_rating(label):
            todo = "Ratings are put in order by their size. Give numbers, or choose labels one."
            expected = "numbers, for labels ordinal"
            raise InputError(must(f"the column {column!r}", expected, repr(label), todo))


def _value(label: str) -> float:
    value = as_number(label)
    assert value is not None
    return value
