"""Handwritten digits that move: clips made here of the real digits that scikit-learn carries.

E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI, 1998: 1,797 digits of 8
by 8 pixels. In a clip one of them moves in a straight line, and once in another direction from then
on; the digit is its label, and each frame's tag the direction of the motion. A score on these says
whether shapes and motions are seen, and nothing about films of the world.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets.source import Source
from recur.data.film import Film, of_array
from recur.data.pictures import Pixels
from recur.data.records.filmed import Films
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="moving-digits",
    title="moving digits, made of scikit-learn's",
    task="video",
    licence="made here; the digits: CC BY 4.0",
    homepage="https://archive.ics.uci.edu/dataset/80",
    size="0.1 MB",
    package=("sklearn", "datasets/data/digits.csv.gz", "scikit-learn"),
)
RECORDS = Films
SIDE, FRAMES, STEP = 24, 12, 2
"""Pixels of a frame's height and width, frames of a clip, pixels that a digit moves by a frame."""
DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
PARTS = {"train": (1197, 3), "validation": (200, 1), "test": (400, 1)}
"""Digits of each part, and clips of each digit."""
NOTE = "These clips are made of moving digits: the score says nothing about films of the world."


def load() -> Splits[Films]:
    """Returns clips of 1,197 digits, three of each, to learn from, of 200 and of 400 held out.

    Raises:
        FailedError: if the package with the digits is not installed, or its file is another.
    """
    pictures, labels = _digits(SOURCE.find())
    order = np.random.default_rng(0).permutation(len(pictures)).tolist()
    parts, begin = [], 0
    for number, times in PARTS.values():
        chosen = order[begin : begin + number] * times
        parts.append(_clips(pictures, labels, chosen, 3 * begin))
        begin += number
    train, validation, test = parts
    return Splits(train, validation, test, about="moving digits", notes=(NOTE,))


@functools.cache
def _digits(path: Path) -> tuple[Pixels, NDArray[np.int64]]:
    """(N, 8, 8) pictures and the digits that they show."""
    try:
        with gzip.open(path, "rt") as opened:
            rows = np.loadtxt(opened, delimiter=",")
        if rows.shape[1] != 65 or len(rows) < sum(number for number, _ in PARTS.values()):
            raise ValueError(f"it holds {rows.shape}")
    except (OSError, ValueError, EOFError) as error:
        todo = "Install the package again."
        raise FailedError(f"{path} is not the file that it should be: {error}. {todo}") from error
    pictures = (rows[:, :64].reshape(-1, 8, 8) * (255 / 16)).round().astype(np.uint8)
    return pictures, rows[:, 64].astype(np.int64)


def _clips(pictures: Pixels, labels: NDArray[np.int64], rows: list[int], start: int) -> Films:
    clips, tags = [], []
    for seed, row in enumerate(rows, start=start):
        way = motion(seed)
        clips.append(Film(f"digit {row}", partial(_frames, pictures[row], seed)))
        tags.append(way)
    names = [f"digit {row}, clip {seed}" for seed, row in enumerate(rows, start=start)]
    return Films(clips, [str(labels[row]) for row in rows], tags, [], names)


def motion(seed: int) -> tuple[str, ...]:
    """(FRAMES,) the direction of each frame: of one stretch, then of another."""
    rng = np.random.default_rng([2, seed])
    first, second = rng.choice(list(DIRECTIONS), 2, replace=False).tolist()
    turn = int(rng.integers(3, FRAMES - 2))
    return (first,) * turn + (second,) * (FRAMES - turn)


def moving(digit: Pixels, seed: int) -> Pixels:
    """(FRAMES, SIDE, SIDE, 3) a digit of 8 by 8 pixels, twice as large, moving as `motion` says.

    The direction of a frame is that of the step to it; of the first frame that of the next one. It
    comes in again at the other side where it goes out.
    """
    from PIL import Image

    rng = np.random.default_rng([3, seed])
    size = 16
    large = np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BILINEAR))
    place = rng.integers(0, SIDE, 2)
    frames = np.zeros((FRAMES, SIDE, SIDE), np.uint8)
    for number, direction in enumerate(motion(seed)):
        if number:
            place = (place + STEP * np.array(DIRECTIONS[direction])) % SIDE
        rows, columns = ((start + np.arange(size)) % SIDE for start in place)
        frames[number][np.ix_(rows, columns)] = large
    return np.repeat(frames[..., None], 3, axis=3)


def _frames(digit: Pixels, seed: int, size: int) -> Iterator[Pixels]:
    yield from of_array(moving(digit, seed), "a digit").frames(size)
