"""Pictures with labels: what they show, or whom."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from recur import files
from recur.data import pictures
from recur.data.frames import library_of
from recur.data.labelled_folder import Files, Kind, in_parts
from recur.data.pictures import Picture, Pixels, of_file, unreadable
from recur.data.splits import Records, Rows, Rule, Splits, by_group, by_label
from recur.data.tables import read_table
from recur.messages import InputError, count, must

OF_CLASSES = Kind("picture", pictures.ENDINGS, "*.png")
OF_PEOPLE = OF_CLASSES._replace(class_noun=("person", "people"))
MOST_NAMED = 3
"""Pictures left out that a note names."""


@dataclass(frozen=True)
class LabelledPictures(Records):
    """Pictures and their labels; labels are empty where pictures are only asked about.

    Attributes:
        pictures: N of them.
        labels: the class of each; or none at all.
        varied: whether they are to be changed at random whenever they are read.
    """

    pictures: list[Picture]
    labels: list[str]
    varied: bool = False
    noun: ClassVar[str] = "picture"

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        labels = [self.labels[row] for row in rows] if self.labels else []
        return replace(self, pictures=[self.pictures[row] for row in rows], labels=labels)

    def joined(self, other: Self) -> Self:
        """These and others, with labels on both sides."""
        return replace(
            self,
            pictures=[*self.pictures, *other.pictures],
            labels=[*self.labels, *other.labels],
        )

    @classmethod
    def asked(cls, inputs: Sequence[object], task: str) -> Self:
        """Pictures without labels, for an answer: paths, or arrays of bytes.

        Raises:
            InputError: if there is none, a file is missing, or one is something else.
        """
        return cls(pictures.asked(inputs, task), [])


class Faces(LabelledPictures):
    """Pictures of faces; the label says whose."""


R = TypeVar("R", bound=LabelledPictures)


def _labels(records: LabelledPictures) -> Sequence[Hashable]:
    return records.labels


def _contents(records: LabelledPictures) -> Sequence[Hashable]:
    """What is the same for a picture that is there twice."""
    return [_digest(each) for each in records.pictures]


def _digest(picture: Picture) -> bytes:
    content = picture.content()
    return hashlib.sha256(content if isinstance(content, bytes) else content.tobytes()).digest()


stratified: Rule[Any] = by_label(_labels, same=_contents)
"""Holds out the same share of every class; a picture that is there twice stands on one side."""


def in_memory(pixels: Pixels, noun: str) -> list[Picture]:
    """Pictures of an array (N, height, width) or (N, height, width, 3), named by their numbers."""
    return [
        Picture(f"{noun} {number}", partial(pixels.__getitem__, number))
        for number in range(len(pixels))
    ]


of_each: Rule[Any] = by_label(_labels, same=_contents, least=1)
"""Holds out the same share of each person's pictures, one at least of those with two."""
by_person: Rule[Any] = by_group(_labels)
"""Holds out whole people."""


def strangers_too(records: R, share: float) -> tuple[R, R]:
    """Holds out pictures: half of them of people who are held out whole, so that nobody knows them.

    The others are the same share of each other person's.
    """
    rest, strangers = by_person(records, share / 2)
    kept, held = of_each(rest, share / 2)
    return kept, held.joined(strangers)


class Columns(NamedTuple):
    """The columns of a table of labelled pictures."""

    picture: str = "picture"
    label: str = "label"


USUAL = Columns()


def read_pictured(
    source: files.PathLike | Any,
    records: type[R] = LabelledPictures,  # type: ignore[assignment]
    kind: Kind = OF_CLASSES,
    columns: Columns = USUAL,
    *,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
    alone: bool = False,
) -> Splits[R]:
    """Reads pictures with labels; each is decoded once, so that a damaged one is known at once.

    Args:
        source: a folder with a folder of pictures for each class, in parts if it sets some apart
            (train/CLASS, test/CLASS); or a table with a column of paths, from its own folder on,
            and one of labels.
        records: the class of what is made of them.
        kind: what the classes are called.
        columns: of the table.
        delimiter: of a table in text; see `recur.data.tables.read_table`.
        encoding: of a table in text.
        drop_bad: leave out pictures that cannot be read, or have no label, and say which.
        alone: all may be of one class, where nothing is learnt from them.

    Raises:
        InputError: if a file is missing or damaged, the table lacks a column, or there are fewer
            than two classes (unless `alone`).
        FailedError: if the package that reads such a table is not installed.
    """
    least, notes = 1 if alone else 2, list[str]()
    if not library_of(source) and os.path.isdir(source):

        def read(folder: Path, found: Files) -> R:
            return _readable(_of_files(found, records), notes, drop_bad)

        parts = in_parts(source, kind, read, least=least)
        return Splits(*parts, about=Path(source).name, notes=tuple(notes))
    table = read_table(source, each="picture", delimiter=delimiter, encoding=encoding)
    folder = Path() if library_of(source) else Path(source).parent
    found: Files = []
    cells = zip(table.cells(columns.picture), table.cells(columns.label), strict=True)
    for row, (path, label) in enumerate(cells):
        if path and label:
            found.append((folder / path, label))
        elif not drop_bad:
            column = columns.label if path else columns.picture
            todo = "Fill it in, or leave such rows out (drop bad)."
            raise InputError(must(table.place(row, column), "a text", "none", todo))
    lacking = len(table) - len(found)
    if lacking:
        notes.append(f"{lacking:,} of {count(len(table), 'row')} left out: no picture or label.")
    classes = len({label for _, label in found})
    if classes < least:
        got = f"{count(len(found), 'picture')} of {count(classes, *kind.class_noun)}"
        expected = f"with pictures of two {kind.class_noun[1]} at least"
        raise InputError(must(table.name, expected, got))
    kept = _readable(_of_files(found, records), notes, drop_bad)
    return Splits(kept, about=table.name, notes=(*table.notes, *notes))


def _of_files(found: Files, records: type[R]) -> R:
    return records([of_file(path) for path, _ in found], [label for _, label in found])


def _readable(found: R, notes: list[str], drop_bad: bool) -> R:
    """Those that can be decoded; a note says which cannot, or an error where none may be lost."""
    bad = unreadable(found.pictures)
    if not bad:
        return found
    if not drop_bad:
        more = f" So it is with {count(len(bad) - 1, 'other')}." if len(bad) > 1 else ""
        first = next(iter(bad.values()))
        raise InputError(f"{first}{more} Such pictures can be left out (drop bad).")
    names = ", ".join(Path(found.pictures[row].name).name for row in list(bad)[:MOST_NAMED])
    more = " and others" if len(bad) > MOST_NAMED else ""
    whole = count(len(found), "picture")
    notes.append(f"{len(bad):,} of {whole} left out ({names}{more}): not to be read.")
    kept = found.take([row for row in range(len(found)) if row not in bad])
    if not len(kept):
        raise InputError(must("the data", "pictures that can be read", "none"))
    return kept
