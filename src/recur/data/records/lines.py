"""Pictures of written lines with what is written in them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from recur import files
from recur.data.line_pictures import size_of
from recur.data.pictures import ENDINGS, Picture, of_file
from recur.data.records.transcribed import MOST_NAMED, Transcribed
from recur.data.splits import Rows, Splits, at_the_end, by_group
from recur.data.tables import read_table
from recur.messages import InputError, count, must, shown

TEXTS = (".gt.txt", ".txt")
"""What stands for the ending of a picture in the name of the file with its text."""


@dataclass(frozen=True)
class Lines(Transcribed):
    """Lines; transcripts and groups are empty where they are only asked about.

    Attributes:
        pictures: N of them.
        sizes: the width and height of each.
        transcripts: what is written in each, or none at all.
        groups: what lines have in common that may not stand on both sides of a test: the page, the
            writer, the font; or none at all.
        varied: they are to be learnt from with changes by chance.
    """

    pictures: list[Picture]
    sizes: list[tuple[int, int]]
    transcripts: list[str]
    groups: list[str]
    varied: bool = False
    noun: ClassVar[str] = "line"

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = [int(row) for row in rows]
        return replace(
            self,
            pictures=[self.pictures[row] for row in at],
            sizes=[self.sizes[row] for row in at],
            transcripts=[self.transcripts[row] for row in at] if self.transcripts else [],
            groups=[self.groups[row] for row in at] if self.groups else [],
        )

    @property
    def names(self) -> list[str]:
        """What messages call each of them."""
        return [picture.name for picture in self.pictures]

    @classmethod
    def asked(cls, inputs: Sequence[Any]) -> Self:
        """Lines without transcripts, for an answer.

        Args:
            inputs: paths; Pillow's pictures; or arrays (height, width), (height, width, 3) or
                (height, width, 4), bytes or numbers from 0 to 1.

        Raises:
            InputError: if there is none, or one is no picture of a line.
        """
        if not len(inputs):
            raise InputError("ocr needs a picture of a line, such as line.png.")
        found = [_asked(each, number) for number, each in enumerate(inputs, start=1)]
        return cls(found, [size_of(each) for each in found], [], [])


class Columns(NamedTuple):
    """The columns of a table of lines."""

    path: str = "path"
    text: str = "transcript"
    group: str = "group"


USUAL = Columns()


def apart(records: Lines, share: float) -> tuple[Lines, Lines]:
    """Holds out whole groups; where there are not two, a share of the lines at random."""
    if len(set(records.groups)) > 1:
        return _by_group(records, share)
    return at_the_end(records, share)


def _groups(records: Lines) -> list[str]:
    return records.groups


_by_group = by_group(_groups)


def read_lines(
    source: Any,
    columns: Columns = USUAL,
    *,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
) -> Splits[Lines]:
    """Reads lines that a table names, or that lie in a folder.

    Every picture is read once as a whole, so that a damaged one is found before the training.

    Args:
        source: a table as `recur.data.tables.read_table` takes it, a row for each line, paths as
            seen from its folder; or a folder, also with folders in it, where each picture has a
            text file beside it: line.png and line.gt.txt or line.txt, 1.bin.png and 1.gt.txt.
            There the folder that lines lie in is their group, if it is not the first.
        columns: of the table; that of the groups may lack.
        delimiter: of a table.
        encoding: of a table, and of texts.
        drop_bad: leave out what cannot be read, or has no transcript, and say how many.

    Raises:
        InputError: if there is none, or a picture or a transcript is missing or cannot be read.
        FailedError: if a package that reads it is not installed.
    """
    notes: tuple[str, ...] = ()
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        name = Path(source).name
        rows = _in_folder(Path(source), encoding)
    else:
        table = read_table(source, delimiter=delimiter, encoding=encoding, each="line")
        name, notes = table.name, table.notes
        folder = Path(source).parent if isinstance(source, str | os.PathLike) else Path()
        paths, texts = table.cells(columns.path), table.cells(columns.text)
        known = columns.group != USUAL.group or columns.group in table.columns
        groups = table.cells(columns.group) if known else [""] * len(paths)
        rows = [
            _Row(folder / path, text, group, f"row {row} of {name}")
            for path, text, group, row in zip(paths, texts, groups, table.rows, strict=True)
        ]
    lines, left = _opened(rows, name, drop_bad)
    if lines.groups:
        groups_here = count(len(set(lines.groups)), "group")
        notes = (*notes, f"Of {groups_here}; where there are several, whole ones are held out.")
    return Splits(lines, about=name, notes=(*notes, *left))


def written(text: str) -> str:
    """A transcript as it is learnt: composed letters (NFC), single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@dataclass(frozen=True)
class _Row:
    path: Path
    text: str
    group: str
    place: str


def _in_folder(folder: Path, encoding: str) -> list[_Row]:
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not paths:
        expected = "a folder of pictures of lines, each with its text beside it"
        raise InputError(must(str(folder), expected, "none", "Such as line.png and line.gt.txt."))
    return [
        _Row(
            path,
            _beside(path, encoding),
            str(path.parent.relative_to(folder)) if path.parent != folder else "",
            str(path.relative_to(folder)),
        )
        for path in paths
    ]


def _beside(path: Path, encoding: str) -> str:
    for stem in dict.fromkeys([path.stem, path.name.partition(".")[0]]):
        for ending in TEXTS:
            text = path.with_name(stem + ending)
            if text.is_file():
                return files.read_text(text, encoding or None)
    return ""


def _opened(rows: list[_Row], name: str, drop_bad: bool) -> tuple[Lines, tuple[str, ...]]:
    pictures, sizes, kept, bad = [], [], [], []
    for row in rows:
        try:
            if not row.text.strip():
                todo = "Put it into a text file beside the picture, or into the table."
                raise InputError(must(row.place, "with a transcript", "none", todo))
            picture = of_file(row.path)
            sizes.append(size_of(picture))
            pictures.append(picture)
            kept.append(row)
        except InputError as error:
            if not drop_bad:
                raise InputError(f"{error} Such lines can be left out (drop bad).") from error
            bad.append(row.place)
    if not kept:
        raise InputError(must(name, "pictures of lines with transcripts", "none that can be read"))
    known = all(row.group for row in kept)
    texts = [written(row.text) for row in kept]
    lines = Lines(pictures, sizes, texts, [row.group for row in kept] if known else [])
    return lines, (_left_out(bad, "cannot be read, or has no transcript"),) if bad else ()


def _left_out(names: Sequence[str], why: str) -> str:
    named = ", ".join(shown(name, str) for name in names[:MOST_NAMED])
    more = " and others" if len(names) > MOST_NAMED else ""
    return f"{count(len(names), Lines.noun)} left out ({named}{more}): each {why}."


def _asked(given: Any, number: int) -> Picture:
    if isinstance(given, str | os.PathLike):
        return of_file(Path(files.path_of(given)))
    name = f"picture {number}"
    if hasattr(given, "__array__") or hasattr(given, "__array_interface__"):
        values = _in_bytes(np.asarray(given), name)
        return Picture(name, lambda: values)
    expected = "a path, a picture of Pillow or an array"
    raise InputError(must(name, expected, type(given).__name__))


def _in_bytes(values: Any, name: str) -> Any:
    """Pixels as bytes; those of numbers with a fraction are from 0 to 1."""
    right = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))
    fraction = values.dtype.kind == "f"
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    inside = fraction and values.size and 0 <= values.min() and values.max() <= 1
    if not right or not values.size or not (values.dtype == np.uint8 or inside):
        expected = "(height, width), or with 3 or 4 colours, bytes or numbers from 0 to 1"
        raise InputError(must(name, expected, f"{values.dtype} {values.shape}"))
    return (values * 255).round().astype(np.uint8) if fraction else values
