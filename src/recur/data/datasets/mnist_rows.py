"""Rows of real handwritten digits: those of MNIST side by side, with gaps of any size.

Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits". The people who wrote
the digits of its test part wrote none of the others.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets import mnist
from recur.data.pictures import Picture, Pixels
from recur.data.records.lines import Lines
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = dataclasses.replace(
    mnist.SOURCE,
    name="mnist-rows",
    title="MNIST, digits in rows",
    task="ocr",
    local=tuple(f"mnist/{name}" for name in mnist.SOURCE.local),
)
RECORDS = Lines
LAST = 10_000
"""Digits of the training part, at its end, that only the validation part has."""
ROWS = {"train": 8000, "validation": 800, "test": 2000}
LENGTHS = (3, 8)
"""Digits of a row, at least and at most."""
GAPS = (-3, 12)
"""Pixels between two digits' ink; below zero they run into each other."""
HEIGHT = 36
"""Pixels of a row: of a digit, 28, and of how far they may stand higher or lower."""


def load() -> Splits[Lines]:
    """Returns 8,000 rows to learn from, 800 to validate and 2,000 to test on.

    Rows of each part are made of digits of their own; those of the test part are of MNIST's.

    Raises:
        FailedError: if the files cannot be had, or are damaged.
    """
    SOURCE.find()  # who asks for rows is told of rows where there are none
    learnt, tested = mnist.arrays("train"), mnist.arrays("test")
    if len(learnt[0]) <= LAST:
        raise FailedError(f"MNIST holds {len(learnt[0]):,} digits, too few. Get it again.")
    pictures, labels = learnt
    parts = {
        "train": (pictures[:-LAST], labels[:-LAST]),
        "validation": (pictures[-LAST:], labels[-LAST:]),
        "test": tested,
    }
    train, validation, test = (
        _rows(*digits, ROWS[part], seed) for seed, (part, digits) in enumerate(parts.items())
    )
    return Splits(train, validation, test, about="rows of MNIST digits")


def _rows(pictures: NDArray[np.uint8], labels: NDArray[np.uint8], number: int, seed: int) -> Lines:
    """Rows of digits that are drawn in turns, so that each is used as often as any other."""
    chance = np.random.default_rng([28, seed])
    sizes = chance.integers(LENGTHS[0], LENGTHS[1] + 1, number)
    turns = -(-int(sizes.sum()) // len(labels))
    order = np.concatenate([chance.permutation(len(labels)) for _ in range(turns)])
    lines = Lines([], [], [], [])
    for row, digits in enumerate(np.split(order, np.cumsum(sizes))[:number]):
        draw = partial(row_of, [pictures[n] for n in digits], row, seed)
        lines.pictures.append(Picture(f"row {row + 1}", draw))
        lines.sizes.append(draw().shape[::-1])
        lines.transcripts.append("".join(str(labels[n]) for n in digits))
    return lines


def row_of(digits: list[NDArray[np.uint8]], *seed: int) -> Pixels:
    """Draws digits (28, 28), bright on dark, side by side.

    Args:
        digits: one at least.
        seed: of how far they stand from each other, and higher or lower.

    Returns:
        (36, width).
    """
    chance = np.random.default_rng([29, *seed])
    inks = [_ink(digit) for digit in digits]
    gaps = chance.integers(GAPS[0], GAPS[1] + 1, len(inks))
    gaps[0] = 4
    ends = np.cumsum([gap + ink.shape[1] for gap, ink in zip(gaps, inks, strict=True)])
    row = np.zeros((HEIGHT, int(ends[-1]) + 4), np.uint8)
    for end, ink in zip(ends.tolist(), inks, strict=True):
        top = int(chance.integers(0, HEIGHT - len(ink) + 1))
        place = row[top : top + len(ink), end - ink.shape[1] : end]
        np.maximum(place, ink, out=place)
    return row


def _ink(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A digit without the empty columns beside it; of an empty one its middle."""
    columns = np.flatnonzero(digit.any(axis=0))
    if not len(columns):
        return digit[:, digit.shape[1] // 2 :][:, :1]
    return digit[:, columns[0] : columns[-1] + 1]
