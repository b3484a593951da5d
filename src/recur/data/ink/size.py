"""How large and how slanted a hand writes: what is taken out of it before it is read."""

from __future__ import annotations

import numpy as np

from recur.data.ink.strokes import Floats, Ink

WIGGLE = 0.1
"""The share of the largest up or down below which one is the trembling of a hand."""
STEEPEST = 1.0
"""Shear at most that slant is taken for: the letters of 45 degrees."""


def normalised(ink: Ink, *, upright: bool = False) -> Ink:
    """Handwriting of size 1, whose first point is at the origin.

    Args:
        ink: as it was drawn.
        upright: take out the slant of its letters too.
    """
    moved = ink.points - ink.points[0]
    if upright:
        moved[:, 0] -= slant(ink) * moved[:, 1]
    return ink.at(moved / size(ink))


def size(ink: Ink) -> float:
    """How large the letters are: the mean height of the pen's ups and downs.

    That depends less on which letters a word has than its height does, and not at all on a line
    that climbs. Of what goes neither up nor down (a dot, a dash) it is the width, or 1.
    """
    ups = _ups_and_downs(ink)
    if len(ups):
        return float(ups[ups >= WIGGLE * ups.max()].mean())
    return float(np.ptp(ink.points[:, 0])) or 1.0


def slant(ink: Ink) -> float:
    """By how much x grows with y along the steep parts of letters, from -1 to 1; 0: upright."""
    way = np.diff(ink.points, axis=0)
    way[ink.starts[1:] - 1] = 0.0
    across, up = way.T
    steep = np.abs(up) > np.abs(across) * 0.5
    total = float((up[steep] ** 2).sum())
    found = float((across[steep] * up[steep]).sum()) / total if total else 0.0
    return min(max(found, -STEEPEST), STEEPEST)


def _ups_and_downs(ink: Ink) -> Floats:
    """The heights between each highest and lowest point of the path and the next, above 0."""
    way = np.diff(ink.points[:, 1])
    lifted = np.zeros(len(way), dtype=bool)
    lifted[ink.starts[1:] - 1] = True
    way = np.where(lifted, 0.0, way)
    moves = np.flatnonzero(way != 0)
    if not len(moves):
        return np.empty(0)
    # A run: moves of one direction within one stroke.
    stroke, up = ink.of_stroke[moves], way[moves] > 0
    begins = np.flatnonzero((np.diff(up, prepend=~up[:1]) != 0) | (np.diff(stroke, prepend=-1) > 0))
    return np.abs(np.add.reduceat(way[moves], begins))
