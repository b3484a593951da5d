"""Clips with a label each, and perhaps a tag for each frame: films, or skeletons over time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from recur import files
from recur.data import film, skeletons
from recur.data.film import Film
from recur.data.frames import library_of
from recur.data.labelled_folder import Kind, in_parts
from recur.data.skeletons import Skeleton
from recur.data.splits import Records, Rows, Splits, by_group_or_label
from recur.data.tables import read_table
from recur.messages import InputError, count, must

MOST_NAMED = 3
"""Clips left out that a note names."""


@dataclass(frozen=True, eq=False)
class Filmed(Records):
    """Clips; labels, tags and people are empty where they are not known.

    Attributes:
        clips: N of them.
        labels: the class of each.
        tags: of each a tag for every frame.
        people: who is in it.
        names: what messages and answers call each.
        varied: they are to be learnt from with changes by chance.
    """

    clips: list[Any]
    labels: list[str]
    tags: list[tuple[str, ...]]
    people: list[str]
    names: list[str]
    varied: bool = False
    noun: ClassVar[str] = "clip"

    def __len__(self) -> int:
        return len(self.clips)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        lists = {
            name: getattr(self, name) for name in ("clips", "labels", "tags", "people", "names")
        }
        taken: dict[str, Any] = {n: [x[row] for row in rows] if x else [] for n, x in lists.items()}
        return replace(self, **taken)


class Films(Filmed):
    """Clips that are films: `recur.data.film.Film`."""


class Skeletons(Filmed):
    """Clips that are skeletons over time: `recur.data.skeletons.Skeleton`."""


def _people(records: Filmed) -> list[str]:
    return records.people


def _labels(records: Filmed) -> list[str]:
    return records.labels


apart = by_group_or_label(_people, _labels)
"""Holds out whole people; where there are not two, the same share of every label."""


class How(NamedTuple):
    """How clips are read.

    Attributes:
        path: the column of the paths, in a table.
        label: the column of the classes.
        person: the column of the people; a table may lack it.
        drop_bad: leave out what cannot be read, and name it.
        delimiter: of a table, as `recur.data.tables.read_table` takes it.
        encoding: likewise.
    """

    path: str = "path"
    label: str = "label"
    person: str = "person"
    drop_bad: bool = False
    delimiter: str = ""
    encoding: str = ""


class _Raw(NamedTuple):
    path: Path
    label: str
    person: str


def read_filmed(source: Any, how: How, *, alone: bool = False) -> Splits[Filmed]:
    """Reads clips with a label each.

    Args:
        source: a folder for each class with clips in it, FOLDER/CLASS/wave.mp4, or, where it is
            known who is in them, FOLDER/CLASS/PERSON/wave.mp4; perhaps in parts,
            FOLDER/train/CLASS/... A folder of pictures is a clip too, and so are .gif, .csv, .npy
            and .npz, the last three of skeletons. Or a table with a path and a label a row. Where
            each clip has a .txt of its name beside it, that holds a tag a line, one for each frame.
        how: how they are read.
        alone: all may be of one class, where nothing is learnt from them.

    Raises:
        InputError: if there is none, or one cannot be read, or both films and skeletons are there.
        FailedError: if the package that reads films is not installed.
    """
    if not library_of(source) and os.path.isdir(source):
        name = Path(source).name
        kind = Kind("clip", (), "*.mp4", inside=_inside)
        found = in_parts(source, kind, lambda _, clips: clips, least=1 if alone else 2)
        parts = [None if part is None else [_placed(*each) for each in part] for part in found]
    else:
        name, rows = _of_table(source, how)
        parts = [rows, None, None]
    opened = [None if part is None else _opened(part, how, name) for part in parts]
    notes = tuple(note for part in opened if part is not None for note in part[1:])
    train, validation, test = (None if part is None else part[0] for part in opened)
    assert train is not None
    if len({type(part) for part in (train, validation, test) if part is not None}) > 1:
        raise InputError(must(name, "all of films, or all of skeletons", "both"))
    people = len(set(train.people))
    if people > 1:
        notes = (*notes, f"Of {count(people, 'person', 'people')}; whole ones are held out.")
    if len(set(train.labels)) < (1 if alone else 2):
        got = f"only {train.labels[0]!r} in {count(len(train), 'clip')}"
        raise InputError(must(name, "clips of at least two classes", got))
    return Splits(train, validation, test, about=name, notes=notes)


def asked(inputs: Sequence[Any], how: How) -> Filmed:
    """Clips without labels, for an answer: paths; or arrays, of bytes films, of others skeletons.

    Raises:
        InputError: if there is none, one is something else, or both kinds are there.
    """
    if not len(inputs):
        raise InputError("video needs a clip, such as wave.mp4.")
    found = [_asked(each, number, how) for number, each in enumerate(inputs, start=1)]
    clips, names = [clip for clip, _ in found], [name for _, name in found]
    return _kind(clips, "the clips")(clips, [], [], [], names)


def _asked(given: Any, number: int, how: How) -> tuple[Film | Skeleton, str]:
    if isinstance(given, str | os.PathLike):
        path = files.path_of(given)
        clip = _clip(path, how)
        if isinstance(clip, Film):
            clip.check()
        return clip, str(path)
    name = f"clip {number}"
    if not isinstance(given, np.ndarray):
        raise InputError(must(name, "a path or an array", type(given).__name__))
    make = film.of_array if given.dtype == np.uint8 else skeletons.of_array
    return make(given, name), name


def _inside(folder: Path) -> Iterator[Path]:
    """The clips of a class: in its folder, or in one for each person."""
    for path in sorted(folder.iterdir()):
        if path.name[0] == ".":
            continue
        if film.is_film(path) or _is_skeleton(path):
            yield path
        elif path.is_dir():
            for inner in sorted(path.iterdir()):
                if inner.name[0] != "." and (film.is_film(inner) or _is_skeleton(inner)):
                    yield inner


def _is_skeleton(path: Path) -> bool:
    return path.suffix.lower() in skeletons.ENDINGS and path.is_file()


def _placed(path: Path, label: str) -> _Raw:
    inner = path.parent.name
    return _Raw(path, label, inner if inner != label else "")


def _of_table(source: Any, how: How) -> tuple[str, list[_Raw]]:
    table = read_table(source, each="clip", delimiter=how.delimiter, encoding=how.encoding)
    folder = Path() if library_of(source) else Path(source).parent
    paths, labels = table.cells(how.path), table.cells(how.label)
    people = table.cells(how.person) if how.person in table.header else [""] * len(paths)
    for row, (path, label) in enumerate(zip(paths, labels, strict=True)):
        if not path or not label:
            column = how.label if path else how.path
            raise InputError(must(table.place(row, column), "a text", "none"))
    rows = zip(paths, labels, people, strict=True)
    return table.name, [_Raw(folder / path, label, who) for path, label, who in rows]


def _opened(rows: list[_Raw], how: How, name: str) -> tuple[Filmed, *tuple[str, ...]]:
    """The clips, and a note about those that were left out."""
    kept: list[tuple[_Raw, Any]] = []
    bad: list[str] = []
    for row in rows:
        try:
            clip = _clip(row.path, how)
            if how.drop_bad and isinstance(clip, Film):
                clip.check()
            kept.append((row, clip))
        except InputError as error:
            if not how.drop_bad:
                raise InputError(f"{error} Such clips can be left out (drop bad).") from error
            bad.append(str(row.path))
    if not kept:
        raise InputError(must(name, "clips that can be read", "none"))
    clips = [clip for _, clip in kept]
    tags = [_tags_beside(row.path) for row, _ in kept]
    lacking = [row.path for (row, _), some in zip(kept, tags, strict=True) if some is None]
    if lacking and len(lacking) < len(kept):
        todo = "Give every clip one, or none."
        raise InputError(must(str(lacking[0]), "with a .txt of tags, as others have", "none", todo))
    found = _kind(clips, name)(
        clips,
        [row.label for row, _ in kept],
        [some for some in tags if some is not None],
        [row.person for row, _ in kept] if all(row.person for row, _ in kept) else [],
        [str(row.path) for row, _ in kept],
    )
    named = ", ".join(bad[:MOST_NAMED]) + (" and others" if len(bad) > MOST_NAMED else "")
    left = f"{count(len(bad), 'clip')} left out ({named}): not to be read."
    return (found, left) if bad else (found,)


def _clip(path: Path, how: How) -> Film | Skeleton:
    if _is_skeleton(path):
        return skeletons.read_skeleton(path, delimiter=how.delimiter, encoding=how.encoding)
    return film.of_path(path)


def _kind(clips: Sequence[Any], name: str) -> type[Filmed]:
    kinds = {Films if isinstance(clip, Film) else Skeletons for clip in clips}
    if len(kinds) > 1:
        raise InputError(must(name, "all of films, or all of skeletons", "both"))
    return kinds.pop()


def _tags_beside(path: Path) -> tuple[str, ...] | None:
    beside = path.with_name(f"{path.name}.txt") if path.is_dir() else path.with_suffix(".txt")
    if not beside.is_file():
        return None
    return tuple(line.strip() for line in files.read_text(beside).splitlines() if line.strip())
