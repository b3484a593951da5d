"""Rows of a table with numbers and symbols, such as connections in a network; perhaps labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recur.data.splits import ORDER, Records, Rows, Splits, at_the_end, by_label
from recur.data.tables import Table, no_column, read_table
from recur.messages import InputError, listed, must

USUAL = ("normal", "benign", "usual", "ok", "no", "false", "0", "0.0")
"""What labels call a row that is no anomaly, where nobody says otherwise."""


@dataclass(frozen=True, eq=False)
class Connections(Records):
    """Rows of a table.

    Attributes:
        columns: by name (N,) numbers in float64, NaN where there is none, or symbols as text.
        labels: what each row is, or none at all.
        usual: the label of what is no anomaly.
        places: what messages and answers call each row.
    """

    columns: Mapping[str, NDArray[Any]]
    labels: list[str]
    usual: str
    places: list[str]
    noun: ClassVar[str] = "row"

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = np.asarray(rows, dtype=np.int64)
        return type(self)(
            {name: cells[at] for name, cells in self.columns.items()},
            [self.labels[row] for row in at] if self.labels else [],
            self.usual,
            [self.places[row] for row in at],
        )

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """(N,) whether each row is an anomaly."""
        return np.array([label != self.usual for label in self.labels], dtype=bool)

    def shown(self, row: int) -> list[str]:
        """The cells of a row, each with the name of its column."""
        return [f"{name}={_short(cells[row])}" for name, cells in self.columns.items()]


def _short(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _labels(records: Connections) -> list[str]:
    return records.labels


_by_label = by_label(_labels)


def latest(records: Connections, share: float) -> tuple[Connections, Connections]:
    """Holds out the last rows; where these hold one kind only, a share of every label."""
    kept, held = at_the_end(records, share)
    both = all(0 < part.anomalous.sum() < len(part) for part in (kept, held))
    return (kept, held) if both else _by_label(records, share)


def unseen(records: Connections, share: float) -> tuple[Connections, Connections]:
    """Holds out whole kinds of anomalies, and the same share of what is usual.

    What is validated on kinds that were learnt from tells nothing about those that come later. They
    are drawn in a fixed random order, as long as no more than half of the anomalies go. Where there
    is one kind only, the same share of every label is held out.
    """
    kinds = Counter(label for label in records.labels if label != records.usual)
    names = sorted(kinds)
    wanted, held, kept_out = share * kinds.total(), set[str](), 0
    for number in np.random.default_rng(ORDER).permutation(len(names)).tolist():
        name = names[number]
        if kept_out < wanted and kept_out + kinds[name] <= kinds.total() / 2:
            held.add(name)
            kept_out += kinds[name]
    if not held:
        return _by_label(records, share)
    strange = records.anomalous
    usual = np.flatnonzero(~strange)
    usual = usual[np.random.default_rng(ORDER).permutation(len(usual))]
    first = round(share * len(usual))
    out = {*usual[:first].tolist()}
    out |= {row for row, label in enumerate(records.labels) if label in held}
    rest = [row for row in range(len(records)) if row not in out]
    return records.take(rest), records.take(sorted(out))


def read_connections(
    source: Any,
    *,
    label: str = "label",
    usual: str = "",
    ignored: Sequence[str] = (),
    delimiter: str = "",
    encoding: str = "",
) -> Splits[Connections]:
    """Reads rows with labels from a table.

    Args:
        source: as `recur.data.tables.read_table` takes it.
        label: the column that says what each row is.
        usual: what it says of a row that is no anomaly; empty: one of `USUAL`.
        ignored: columns that are not read.
        delimiter: as `read_table`.
        encoding: as `read_table`.

    Raises:
        InputError: if the table or its label column is not there, rows have no label, or there are
            no two kinds of rows.
        FailedError: if the package that reads such a file is not installed.
    """
    table = read_table(source, delimiter=delimiter, encoding=encoding)
    labels = table.cells(label)
    for row, cell in enumerate(labels):
        if not cell:
            raise InputError(must(table.place(row, label), "a label", "an empty cell"))
    found = _usual(usual, labels, f"the column {label!r} of {table.name}")
    names = [name for name in table.header if name != label and name not in ignored]
    for name in ignored:
        if name not in table.columns:
            raise InputError(no_column(table.name, name, table.header))
    if not names:
        raise InputError(must(table.name, "columns beside the label", "none"))
    columns = {name: cells_of(table, name) for name in names}
    places = [f"row {row}" for row in table.rows]
    whole = Connections(columns, labels, found, places)
    return Splits(whole, about=table.name, notes=table.notes)


def cells_of(table: Table, name: str) -> NDArray[Any]:
    """A column as numbers where all its cells are, else as symbols."""
    if table.holds_numbers(name):
        try:
            return table.numbers(name).values
        except InputError:
            pass  # a code such as "10a": symbols
    return np.array(table.cells(name), dtype=object)


def _usual(given: str, labels: list[str], what: str) -> str:
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
