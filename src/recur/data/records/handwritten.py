"""Handwriting as strokes of a pen, with what is written and by whom."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from recur import files
from recur.data.frames import library_of
from recur.data.ink import Ink, parse_inkml
from recur.data.records.transcribed import MOST_NAMED, Transcribed
from recur.data.splits import Rows, Splits, at_the_end, by_group, mixed
from recur.data.tables import Table, read_table
from recur.messages import FailedError, InputError, count, must, shown

INKML = ".inkml"
OBJECT = '{"text": "hi", "writer": "anna", "strokes": [[[0, 0], [3, 9]], [[5, 2]]]}'


@dataclass(frozen=True)
class Handwritten(Transcribed):
    """Pieces of handwriting; texts and writers are empty where they are only asked about.

    Attributes:
        inks: N pieces.
        called: what messages and answers call each.
        transcripts: what is written in each, or none at all.
        writers: who wrote each, or none at all.
        varied: they are to be learnt from with changes by chance.
    """

    inks: list[Ink]
    called: list[str]
    transcripts: list[str]
    writers: list[str]
    varied: bool = False
    noun: ClassVar[str] = "piece"

    def __len__(self) -> int:
        return len(self.inks)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        at = [int(row) for row in rows]
        return type(self)(
            [self.inks[row] for row in at],
            [self.called[row] for row in at],
            [self.transcripts[row] for row in at] if self.transcripts else [],
            [self.writers[row] for row in at] if self.writers else [],
            self.varied,
        )

    @property
    def names(self) -> list[str]:
        """What messages call each of them."""
        return self.called

    @classmethod
    def asked(cls, inputs: Sequence[Any], *, down: bool = False) -> Self:
        """Handwriting without texts, for an answer.

        Args:
            inputs: paths of InkML files; strokes as `Ink.of` takes them, or an object with them
                (such as {"strokes": ..., "id": "a"}), as they are or as the text of their JSON.
            down: y grows downward, but for InkML.

        Raises:
            InputError: if there is none, or one is something else.
            FailedError: if the package that reads InkML is not installed.
        """
        if not len(inputs):
            raise InputError("handwriting needs strokes: an InkML file, or strokes as JSON.")
        pieces = [_asked(each, number, down) for number, each in enumerate(inputs, start=1)]
        return cls([piece.ink for piece in pieces], [piece.name for piece in pieces], [], [])


class Columns(NamedTuple):
    """The columns of a table of handwriting: strokes, or paths of InkML files, the texts, writers.

    The last three may be missing; without an "id" a piece is called by its row.
    """

    strokes: str = "strokes"
    text: str = "text"
    writer: str = "writer"
    path: str = "path"
    name: str = "id"


USUAL = Columns()


class _Piece(NamedTuple):
    ink: Ink
    name: str
    text: str = ""
    writer: str = ""


class _Unread(NamedTuple):
    """A piece before its strokes are looked at: an InkML file, or strokes."""

    place: str
    name: str
    given: Any
    text: str = ""
    writer: str = ""


def apart(records: Handwritten, share: float) -> tuple[Handwritten, Handwritten]:
    """Holds out whole writers; where there are not two, pieces, always the same ones."""
    if len(set(records.writers)) > 1:
        return by_group(_writers)(records, share)
    return at_the_end(mixed(records), share)


def _writers(records: Handwritten) -> list[str]:
    return records.writers


def read_handwritten(
    source: Any,
    columns: Columns = USUAL,
    *,
    down: bool = False,
    delimiter: str = "",
    encoding: str = "",
    drop_bad: bool = False,
) -> Splits[Handwritten]:
    """Reads handwriting with its texts.

    Args:
        source: a folder with InkML files, also with folders in it: one says its text in an
            annotation of the type truth, or in a text file beside it (a.inkml and a.txt), and its
            writer in one of the type writer, or by the folder that it lies in, if not the first.
            Or a table as `recur.data.tables.read_table` takes it: JSON lines with strokes, or a
            column of the paths of InkML files, as seen from its folder.
        columns: of a table.
        down: y grows downward in a table, as on screens.
        delimiter: of a table.
        encoding: of a table.
        drop_bad: leave out what cannot be read, or has no text, and say how many.

    Raises:
        InputError: if there is none, or a piece is not what it should be.
        FailedError: if the package that reads InkML is not installed.
    """
    notes: tuple[str, ...] = ()
    if not library_of(source) and isinstance(source, str | Path) and Path(source).is_dir():
        name, unread = Path(source).name, list(_in_folder(Path(source)))
    else:
        table = read_table(source, delimiter=delimiter, encoding=encoding, each="piece")
        name, notes = table.name, table.notes
        folder = Path() if library_of(source) else Path(source).parent
        unread = list(_in_table(table, columns, folder))
    records, bad = _opened(unread, name, down, drop_bad)
    if bad:
        named = ", ".join(bad[:MOST_NAMED]) + (" and others" if len(bad) > MOST_NAMED else "")
        notes = (*notes, f"{count(len(bad), records.noun)} left out ({named}): not to be read.")
    if not records.writers:
        unsaid = "Who wrote is not said of all: a writer may stand on both sides of the split."
        notes = (*notes, unsaid)
    return Splits(records, about=name, notes=notes)


def _opened(
    unread: list[_Unread], name: str, down: bool, drop_bad: bool
) -> tuple[Handwritten, list[str]]:
    """The pieces, and the places of those that are left out."""
    kept, bad = [], []
    for each in unread:
        try:
            piece = _piece(each, down)
            if not piece.text:
                raise InputError(must(each.place, "with the text that is written", "none"))
            kept.append(piece)
        except InputError as error:
            if not drop_bad:
                raise InputError(f"{error} Such pieces can be left out (drop bad).") from error
            bad.append(each.place)
    if not kept:
        raise InputError(must(name, "pieces of handwriting with their texts", "none to be read"))
    return _records(kept), bad


def _records(pieces: list[_Piece]) -> Handwritten:
    writers = [piece.writer for piece in pieces]
    return Handwritten(
        [piece.ink for piece in pieces],
        [piece.name for piece in pieces],
        [piece.text for piece in pieces],
        writers if all(writers) else [],
    )


def _in_folder(folder: Path) -> Iterator[_Unread]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() == INKML and p.is_file())
    if not found:
        todo = "Handwriting in JSON lines is a file, not a folder."
        raise InputError(must(str(folder), f"a folder with {INKML} files", "none", todo))
    for path in found:
        inner = path.parent.name if path.parent != folder else ""
        beside = path.with_suffix(".txt")
        text = files.read_text(beside) if beside.is_file() else ""
        yield _Unread(path.name, path.name, path, text, inner)


def _in_table(table: Table, columns: Columns, folder: Path) -> Iterator[_Unread]:
    by_path = columns.strokes not in table.columns and columns.path in table.columns
    given = table.cells(columns.path) if by_path else table.values(columns.strokes)
    texts, writers, names = (
        table.cells(each) if each in table.columns else [""] * len(table)
        for each in (columns.text, columns.writer, columns.name)
    )
    for row, (ink, text, writer, name) in enumerate(zip(given, texts, writers, names, strict=True)):
        place = table.place(row, columns.path if by_path else columns.strokes)
        called = name or f"row {table.rows[row]} of {table.name}"
        yield _Unread(place, called, folder / ink if by_path else ink, text, writer)


def _piece(unread: _Unread, down: bool) -> _Piece:
    """What was given, read; what is said beside an InkML file wins over what is said in it."""
    _, name, given, text, writer = unread
    if isinstance(given, Path):
        read = parse_inkml(files.read_bytes(given), given.name)
        ink, text, writer = read.ink, text or read.text, read.writer or writer
    else:
        ink = Ink.of(_parsed(given, unread.place), unread.place, down=down)
    return _Piece(ink, name, " ".join(text.split()), writer)


def _parsed(given: Any, what: str) -> Any:
    """Strokes, where they came as the text of their JSON: a cell of a CSV file."""
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        return files.parse_json(given, what)
    return given


def _asked(given: Any, number: int, down: bool) -> _Piece:
    what = f"piece {number}"
    read = _parsed(given, what)
    if isinstance(read, str | Path):
        path = files.path_of(read)
        if path.suffix.lower() != INKML:
            todo = f"A file of JSON lines is asked with from_file (--file); one is {OBJECT}."
            raise InputError(must(what, "an InkML file, or strokes", shown(given), todo))
        return _piece(_Unread(path.name, path.name, path), down)
    if isinstance(read, Mapping):
        if "strokes" not in read:
            raise InputError(must(what, f"an object such as {OBJECT}", sorted(read)))
        called, read = str(read.get("id") or what), read["strokes"]
        return _piece(_Unread(what, called, read), down)
    return _piece(_Unread(what, what, read), down)


def varied(records: Handwritten) -> Handwritten:
    """The same, to be learnt from with changes by chance."""
    return dataclasses.replace(records, varied=True)


def parse_lines(content: bytes, name: str) -> Handwritten:
    """Reads the JSON lines of a dataset, which say text, writer and id of all.

    Raises:
        FailedError: if they are damaged.
    """
    try:
        lines = [json.loads(line) for line in content.decode("utf-8").splitlines()]
        return _records(
            [
                _Piece(Ink.of(each["strokes"], name), each["id"], each["text"], each["writer"])
                for each in lines
            ]
        )
    except (ValueError, KeyError, TypeError) as error:  # InputError is a ValueError
        raise FailedError(f"{name} is damaged: {error}. Get it again.") from error
