"""Polyphonic music as a piano roll: which of the 88 keys sound at each step.

A piece is a list of steps, a step the MIDI numbers of the keys that sound, in ascending order: 21
(A0) to 108 (C8), the keys of a piano, with 60 for C4, "middle C" (MIDI Tuning Standard; octaves in
scientific pitch notation). The steps are equally long; a held note and a repeated one look alike.

Legend: T steps of a piece.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must

LOWEST, HIGHEST = 21, 108
KEYS = HIGHEST - LOWEST + 1
PIANO = f"from {LOWEST} (A0) to {HIGHEST} (C8), the keys of a piano"
SILENCE = "-"

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NOTE = re.compile(r"([A-Ga-g])(##|#|bb|b|)(-?\d+)")
_ACCIDENTALS = {"": 0, "#": 1, "##": 2, "b": -1, "bb": -2}

Piece = list[list[int]]


def piano_roll(piece: Piece) -> NDArray[np.float32]:
    """Returns (T, 88), 1 where a key sounds and 0 elsewhere; column 0 is A0, column 87 C8."""
    roll = np.zeros((len(piece), KEYS), dtype=np.float32)
    for step, keys in enumerate(piece):
        roll[step, np.array(keys, dtype=np.int64) - LOWEST] = 1
    return roll


def note_name(key: int) -> str:
    """Returns a MIDI number's name, with sharps: 60 is "C4", 61 "C#4"."""
    return f"{_NAMES[key % 12]}{key // 12 - 1}"


def show_notes(piece: Piece) -> str:
    """Returns a piece as text that `read_notes` reads: "C4 E4 G4 | D4 F4 A4"; "-" is a rest."""
    return " | ".join(" ".join(map(note_name, keys)) or SILENCE for keys in piece)


def read_notes(text: str) -> Piece:
    """Reads notes typed as text: "C4 E4 G4 | D4 F#4 A4".

    Args:
        text: steps parted by "|"; in a step names (a letter, "#", "b" or nothing, an octave) or
            MIDI numbers; "-" or nothing between two bars is a rest.

    Raises:
        InputError: if it is empty, or holds something that is no key of a piano.
    """
    if not text.strip(" \t\r\n|"):
        raise InputError(must("a piece", 'notes such as "C4 E4 G4 | D4 F4 A4"', repr(text)))
    steps = text.strip().removeprefix("|").removesuffix("|").split("|")
    return [
        sorted({_key(word) for word in step.replace(",", " ").split() if word != SILENCE})
        for step in steps
    ]


def pieces_of(content: Any, what: str) -> list[Piece]:
    """Checks what was read from JSON: a list of pieces, or one piece.

    Raises:
        InputError: if it is neither, or a piece has no step or a key that no piano has.
    """
    expected = "a list of pieces: lists of steps, each a list of MIDI numbers such as [60, 64, 67]"
    if not isinstance(content, list):
        raise InputError(must(what, expected, type(content).__name__))
    if content and all(isinstance(step, list) and _numbers(step) for step in content):
        content = [content] if any(content) else content
    return [_piece(piece, f"piece {n} of {what}") for n, piece in enumerate(content, start=1)]


def _piece(piece: Any, what: str) -> Piece:
    if not isinstance(piece, list):
        expected = "a list of steps, each a list of MIDI numbers"
        raise InputError(must(what, expected, repr(piece)[:40]))
    if not piece:
        raise InputError(must(what, "at least one step long", "none", "Leave it out."))
    for n, step in enumerate(piece, start=1):
        where = f"step {n} of {what}"
        if not isinstance(step, list) or not _numbers(step):
            raise InputError(must(where, "a list of MIDI numbers", repr(step)[:40]))
        for key in step:
            _check_key(key, f"a note of {where}")
    return [sorted({int(key) for key in step}) for step in piece]


def _numbers(step: Sequence[Any]) -> bool:
    """Whole numbers; some programs write 60 as 60.0."""
    return all(type(key) is int or (type(key) is float and key.is_integer()) for key in step)


def _key(word: str) -> int:
    if re.fullmatch(r"-?\d+", word):
        return _check_key(int(word), "a note")
    found = _NOTE.fullmatch(word)
    if found is None:
        todo = "Part notes by spaces and steps by |."
        raise InputError(must("a note", "a name such as C4, F#3 or Bb2", repr(word), todo))
    letter, accidental, octave = found.groups()
    key = 12 * (int(octave) + 1) + _NAMES.index(letter.upper()) + _ACCIDENTALS[accidental]
    _check_key(key, "a note", word)
    return key


def _check_key(key: float, what: str, shown: str = "") -> int:
    if not LOWEST <= key <= HIGHEST:
        raise InputError(must(what, PIANO, f"{shown} ({key})" if shown else key))
    return int(key)
