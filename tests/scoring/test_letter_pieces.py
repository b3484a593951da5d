"""The yardstick of lines: cut, and read by the nearest piece."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.scoring.letter_pieces import LetterPieces

SHAPES = {"i": ([2, 3], 1), "m": (range(1, 8), 6), "-": ([4], 4)}


def line(text):
    """(W, 8) with a block for each letter, a blank between, and a wide one for a space."""
    columns = [np.zeros(8)] * 2
    for letter in text:
        if letter == " ":
            columns += [np.zeros(8)] * 6
            continue
        rows, wide = SHAPES[letter]
        ink = np.zeros(8)
        ink[list(rows)] = 1
        columns += [ink] * (wide + 1) + [np.zeros(8)] * 2
    return np.array(columns, np.float32)


def test_letters_that_stand_apart_are_read_with_their_spaces():
    texts = ["i m", "m-", "-i m", "mm i"]
    nearest = LetterPieces.fit([line(text) for text in texts], texts)
    assert nearest.number is None
    for text in ("im- i", "- -m", "i"):
        assert nearest.read(line(text)) == text
    assert nearest.read(np.zeros((5, 8), np.float32)) == ""


def test_lines_of_one_length_are_cut_evenly():
    texts = ["ii", "--", "i-", "-i"]
    nearest = LetterPieces.fit([line(text) for text in texts], texts)
    assert nearest.number == 2
    assert nearest.read(line("i-")) == "i-"
    assert nearest.read(np.zeros((5, 8), np.float32)) == ""


def test_lines_that_cannot_be_cut_are_refused():
    with pytest.raises(InputError, match="as many pieces as it has letters"):
        LetterPieces.fit([line("i"), line("m m")], ["iii", "m"])
