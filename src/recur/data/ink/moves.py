"""The path of a pen as a network writes it: a move from each corner of the path to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.data.ink.strokes import Floats, Ink
from recur.messages import InputError, must, real

DOT = 0.05
"""Sizes that a dot is long where it comes first: of the first point only the place is known."""


@dataclass(frozen=True)
class Moves:
    """From handwriting of size 1 to moves (T, 3), and the way back.

    A move says how far it is to a point from the one before, across and up, and 1 where a stroke
    ends with that point, else 0. The first point is where the pen is set down, to which nothing
    moves: P points are P - 1 moves. As few points are taken as draw each stroke (D. H. Douglas and
    T. K. Peucker, Cartographica 10, 1973): bends have many, straight lines two.

    Attributes:
        tolerance: how far a left-out point is from the line at most, in sizes.

    Raises:
        InputError: a tolerance that is none.
    """

    tolerance: float

    def __post_init__(self) -> None:
        real("tolerance", self.tolerance, lambda t: 0 <= t <= 10, "from 0 to 10")

    def simplified(self, inks: Sequence[Ink]) -> list[Ink]:
        """The same pieces with fewer points; the ends of strokes stay where they are."""
        sizes = np.array([len(ink.points) for ink in inks])
        begins = np.cumsum(sizes) - sizes
        # All at once: a piece alone is mostly the time of numpy's calls.
        points = np.concatenate([ink.points for ink in inks])
        starts = np.concatenate([ink.starts + at for ink, at in zip(inks, begins, strict=True)])
        kept = np.split(_corners(points, starts, self.tolerance), begins[1:])
        return [_begun(_distinct(ink.only(each))) for ink, each in zip(inks, kept, strict=True)]

    @staticmethod
    def of(ink: Ink) -> NDArray[np.float32]:
        """The moves (T, 3) between all points."""
        ends = np.zeros(len(ink.points))
        ends[ink.starts[1:] - 1] = 1.0
        ends[-1] = 1.0
        moves = np.column_stack([np.diff(ink.points, axis=0), ends[1:]])
        return moves.astype(np.float32)

    @staticmethod
    def drawn(moves: NDArray[np.floating]) -> Ink:
        """The strokes of moves (T, 3), from the origin.

        Raises:
            InputError: another shape, or numbers that are not finite.
        """
        if moves.ndim != 2 or moves.shape[1] != 3 or not np.isfinite(moves).all():
            got = f"the shape {moves.shape}"
            raise InputError(must("moves", "finite numbers (T, 3)", got))
        points = np.concatenate([np.zeros((1, 2)), moves[:, :2].astype(np.float64).cumsum(axis=0)])
        begins = np.flatnonzero(moves[:-1, 2] > 0.5) + 2
        return Ink(points, np.concatenate([[0], begins]))


def smooth(ink: Ink, distance: float) -> Ink:
    """The same strokes as curves through all of their points.

    Centripetal Catmull-Rom splines, which make no loops (C. Yuksel et al., "On the
    parameterization of Catmull-Rom curves", 2009).

    Args:
        ink: handwriting.
        distance: from one point of a curve to the next, about.
    """
    strokes = [_curve(stroke, distance) for stroke in _distinct(ink).strokes]
    sizes = np.array([len(stroke) for stroke in strokes])
    return Ink(np.concatenate(strokes), np.cumsum(sizes) - sizes)


def _distinct(ink: Ink) -> Ink:
    """Without points that are where the one before is; each stroke keeps its first."""
    moved = np.any(np.diff(ink.points, axis=0) != 0, axis=1)
    return ink.only(np.concatenate([[True], moved]))


def _begun(ink: Ink) -> Ink:
    """With a first stroke of two points at least."""
    if len(ink.strokes[0]) > 1:
        return ink
    points = np.insert(ink.points, 1, ink.points[0] + np.array([DOT, 0.0]), axis=0)
    return Ink(points, np.concatenate([[0], ink.starts[1:] + 1]))


def _corners(points: Floats, starts: NDArray[np.int64], tolerance: float) -> NDArray[np.bool_]:
    """(P,) the points that are kept of strokes that begin at `starts`: their ends, and corners.

    A line from each kept point to the next is cut in two at the point that is furthest from it,
    all lines in turn, until none is too far.
    """
    kept = np.zeros(len(points), dtype=bool)
    kept[starts] = kept[starts[1:] - 1] = kept[-1] = True
    left = np.flatnonzero(~kept)
    while len(left):
        ends = np.flatnonzero(kept)
        line = np.searchsorted(ends, left) - 1
        first, last = points[ends[line]], points[ends[line + 1]]
        way, off = last - first, points[left] - first
        along = (off * way).sum(axis=1) / np.maximum((way * way).sum(axis=1), 1e-12)
        far = np.hypot(*(off - along.clip(0, 1)[:, None] * way).T)
        begins = np.flatnonzero(np.diff(line, prepend=-1))
        number = np.cumsum(np.diff(line, prepend=line[0]) > 0)
        furthest = np.maximum.reduceat(far, begins)
        open_ = furthest[number] > tolerance
        at = np.flatnonzero(open_ & (far == furthest[number]))
        cut = at[np.unique(number[at], return_index=True)[1]]
        kept[left[cut]] = open_[cut] = True
        left = left[open_ & ~kept[left]]
    return kept


def _curve(points: Floats, distance: float) -> Floats:
    """Points (P, 2) of which no two neighbours are the same, with others between them."""
    if len(points) < 3:
        return points
    # Ends go on as they came.
    ends = 2 * points[[0, -1]] - points[[1, -2]]
    path = np.concatenate([ends[:1], points, ends[1:]])
    far = np.hypot(*np.diff(path, axis=0).T)
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(far))])
    pieces = np.maximum(np.ceil(far[1:-1] / distance), 1).astype(np.int64)
    at = np.repeat(np.arange(len(pieces)), pieces)
    part = np.arange(len(at)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    time = knots[at + 1] + part / pieces[at] * (knots[at + 2] - knots[at + 1])

    def between(a: Floats, b: Floats, first: int, last: int) -> Floats:
        """The line from a at one knot of each piece to b at another."""
        low, high = knots[at + first], knots[at + last]
        share = ((time - low) / (high - low))[:, None]
        line: Floats = a + share * (b - a)
        return line

    one, two, three = (between(path[at + n], path[at + n + 1], n, n + 1) for n in range(3))
    curve = between(between(one, two, 0, 2), between(two, three, 1, 3), 1, 2)
    return np.concatenate([curve, points[-1:]])
