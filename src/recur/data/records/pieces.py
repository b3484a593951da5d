"""Pieces of music, as piano rolls are made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from recur import files
from recur.data import packed
from recur.data.music import HIGHEST, KEYS, LOWEST, Piece, pieces_of
from recur.data.splits import Records, Rows, Splits
from recur.messages import InputError, listed, must

PARTS = ("train", "valid", "test")
"""The names that a file's parts have, as in the JSON files of czhuang/JSB-Chorales-dataset."""


@dataclass(frozen=True)
class Pieces(Records):
    """Pieces; see `recur.data.music`.

    Attributes:
        pieces: lists of steps, a step the MIDI numbers of the keys that sound.
    """

    pieces: list[Piece]
    noun: ClassVar[str] = "piece"

    def __len__(self) -> int:
        return len(self.pieces)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        return type(self)([self.pieces[row] for row in rows])

    def transposed(self, semitones: int) -> Self:
        """Pieces in every key up to so many semitones away.

        What leaves the keyboard is left out.
        """
        semitones = min(semitones, KEYS)  # further away there is no key
        return type(self)(
            [
                [[key + shift for key in step] for step in piece]
                for piece in self.pieces
                for shift in range(-semitones, semitones + 1)
                if all(LOWEST <= key + shift <= HIGHEST for step in piece for key in step)
            ]
        )


def read_pieces(path: files.PathLike) -> Splits[Pieces]:
    """Reads pieces from a JSON file, plain or packed (.gz).

    Args:
        path: an object with the pieces under "train" and, if they are set apart, "valid" and
            "test"; or a list of pieces; or one piece. A piece is a list of steps, a step a list of
            MIDI numbers.

    Raises:
        InputError: if there is no such file, it is damaged, or it holds something else.
    """
    name = Path(path).name
    content = _json(Path(path))
    if isinstance(content, dict):
        if not content.keys() & set(PARTS):
            expected = f"pieces under {listed(map(repr, PARTS), 'and')}"
            raise InputError(must(name, expected, f"the keys {sorted(content)[:5]}"))
        train, validation, test = (
            Pieces(pieces_of(content.get(part, []), f"{part!r} of {name}")) for part in PARTS
        )
        return Splits(train, validation or None, test or None, about=name)
    return Splits(Pieces(pieces_of(content, name)), about=name)


def _json(path: Path) -> Any:
    if path.suffix != ".gz":
        return files.read_json(path)
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. Check the path.")
    try:
        text = packed.content_of(path).decode("utf-8")
    except packed.DAMAGED as error:
        raise InputError(f"{path} is damaged: it is no packed JSON ({error}).") from error
    return files.parse_json(text, str(path))
