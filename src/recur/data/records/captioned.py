"""Pictures with what is said about them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from recur import files
from recur.data import pictures as drawn
from recur.data.frames import library_of
from recur.data.pictures import ENDINGS, Picture, decoded, of_file
from recur.data.splits import Records, Rows, Splits, at_the_end
from recur.data.tables import read_table
from recur.messages import InputError, count, must

MOST_NAMED = 3
"""Pictures left out that a note names."""


@dataclass(frozen=True)
class CaptionedPictures(Records):
    """Pictures and their captions; none, where pictures are only asked about.

    Attributes:
        pictures: N of them.
        captions: for each, one or several.
        varied: whether they are to be changed at random whenever they are read.
    """

    pictures: list[Picture]
    captions: list[tuple[str, ...]]
    varied: bool = False
    noun: ClassVar[str] = "picture"

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        captions = [self.captions[row] for row in rows] if self.captions else []
        return replace(self, pictures=[self.pictures[row] for row in rows], captions=captions)

    @property
    def pairs(self) -> list[tuple[int, str]]:
        """Each caption with the number of its picture."""
        return [(row, each) for row, some in enumerate(self.captions) for each in some]

    @classmethod
    def asked(cls, inputs: Sequence[object], task: str) -> Self:
        """Pictures without captions, for an answer: paths, or arrays (height, width, 3) of bytes.

        Raises:
            InputError: if there is none, a file is missing, or one is something else.
        """
        return cls(drawn.asked(inputs, task), [])


class Columns(NamedTuple):
    """The columns of a table of captions."""

    picture: str = "picture"
    caption: str = "caption"


USUAL = Columns()


def read_captioned(
    source: files.PathLike | Any,
    columns: Columns = USUAL,
    *,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
) -> Splits[CaptionedPictures]:
    """Reads pictures with captions.

    Args:
        source: a folder of pictures with a text file of the same name beside each, a caption a
            line; or a table with a column of paths, from its own folder on, and one of captions, in
            which a picture may stand several times.
        columns: of the table.
        delimiter: of a table in text; see `recur.data.tables.read_table`.
        encoding: of texts.
        drop_bad: leave out pictures that are missing or cannot be decoded, and rows without a
            picture or a caption, and say how many.

    Raises:
        InputError: if a file is missing, in another encoding or damaged, the table lacks a column,
            or there is no picture with a caption.
        FailedError: if the package that reads such a table is not installed.
    """
    notes: tuple[str, ...] = ()
    if not library_of(source) and os.path.isdir(source):
        name, folder = Path(source).name, Path(source)
        pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
        found = {path: _beside(path, encoding) for path in pictures}
        bare = sum(not captions for captions in found.values())
        if bare:
            notes = (f"{bare:,} of {count(len(found), 'picture')} left out: no caption beside it.",)
    else:
        table = read_table(source, each="caption", delimiter=delimiter, encoding=encoding)
        name, notes = table.name, table.notes
        folder = Path() if library_of(source) else Path(source).parent
        found = {}
        cells = zip(table.cells(columns.picture), table.cells(columns.caption), strict=True)
        for row, (path, caption) in enumerate(cells):
            if path and caption:
                found.setdefault(folder / path, []).append(caption)
            elif not drop_bad:
                column = columns.caption if path else columns.picture
                raise InputError(must(table.place(row, column), "a text", "none"))
        lacking = len(table) - sum(map(len, found.values()))
        if lacking:
            left = f"{lacking:,} of {count(len(table), 'row')} left out: no picture or caption."
            notes = (*notes, left)
    kept = [(path, tuple(captions)) for path, captions in found.items() if captions]
    readable, bad = _readable([path for path, _ in kept], drop_bad)
    records = CaptionedPictures(readable, [some for path, some in kept if path not in bad])
    if bad:
        named = ", ".join(path.name for path in bad[:MOST_NAMED])
        more = " and others" if len(bad) > MOST_NAMED else ""
        left = f"{len(bad):,} of {count(len(kept), 'picture')} left out ({named}{more})"
        notes = (*notes, f"{left}: not to be read.")
    if not len(records):
        todo = "Put a .txt of the same name beside each picture, or give a table."
        raise InputError(must(name, "pictures with captions", "none", todo))
    return Splits(records, about=name, notes=notes)


def _readable(paths: Sequence[Path], drop_bad: bool) -> tuple[list[Picture], list[Path]]:
    """The pictures that are there and can be decoded, and the paths of the others.

    Raises:
        InputError: if there are others, and none may be left out; the text names the first.
    """
    kept, bad = [], dict[Path, InputError]()
    for path in paths:
        try:
            picture = of_file(path)
            decoded(picture, 1)
            kept.append(picture)
        except InputError as error:
            bad[path] = error
    if bad and not drop_bad:
        more = f" So it is with {count(len(bad) - 1, 'other')}." if len(bad) > 1 else ""
        first = next(iter(bad.values()))
        raise InputError(f"{first}{more} Such pictures can be left out (drop bad).") from first
    return kept, list(bad)


def apart(records: CaptionedPictures, share: float) -> tuple[CaptionedPictures, CaptionedPictures]:
    """Holds out a share of the pictures, always the same ones, each with all of its captions."""
    order = np.random.default_rng(0).permutation(len(records))
    return at_the_end(records.take(order), share)


def _beside(path: Path, encoding: str) -> list[str]:
    text = path.with_suffix(".txt")
    return list(_lines(text, encoding)) if text.is_file() else []


def _lines(path: Path, encoding: str) -> Iterator[str]:
    for line in files.read_text(path, encoding or None).splitlines():
        if line.strip():
            yield line.strip()
