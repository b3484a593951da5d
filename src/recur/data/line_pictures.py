"""Pictures of written lines as numbers: one height, the width in proportion, ink bright on dark.

Legend: H the height that all lines get, W the width of one; (W, H) are its columns from left to
right, the steps that a network walks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.data import pictures as whole_pictures
from recur.data.pictures import Picture, Pixels, upright
from recur.messages import InputError, must, shown

Line = NDArray[np.float32]
POLARITIES = ("found", "dark", "light")
"""Whether ink is darker than its ground, or lighter; or found for each picture."""
LEAST_HEIGHT = 4
"""Pixels of a picture's own height: a line of letters has at least so many."""
LONGEST = 200
"""How often a picture may be as wide as it is high."""
GROUND, INK = 10, 99.5
"""The percentiles of a picture that become 0 and 1."""
FAINTEST = 24
"""Of 255: what ground and ink differ by at least is what contrast is measured by."""


@dataclass(frozen=True)
class LineForm:
    """What every line becomes.

    Attributes:
        height: H.
        polarity: "dark" ink, "light" ink, or "found": the ground is what most pixels are.
    """

    height: int
    polarity: str = "found"

    def width(self, size: tuple[int, int]) -> int:
        """W of a picture of that width and height."""
        return max(1, round(size[0] * self.height / size[1]))

    def __call__(self, picture: Picture) -> Pixels:
        """Reads a picture; (W, H), 0 for the ground and 255 for the ink.

        Raises:
            InputError: as `size_of`.
        """
        from PIL import Image

        grey = upright(picture, "L")
        wide = self.width(checked_size(picture.name, grey.size))
        small = grey.resize((wide, self.height), Image.Resampling.BILINEAR)
        values = np.asarray(small, dtype=np.float32).T
        if self.polarity == "dark" or (self.polarity == "found" and _ink_is_dark(values)):
            values = 255 - values
        low, high = np.percentile(values, (GROUND, INK))
        scaled = (values - low) * (255 / max(high - low, FAINTEST))
        return np.ascontiguousarray(scaled.clip(0, 255).astype(np.uint8))


def _ink_is_dark(values: Line) -> bool:
    return float(np.median(values)) >= (float(values.min()) + float(values.max())) / 2


def size_of(picture: Picture) -> tuple[int, int]:
    """Reads a whole picture for its width and height.

    Raises:
        InputError: if it is missing, is no picture, is damaged, or cannot be a line of text.
    """
    return checked_size(picture.name, upright(picture, "L").size)


def checked_size(name: str, size: tuple[int, int]) -> tuple[int, int]:
    """Returns a width and height that a line of text may have.

    Raises:
        InputError: if it may not.
    """
    wide, high = size
    got = f"{wide:,} by {high:,}"
    if high < LEAST_HEIGHT:
        expected = f"of at least {LEAST_HEIGHT} pixels in height"
        raise InputError(must(shown(name, str), expected, got, "Scan it in more detail."))
    if wide > LONGEST * high:
        expected = f"at most {LONGEST} times as wide as high"
        raise InputError(must(shown(name, str), expected, got, "Cut it into lines of text."))
    return size


class ReadLines:
    """Pictures of lines in one form, each decoded once as long as the memory for them lasts.

    Args:
        pictures: N of them.
        form: of each.
    """

    def __init__(self, pictures: Sequence[Picture], form: LineForm) -> None:
        self.pictures, self.form = list(pictures), form
        self._kept: dict[int, Pixels] = {}
        self._room = whole_pictures.KEPT
        self._lock = threading.Lock()

    def at(self, row: int, change: Callable[[Line], Line] | None = None) -> Line:
        """Returns line `row`, (W, H) from 0 for the ground to 1 for the ink.

        Args:
            row: which.
            change: what is made of it before it is read.

        Raises:
            InputError: as `LineForm`.
        """
        line = self._whole(row).astype(np.float32) / np.float32(255)
        return line if change is None else change(line)

    def _whole(self, row: int) -> Pixels:
        found = self._kept.get(row)
        if found is None:
            found = self.form(self.pictures[row])
            with self._lock:
                if row not in self._kept and found.nbytes <= self._room:
                    self._room -= found.nbytes
                    self._kept[row] = found
        return found


def pieces(line: Line, blank: float = 0.15, least: int = 2) -> list[tuple[int, int]]:
    """Where the parts of a line begin and end that blank columns divide.

    Args:
        line: (W, H).
        blank: the brightest that a blank column is.
        least: columns of a part; a narrower one is a speck.

    Returns:
        (begin, end) in columns, from left to right.
    """
    there = np.concatenate([[False], line.max(axis=1, initial=0) > blank, [False]])
    edges = np.flatnonzero(there[1:] != there[:-1]).reshape(-1, 2)
    return [(int(low), int(high)) for low, high in edges if high - low >= least]
