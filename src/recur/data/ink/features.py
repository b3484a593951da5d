"""The path of a pen as numbers, at equal distances: what a network reads, point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.data.ink.size import normalised
from recur.data.ink.strokes import Floats, Ink
from recur.messages import InputError, must, real

NAMES = ("dx", "dy", "lifted", "sine", "cosine", "height")
"""The numbers of a point."""
AROUND = 4.0
"""Sizes of the path before a point, and after it, over whose mean the height is taken."""
FURTHEST = 8.0
"""Sizes that a lifted pen seems to go at most: a wide gap between two words is one too."""
MOST_STEPS = 10_000
"""Of one piece of handwriting: far more than a line has, and what a batch has memory for."""


@dataclass(frozen=True)
class Path:
    """The pen's path, point by point at equal distances: (T, 6) of a piece of handwriting.

    A point's numbers: how far it lies from the one before (dx, dy), in sizes; whether the pen was
    lifted in between; sine and cosine of that direction, 0 where there is none; and the height over
    the mean of the path around it, which tells a tall letter from a low one though a line climbs.
    A. Graves et al., "A novel connectionist system for unconstrained handwriting recognition",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 31, 2009, read similar ones.

    Attributes:
        distance: from one point to the next along a stroke, in sizes (`recur.data.ink.size`).
        upright: whether slant is taken out.

    Raises:
        InputError: a distance that is none.
    """

    distance: float
    upright: bool = False

    def __post_init__(self) -> None:
        real("distance", self.distance, lambda d: 0.001 <= d <= 100, "from 0.001 to 100")

    def normalised(self, ink: Ink) -> Ink:
        """Handwriting of size 1.

        Raises:
            InputError: of more points at this distance than any writing has.
        """
        found = normalised(ink, upright=self.upright)
        if self.steps(found) > MOST_STEPS:
            got = f"{self.steps(found):,} at a distance of {self.distance:g}"
            raise InputError(must("the strokes", f"of at most {MOST_STEPS:,} points", got))
        return found

    def reaches(self, ink: Ink, steps: int) -> bool:
        """Whether handwriting of any size has at least so many points, and no more than it may."""
        return steps <= self.steps(normalised(ink, upright=self.upright)) <= MOST_STEPS

    def steps(self, ink: Ink) -> int:
        """T, of handwriting of size 1."""
        return int((self._pieces(self._along(ink)) + 1).sum())

    def spaced(self, ink: Ink) -> Ink:
        """Handwriting of size 1 with its points at equal distances, the ends of strokes kept."""
        whole, pieces = self._along(ink), self._pieces(self._along(ink))
        sizes = pieces + 1
        starts = np.cumsum(sizes) - sizes
        # Along all strokes end to end, with a gap of 1 between two so that their ends stay apart.
        number = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(sizes.sum()) - starts[number]
        begins = np.cumsum(whole + 1) - (whole + 1)
        at = begins[number] + within * (whole / pieces)[number]
        along = np.concatenate([[0.0], np.cumsum(ink.lengths())]) + ink.of_stroke
        x, y = (np.interp(at, along, each) for each in ink.points.T)
        return Ink(np.stack([x, y], axis=1), starts)

    def features(self, spaced: Ink) -> NDArray[np.float32]:
        """The numbers (T, 6) of points at equal distances."""
        way = np.diff(spaced.points, axis=0, prepend=spaced.points[:1])
        far = np.hypot(*way.T)
        heading = way / np.maximum(far, 1e-9)[:, None]
        lifted = np.zeros(len(way))
        lifted[spaced.starts] = 1.0
        height = spaced.points[:, 1] - _mean_around(spaced.points[:, 1], AROUND / self.distance)
        found = np.column_stack(
            [np.clip(way, -FURTHEST, FURTHEST), lifted, heading[:, 1], heading[:, 0], height]
        )
        return found.astype(np.float32)

    def __call__(self, ink: Ink) -> NDArray[np.float32]:
        """The numbers (T, 6) of handwriting of size 1."""
        return self.features(self.spaced(ink))

    def _along(self, ink: Ink) -> Floats:
        """(S,) how long each stroke is."""
        return np.add.reduceat(np.append(ink.lengths(), 0.0), ink.starts)

    def _pieces(self, along: Floats) -> NDArray[np.int64]:
        """(S,) the pieces of about one distance that each stroke is cut into, one at least."""
        return np.maximum(np.rint(along / self.distance), 1).astype(np.int64)


def _mean_around(values: Floats, reach: float) -> Floats:
    """(T,) the mean of the values up to `reach` before and after each, those that there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    low = np.maximum(place - round(reach), 0)
    high = np.minimum(place + round(reach) + 1, len(values))
    mean: Floats = (sums[high] - sums[low]) / (high - low)
    return mean
