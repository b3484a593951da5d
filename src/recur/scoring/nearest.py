"""What a network over pictures has to beat: the label of the nearest one that was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recur.scoring.scores import check_pairs

MOST = 1 << 24
"""Numbers that are compared with at most."""


class Nearest:
    """The label of the row whose squared distance is least (T. Cover and P. Hart, 1967).

    Args:
        rows: N rows of D numbers each, to compare with.
        labels: of each.

    Raises:
        InputError: none, or not as many on both sides.
    """

    def __init__(self, rows: Any, labels: Sequence[str]) -> None:
        check_pairs(labels, rows)
        self._rows = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
        self._labels = list(labels)
        self._norms = (self._rows**2).sum(axis=1)

    def answers(self, rows: Any) -> list[str]:
        """The label of the nearest row for each of (M, D)."""
        asked = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
        best = (self._norms - 2 * asked @ self._rows.T).argmin(axis=1)
        return [self._labels[n] for n in best.tolist()]


def room(size: int) -> int:
    """How many rows of so many numbers are compared with at most."""
    return max(MOST // size, 1)
