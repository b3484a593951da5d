"""What a network over lines of print has to beat: cutting at blank columns, and the nearest piece.

It wins where letters stand apart and look alike each time, as print of one font does; where they
touch, are struck through, or look like none that was seen, it has nothing to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recur.data.distortions import looked_up
from recur.data.line_pictures import Line, pieces
from recur.messages import InputError, must
from recur.scoring.scores import check_pairs

ACROSS, UP = 12, 16
"""The pixels of a piece, when it is compared."""
KEPT = 20_000
"""Pieces to compare with, at most."""
INK = 0.5
"""How bright a column is that belongs to the text, where all texts are equally long."""


@dataclass(frozen=True, eq=False)
class LetterPieces:
    """Reads a line piece by piece: each piece is what the nearest one of the learnt lines is.

    Attributes:
        letters: N of them.
        seen: (N, E) their pieces, of length 1 each.
        number: how many letters each line has, if always the same: it is cut into as many equal
            parts; else None: it is cut at blank columns.
        space: from which width on, in heights, a blank is a space.
    """

    letters: list[str]
    seen: NDArray[np.float32]
    number: int | None
    space: float

    @classmethod
    def fit(cls, lines: Sequence[Line], texts: Sequence[str]) -> Self:
        """Learns the pieces of all lines that are cut into as many as they have letters.

        Args:
            lines: N of them, (W_i, H) from 0 for the ground to 1 for the ink.
            texts: what is written in each.

        Raises:
            InputError: none, not as many on both sides, or none that is cut rightly.
        """
        check_pairs(texts, lines)
        lengths = {len(text) for text in texts}
        number = None if len(lengths) > 1 or any(" " in text for text in texts) else lengths.pop()
        letters: list[str] = []
        seen: list[NDArray[np.float32]] = []
        gaps: dict[bool, list[float]] = {False: [], True: []}
        for line, text in zip(lines, texts, strict=True):
            parts, bare = _parts(line, number), text.replace(" ", "")
            if len(parts) != len(bare):
                continue
            letters += bare
            seen += [_piece(line, part) for part in parts]
            for spaced, gap in zip(_spaced(text), _gaps(parts, line), strict=True):
                gaps[spaced].append(gap)
        if not letters:
            expected = "one that is cut into as many pieces as it has letters"
            raise InputError(must("lines", expected, "none"))
        space = np.inf
        if gaps[True] and gaps[False]:
            space = float((np.median(gaps[True]) + np.median(gaps[False])) / 2)
        return cls(letters[:KEPT], np.stack(seen[:KEPT]), number, space)

    def read(self, line: Line) -> str:
        """What is written in a line (W, H)."""
        parts = _parts(line, self.number)
        if not parts:
            return ""
        asked = np.stack([_piece(line, part) for part in parts])
        found = [self.letters[n] for n in (asked @ self.seen.T).argmax(axis=1)]
        blanks = [" " * (gap > self.space) for gap in _gaps(parts, line)]
        return "".join(a + b for a, b in zip(found, [*blanks, ""], strict=True))


def _parts(line: Line, number: int | None) -> list[tuple[int, int]]:
    if number is None:
        return pieces(line)
    there = np.flatnonzero(line.max(axis=1, initial=0) > INK)
    if not len(there):
        return []
    edges = np.linspace(there[0], there[-1] + 1, number + 1).round().astype(int).tolist()
    return list(itertools.pairwise(edges))


def _gaps(parts: list[tuple[int, int]], line: Line) -> list[float]:
    """The blanks between neighbours, in heights."""
    return [(right[0] - left[1]) / line.shape[1] for left, right in itertools.pairwise(parts)]


def _spaced(text: str) -> list[bool]:
    """Whether a space stands between each two letters."""
    return [" " in text[a + 1 : b] for a, b in zip(*_neighbours(text), strict=True)]


def _neighbours(text: str) -> tuple[list[int], list[int]]:
    places = [place for place, letter in enumerate(text) if letter != " "]
    return places[:-1], places[1:]


def _piece(line: Line, part: tuple[int, int]) -> NDArray[np.float32]:
    """A piece in a size of its own, with its width as one more number."""
    begin, end = part
    x = begin + (np.arange(ACROSS, dtype=np.float32) + 0.5) * ((end - begin) / ACROSS) - 0.5
    y = (np.arange(UP, dtype=np.float32) + 0.5) * (line.shape[1] / UP) - 0.5
    grid = np.ones((ACROSS, UP), np.float32)
    small = looked_up(line, x[:, None] * grid, y[None] * grid).ravel()
    width = np.float32((end - begin) / line.shape[1])
    whole = np.append(small / max(float(np.linalg.norm(small)), 1e-6), width)
    found: NDArray[np.float32] = (whole / np.linalg.norm(whole)).astype(np.float32)
    return found
