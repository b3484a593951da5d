"""What a network that reads handwriting has to beat: the most similar shape that was learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recur.messages import InputError, must
from recur.scoring.scores import check_pairs

AT_ONCE = 256
"""Shapes whose distances to all that are known are held at a time."""


class NearestShape:
    """Says of a shape what the nearest one says that is known, by the mean square of distances.

    Args:
        shapes: N of them, each of the same points (K, 2) in their order.
        labels: what each says.

    Raises:
        InputError: none, not as many on both sides, or other shapes.
    """

    def __init__(self, shapes: Sequence[Any], labels: Sequence[str]) -> None:
        check_pairs(labels, shapes)
        self.known, self.labels = _rows(shapes), list(labels)

    def answers(self, shapes: Sequence[Any]) -> list[str]:
        """What each shape says."""
        rows = _rows(shapes)
        if rows.shape[1:] != self.known.shape[1:]:
            raise InputError(must("shapes", "as those that are known", f"{rows.shape[1:]} numbers"))
        squares = (self.known**2).sum(axis=1)
        found: list[str] = []
        for begin in range(0, len(rows), AT_ONCE):
            # |a - b|^2 but for |a|^2, which is the same for all.
            far = squares - 2 * rows[begin : begin + AT_ONCE] @ self.known.T
            found += [self.labels[n] for n in far.argmin(axis=1)]
        return found


def _rows(shapes: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.stack([np.asarray(each, dtype=np.float64).reshape(-1) for each in shapes])
