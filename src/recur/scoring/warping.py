"""The nearest neighbour by dynamic time warping: what classifiers of series have to beat."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must
from recur.scoring.scores import check_pairs

Floats = NDArray[np.float64]

MOST_CELLS = 200_000_000
"""Distances that are looked at, in all: of more sequences fewer steps are compared."""
LEAST_STEPS = 10


class NearestByWarping:
    """For each sequence the class of the one that it is nearest to, when time is warped.

    The squared distances of steps, of all numbers together, summed along the best path (H. Sakoe
    and S. Chiba, 1978; "DTW_D" of the archives of series).

    Args:
        sequences: N of them, (T_i, F) each.
        labels: the class of each.

    Raises:
        InputError: none, or not as many on both sides.
    """

    def __init__(self, sequences: Sequence[Floats], labels: Sequence[str]) -> None:
        check_pairs(labels, sequences)
        self.sequences, self.labels = list(sequences), list(labels)

    def answers(self, asked: Sequence[Floats]) -> list[str]:
        """The class of each sequence (T_i, F).

        Raises:
            InputError: if there are so many that even ten steps of each are too much work.
        """
        from recur.data.variations import evenly

        steps = math.isqrt(MOST_CELLS // max(1, len(asked) * len(self.sequences)))
        if steps < LEAST_STEPS:
            got = f"{len(asked):,} times {len(self.sequences):,}"
            raise InputError(must("sequences to compare", "fewer", got))
        known, queries = (
            [each if len(each) <= steps else evenly(each, steps) for each in some]
            for some in (self.sequences, asked)
        )
        lengths = np.array([len(each) for each in known])
        padded = np.zeros((len(known), lengths.max(), known[0].shape[1]))
        for row, each in enumerate(known):
            padded[row, : len(each)] = each
        return [self.labels[int(warped(each, padded, lengths).argmin())] for each in queries]


def warped(query: Floats, known: Floats, lengths: NDArray[np.int64]) -> Floats:
    """The distances (N,) of a sequence from N others.

    Args:
        query: (T, F).
        known: (N, S, F), filled up beyond their lengths with anything finite.
        lengths: (N,).
    """
    if known.shape[1] == 1:
        known = np.pad(known, ((0, 0), (0, 1), (0, 0)))
    many, size, _ = known.shape
    time, rows, found = len(query), np.arange(many), np.zeros(many)
    cost = _distances(query, known)
    # Diagonal d holds the cells (i, d - i), at i + 1; the walk needs the two before it.
    before = last = np.full((time + 1, many), np.inf)
    for d in range(time + size - 1):
        low, high = max(0, d - size + 1), min(time - 1, d) + 1
        now = np.full_like(last, np.inf)
        here = cost[low * (size - 1) + d : (high - 1) * (size - 1) + d + 1 : size - 1]
        best = np.minimum(last[low:high], last[low + 1 : high + 1])
        best = np.minimum(best, before[low:high]) if d else 0.0
        now[low + 1 : high + 1] = here + best
        ends = rows[lengths - 1 + time - 1 == d]
        found[ends] = now[time, ends]
        before, last = last, now
    return found


def _distances(query: Floats, known: Floats) -> Floats:
    """(T * S, N) the squared distances of steps i and j at i * S + j, a diagonal's S - 1 apart."""
    steps = known.transpose(1, 0, 2)
    crossed = query @ steps.reshape(-1, steps.shape[2]).T
    squares = np.square(query).sum(axis=1)[:, None] + np.square(steps).sum(axis=2).reshape(1, -1)
    found: Floats = np.maximum(squares - 2 * crossed, 0).reshape(-1, len(known))
    return found
