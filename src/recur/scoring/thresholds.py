"""Where to draw the line: the score above which a row is an alarm, and a forest as yardstick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, real
from recur.scoring.scores import package


def threshold(scores: Any, anomalous: Any, *, false_alarms: float | None = None) -> float:
    """The score above which to raise an alarm, from rows of which it is known what they are.

    Args:
        scores: (N,) the higher, the stranger.
        anomalous: (N,) True where it is an anomaly.
        false_alarms: the share of the usual that may be alarms; None: where the share of anomalies
            found is furthest above the share of false alarms (W. J. Youden, Cancer 3, 1950), so
            that it does not matter how many of each there are.

    Raises:
        InputError: one kind only, or not as many on both sides.
    """
    numbers, strange = np.asarray(scores, dtype=float), np.asarray(anomalous).astype(bool)
    if numbers.shape != strange.shape or numbers.ndim != 1 or strange.all() or not strange.any():
        raise InputError(must("what a threshold is found on", "usual rows and anomalies", "others"))
    usual, found = np.sort(numbers[~strange]), np.sort(numbers[strange])
    if false_alarms is not None:
        real("false_alarms", false_alarms, lambda part: 0 <= part <= 1, "a share from 0 to 1")
        return float(np.quantile(usual, 1 - false_alarms, method="higher"))
    known = np.unique(numbers)
    lines = np.concatenate([known[:1] - 1e-6, (known[1:] + known[:-1]) / 2])
    alarms = 1 - np.searchsorted(usual, lines, side="right") / len(usual)
    hits = 1 - np.searchsorted(found, lines, side="right") / len(found)
    return float(lines[int((hits - alarms).argmax())])


def forest(
    columns: Mapping[str, NDArray[Any]],
    anomalous: Any,
    asked: Mapping[str, NDArray[Any]],
    *,
    seed: int = 0,
) -> NDArray[np.float64]:
    """(N,) what a random forest of 100 trees makes of rows (L. Breiman, 2001); above 0.5: alarms.

    Args:
        columns: (M,) of each column of the rows to learn from: numbers, or symbols as text.
        anomalous: (M,) True where it is an anomaly.
        asked: (N,) of each column of the rows to judge.
        seed: of its chance.

    Raises:
        FailedError: scikit-learn is not installed.
    """
    model = package("sklearn.ensemble").RandomForestClassifier(100, random_state=seed)
    learnt, judged = [], []
    for name, cells in columns.items():
        if cells.dtype == object:
            number = {symbol: n for n, symbol in enumerate(sorted(set(cells)))}
            learnt.append([number[cell] for cell in cells])
            judged.append([number.get(cell, -1) for cell in asked[name]])
        else:
            learnt.append(np.nan_to_num(cells, nan=-1.0))
            judged.append(np.nan_to_num(asked[name], nan=-1.0))
    model.fit(np.stack(learnt, axis=1), np.asarray(anomalous).astype(int))
    found: NDArray[np.float64] = model.predict_proba(np.stack(judged, axis=1))[:, 1]
    return found
