"""Pairs of texts: one that is read, and one that is to be written for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from recur import files
from recur.data.frames import library_of
from recur.data.packed import unpacked
from recur.data.splits import Records, Rows, Splits, by_label
from recur.data.tables import is_table, read_table
from recur.messages import InputError, count, must


@dataclass(frozen=True)
class Pairs(Records):
    """Texts and what is to be written for them; nothing is, where texts are only asked about.

    Attributes:
        sources: N of them.
        targets: one for each, or none at all.
    """

    sources: list[str]
    targets: list[str]
    noun: ClassVar[str] = "pair"

    def __len__(self) -> int:
        return len(self.sources)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        targets = [self.targets[row] for row in rows] if self.targets else []
        return type(self)([self.sources[row] for row in rows], targets)

    @classmethod
    def asked(cls, inputs: Sequence[object], task: str, example: str) -> Self:
        """Sources without targets, for an answer; they may be empty, as lines of a file are.

        Raises:
            InputError: if there is none, or one is no text.
        """
        texts = [each for each in inputs if isinstance(each, str)]
        if not texts or len(texts) != len(inputs):
            raise InputError(f"{task} needs a text, such as {example}.")
        return cls(texts, [])


def _alike(records: Pairs) -> list[str]:
    return [""] * len(records)


def _sources(records: Pairs) -> list[str]:
    return records.sources


apart = by_label(_alike, same=_sources)
"""Holds out a share of the pairs; a source that occurs twice stands on one side."""


class Columns(NamedTuple):
    """The columns of a table; empty: the first and the second."""

    source: str = ""
    target: str = ""


FIRST_TWO = Columns()


def read_pairs(
    source: files.PathLike | Any,
    target: str = "",
    *,
    columns: Columns = FIRST_TWO,
    delimiter: str = "",
    encoding: str = "",
) -> Splits[Pairs]:
    """Reads pairs: two files side by side, a table, or lines with a tab between source and target.

    Args:
        source: a path, or a table of pandas, polars or pyarrow.
        target: the file whose lines belong to those of `source`; it is looked for beside it too.
        columns: of a table.
        delimiter: of a table in text; see `recur.data.tables.read_table`.
        encoding: of texts.

    Pairs of which a side is blank are left out, and counted in a note.

    Raises:
        InputError: if a file is missing, in another encoding or damaged, two files differ in their
            lines, a line has no tab, a table lacks a column, or no pair is left.
        FailedError: if the package that reads such a table is not installed.
    """
    if library_of(source) or (not target and is_table(source)):
        name, sources, targets, notes = _of_table(source, columns, delimiter, encoding)
    else:
        name, notes = Path(source).name, ()
        lines = _lines(source, encoding)
        if target:
            beside = files.beside(source, target)
            sources, targets = lines, _lines(beside, encoding)
            _check_as_many(name, len(sources), beside.name, len(targets))
        else:
            sources, targets = _tabbed(lines, name)
    rows = [row for row in range(len(sources)) if sources[row].strip() and targets[row].strip()]
    if not rows:
        raise InputError(f"{name} has no pair of two texts.")
    if len(rows) < len(sources):
        left = len(sources) - len(rows)
        notes += (
            f"{left:,} of {count(len(sources), 'pair')} of {name} left out: a side is blank.",
        )
    pairs = Pairs([sources[row].strip() for row in rows], [targets[row].strip() for row in rows])
    return Splits(pairs, about=name, notes=notes)


def sources_in(
    path: files.PathLike, column: str = "", *, delimiter: str = "", encoding: str = ""
) -> list[str]:
    """The texts of a table's column, the first one if it is not named; blank ones too.

    Raises:
        InputError: if the file cannot be read, or has no such column.
    """
    table = read_table(path, each="text", short=True, delimiter=delimiter, encoding=encoding)
    return table.cells(column or table.header[0])


def lines_of(text: str) -> list[str]:
    """The lines of a text, and of other line separators none: files go side by side by these."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _lines(path: files.PathLike, encoding: str) -> list[str]:
    content, _ = unpacked(path)
    return lines_of(files.decoded(content, path, encoding))


def _check_as_many(name: str, lines: int, other: str, others: int) -> None:
    if lines != others:
        expected = f"as many lines as {name} ({lines:,}), each written for that line"
        raise InputError(must(other, expected, f"{others:,}"))


def _tabbed(lines: list[str], name: str) -> tuple[list[str], list[str]]:
    """Lines of source, tab, target and perhaps more, as Tatoeba's pairs come."""
    cells = [line.split("\t") for line in lines if line.strip()]
    short = next((number for number, each in enumerate(cells, start=1) if len(each) < 2), None)
    if short is not None:
        todo = "Name the file of the targets (target), or give a table (.csv, .tsv, .jsonl)."
        raise InputError(must(f"line {short} of {name}", "a pair with a tab between", "none", todo))
    return [each[0] for each in cells], [each[1] for each in cells]


def _of_table(
    source: Any, columns: Columns, delimiter: str, encoding: str
) -> tuple[str, list[str], list[str], tuple[str, ...]]:
    table = read_table(source, each="pair", short=True, delimiter=delimiter, encoding=encoding)
    if len(table.header) < 2 and not all(columns):
        got = f"only {table.header[0]!r}"
        raise InputError(must(table.name, "a column of sources and one of targets", got))
    names = [columns.source or table.header[0], columns.target or table.header[1]]
    if names[0] == names[1]:
        raise InputError(must("source and target", "two columns", f"{names[0]!r} for both"))
    sources, targets = (table.cells(name) for name in names)
    return table.name, sources, targets, table.notes
