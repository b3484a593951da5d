"""Strokes: what a pen draws from where it is put down to where it is lifted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, count, must, shown

Floats = NDArray[np.float64]

FARTHEST = 1e12
"""Of a coordinate from 0: what is beyond it is no place on paper, in whatever unit."""


@dataclass(frozen=True, eq=False)
class Ink:
    """A piece of handwriting: the strokes of a pen in the order in which they were drawn.

    Time is not part of it: how fast a pen went says more of the device than of what is written.

    Attributes:
        points: (P, 2) of all strokes, end to end: x to the right, y upward, in any unit.
        starts: (S,) at which point each stroke begins; the first at 0, each of one point at least.
    """

    points: Floats
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, strokes: Any, name: str = "the strokes", *, down: bool = False) -> Self:
        """Makes it of strokes as people have them.

        Args:
            strokes: S of them, each a sequence of points (x, y), further numbers of a point (time,
                pressure) are not looked at. Strokes without points are left out.
            name: what messages call them.
            down: y grows downward, as on screens.

        Raises:
            InputError: no strokes, or something else than numbers that are finite.
        """
        if isinstance(strokes, str) or not isinstance(strokes, Sequence | np.ndarray):
            expected = "strokes, each a list of points [x, y]"
            raise InputError(must(name, expected, shown(strokes)))
        read = [_stroke(each, number, name) for number, each in enumerate(strokes, start=1)]
        kept = [each for each in read if len(each)]
        if not kept:
            raise InputError(must(name, "strokes, of one point at least", "none"))
        points = np.concatenate(kept)
        if down:
            points[:, 1] *= -1
        sizes = np.array([len(each) for each in kept])
        return cls(points, np.cumsum(sizes) - sizes)

    @property
    def strokes(self) -> list[Floats]:
        """S strokes, (P_i, 2) each."""
        return np.split(self.points, self.starts[1:])

    @property
    def of_stroke(self) -> NDArray[np.int64]:
        """(P,) the number of the stroke that each point belongs to."""
        found = np.zeros(len(self.points), dtype=np.int64)
        found[self.starts[1:]] = 1
        return np.cumsum(found)

    def at(self, points: Floats) -> Self:
        """The same strokes with their points elsewhere, (P, 2)."""
        return dataclasses.replace(self, points=points)

    def only(self, kept: NDArray[np.bool_]) -> Self:
        """Without some points; each stroke keeps its first one, whatever is said of it.

        Args:
            kept: (P,) True for those that stay.
        """
        stay = kept.copy()
        stay[self.starts] = True
        return dataclasses.replace(
            self, points=self.points[stay], starts=np.cumsum(stay)[self.starts] - 1
        )

    def lengths(self) -> Floats:
        """(P - 1,) how far it is from each point to the next; 0 where the pen was lifted."""
        way = np.hypot(*np.diff(self.points, axis=0).T)
        way[self.starts[1:] - 1] = 0.0
        return way

    def to_json(self) -> list[list[list[float]]]:
        """The strokes as lists of points [x, y]."""
        return [each.tolist() for each in self.strokes]


def _stroke(given: Any, number: int, name: str) -> Floats:
    """The points (P_i, 2) of a stroke."""
    what, expected = f"stroke {number} of {name}", "points [x, y] of finite numbers"
    try:
        points = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(must(what, expected, shown(given))) from error
    if points.ndim == 1 and not len(points):
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] < 2:
        got = f"the shape {points.shape}" if points.ndim else shown(given)
        raise InputError(must(what, expected, got))
    places = points[:, :2]
    wrong = np.flatnonzero(~(np.abs(places) <= FARTHEST).all(axis=1))
    if len(wrong):
        place, point = int(wrong[0]), places[wrong[0]].tolist()
        got = f"{point} as point {place + 1} of {count(len(places), 'point')}"
        raise InputError(must(what, expected, got))
    return places.copy()
