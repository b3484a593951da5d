"""A random forest over the columns of a table: a yardstick that needs no RNN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.scoring.scores import package

TREES = 100


def forest(
    columns: Mapping[str, NDArray[Any]],
    kinds: Sequence[str],
    asked: Mapping[str, NDArray[Any]],
    *,
    seed: int = 0,
) -> tuple[list[str], NDArray[np.float64]]:
    """What a random forest of 100 trees makes of rows (L. Breiman, 2001).

    Args:
        columns: (M,) of each column of the rows to learn from: numbers, or symbols as text.
        kinds: (M,) what each is.
        asked: (N,) of each column of the rows to judge.
        seed: of its chance.

    Returns:
        the C kinds, and (N, C) the probability of each.

    Raises:
        FailedError: scikit-learn is not installed.
    """
    model = package("sklearn.ensemble").RandomForestClassifier(TREES, random_state=seed)
    learnt, judged = [], []
    for name, cells in columns.items():
        if cells.dtype == object:
            number = {symbol: n for n, symbol in enumerate(sorted(set(cells)))}
            learnt.append([number[cell] for cell in cells])
            judged.append([number.get(cell, -1) for cell in asked[name]])
        else:
            learnt.append(np.nan_to_num(cells, nan=-1.0))
            judged.append(np.nan_to_num(asked[name], nan=-1.0))
    model.fit(np.stack(learnt, axis=1), list(kinds))
    found: NDArray[np.float64] = model.predict_proba(np.stack(judged, axis=1))
    return [str(kind) for kind in model.classes_], found
