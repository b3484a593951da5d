"""Rows of a table with numbers and symbols, such as connections in a network; perhaps labelled."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.data.cells import as_numbers
from recur.data.records.observed import Observed
from recur.data.splits import Rows, Splits, at_the_end, by_label
from recur.data.tables import Table, no_column
from recur.messages import InputError, count, listed, must

USUAL = ("normal", "benign", "usual", "ok", "no", "false", "0", "0.0")
"""What labels call a row that is no anomaly, where nobody says otherwise."""


@dataclass(frozen=True, eq=False)
class Connections(Observed):
    """Rows that stand alone, perhaps with what each is.

    Attributes:
        columns: by name (N,) numbers in float64, NaN where there is none, or symbols as text.
        labels: what each row is, or none at all.
        usual: the label of what is no anomaly.
        places: what messages and answers call each row.
        families: the kind that a label belongs to, such as "dos" of "neptune"; of labels that are
            not in it the label itself.
    """

    columns: Mapping[str, NDArray[Any]]
    labels: list[str]
    usual: str
    places: list[str]
    families: Mapping[str, str] = field(default_factory=dict)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = np.asarray(rows, dtype=np.int64)
        return type(self)(
            {name: cells[at] for name, cells in self.columns.items()},
            [self.labels[row] for row in at] if self.labels else [],
            self.usual,
            [self.places[row] for row in at],
            self.families,
        )

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """(N,) whether each row is an anomaly."""
        return np.array([label != self.usual for label in self.labels], dtype=bool)

    @property
    def kinds(self) -> list[str]:
        """(N,) the kind of each row: the family of its label."""
        return [self.families.get(label, label) for label in self.labels]

    def shown(self, row: int) -> list[str]:
        """The cells of a row, each with the name of its column."""
        return [f"{name}={_short(cells[row])}" for name, cells in self.columns.items()]


def _short(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _labels(records: Connections) -> list[str]:
    return records.labels


of_every_label = by_label(_labels)


def latest(records: Connections, share: float) -> tuple[Connections, Connections]:
    """Holds out the last rows; where these hold one kind only, a share of every label."""
    kept, held = at_the_end(records, share)
    both = all(0 < part.anomalous.sum() < len(part) for part in (kept, held))
    return (kept, held) if both else of_every_label(records, share)


def connections(
    table: Table,
    label: str,
    *,
    usual: str = "",
    ignored: Sequence[str] = (),
    drop_bad: bool = False,
) -> Splits[Connections]:
    """Reads rows with labels from a table.

    Args:
        table: the table.
        label: the column that says what each row is.
        usual: what it says of a row that is no anomaly; empty: one of `USUAL`.
        ignored: columns that are not read.
        drop_bad: leave out rows without a label, or with a cell that is no number in a column of
            numbers, and say how many.

    Raises:
        InputError: if the label column is not there, rows have no label, a column of numbers has a
            cell that is none, or there are no two kinds of rows.
    """
    labels = table.cells(label)
    names = [name for name in table.header if name != label and name not in ignored]
    for name in ignored:
        if name not in table.columns:
            raise InputError(no_column(table.name, name, table.header))
    if not names:
        raise InputError(must(table.name, "columns beside the label", "none"))
    read = {name: cells_of(table, name) for name in names}
    bad = {row: (label, "a label") for row, cell in enumerate(labels) if not cell}
    bad |= {row: (name, "a number") for name in names for row in read[name][1]}
    found = usual_of(usual, [each for each in labels if each], what_of(table, label))
    columns = {name: cells for name, (cells, _) in read.items()}
    whole = Connections(columns, labels, found, [f"row {row}" for row in table.rows])
    if not bad:
        return Splits(whole, about=table.name, notes=table.notes)
    note = _said(table, bad, drop_bad)
    kept = [row for row in range(len(table)) if row not in bad]
    return Splits(whole.take(kept), about=table.name, notes=(*table.notes, note))


def what_of(table: Table, label: str) -> str:
    """What messages call the column of the labels."""
    return f"the column {label!r} of {table.name}"


def cells_of(table: Table, name: str) -> tuple[NDArray[Any], list[int]]:
    """A column as numbers, and the rows with a cell that is none; where most are none, as symbols.

    Rows count from 0. Codes such as "10a" are symbols, and a slip of the pen in a column of
    numbers is a slip.
    """
    if table.holds_numbers(name):
        with contextlib.suppress(InputError):
            return table.numbers(name).values, []
    values, wrong = as_numbers(table.values(name))
    if len(wrong) < np.count_nonzero(~np.isnan(values)):
        return values, wrong
    return np.array(table.cells(name), dtype=object), []


def _said(table: Table, bad: Mapping[int, tuple[str, str]], drop_bad: bool) -> str:
    """What to say about rows that were left out, or the error about the first that is bad."""
    rows = count(len(bad), "row")
    if drop_bad:
        return f"{rows} of {len(table):,} of {table.name} left out: a cell is missing or no number."
    row = min(bad)
    column, expected = bad[row]
    got = repr(table.cells(column)[row]) if table.cells(column)[row] else "an empty cell"
    more = f" {rows} are so." if len(bad) > 1 else ""
    todo = f"Mend it, or leave such rows out (drop bad).{more}"
    raise InputError(must(table.place(row, column), expected, got, todo))


def usual_of(given: str, labels: Sequence[str], what: str) -> str:
    """What labels say of a row that is no anomaly: what is given, or one of `USUAL`.

    Raises:
        InputError: if there is none, or nothing else; `what` messages call the labels.
    """
    kinds = Counter(labels)
    words = (given,) if given else USUAL
    found = next((kind for kind in kinds if kind.lower() in words or kind in words), "")
    some = listed(map(repr, sorted(kinds)[:5]), "and")
    if not found:
        todo = "Name what is no anomaly (normal)."
        raise InputError(must(what, f"{listed(map(repr, words))} for usual rows", some, todo))
    if len(kinds) < 2:
        raise InputError(must(what, "usual rows and anomalies", f"{some} only"))
    return found
