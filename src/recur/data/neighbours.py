"""Which tokens often stand next to one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SELDOM = 3
"""A pair that stands in the texts less often than this is left out."""


def frequent_pairs(
    texts: Iterable[Sequence[int] | NDArray[np.int64]],
    size: int,
    *,
    first: int = 0,
    least: int = SELDOM,
) -> NDArray[np.int64]:
    """Returns the most frequent pairs of neighbours, (P, 2), the most frequent first.

    Args:
        texts: of each its token ids, (T_i,).
        size: pairs at most.
        first: tokens below this number are none that count: padding, the mark of a start.
        least: how often a pair occurs at least.
    """
    rows = [np.asarray(text, dtype=np.int64) for text in texts]
    # The token between two texts belongs to no pair: it is below `first`, or is made so.
    along = np.concatenate([part for row in rows for part in (row, [first - 1])] or [[first - 1]])
    before, after = along[:-1], along[1:]
    real = (before >= first) & (after >= first)
    base = int(along.max()) + 2
    keys, counts = np.unique(before[real] * base + after[real], return_counts=True)
    often = counts >= least
    keys, counts = keys[often], counts[often]
    kept = keys[np.argsort(-counts, kind="stable")[:size]]  # ties by the tokens
    return np.stack([kept // base, kept % base], axis=1)
