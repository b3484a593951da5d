"""Where to draw the line: the score above which a row is an alarm."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, real, whole

TINY = 1e-12
"""What a score is divided by at least."""
DEVIATION, FAR = 1.4826, 3.5
"""A normal deviation in median distances from the median, and how many are far."""


def threshold(
    scores: Any, anomalous: Any, *, false_alarms: float | None = None, weights: Any = None
) -> float:
    """The score above which to raise an alarm, from rows of which it is known what they are.

    Args:
        scores: (N,) the higher, the stranger.
        anomalous: (N,) True where it is an anomaly.
        false_alarms: the share of the usual that may be alarms; None: where the share of anomalies
            found is furthest above the share of false alarms (W. J. Youden, Cancer 3, 1950), so
            that it does not matter how many of each there are.
        weights: (N,) how much each anomaly counts, so that frequent ones do not decide alone; None
            for alike.

    Raises:
        InputError: one kind only, or not as many on both sides.
    """
    numbers, strange = np.asarray(scores, dtype=float), np.asarray(anomalous).astype(bool)
    if numbers.shape != strange.shape or numbers.ndim != 1 or strange.all() or not strange.any():
        raise InputError(must("what a threshold is found on", "usual rows and anomalies", "others"))
    usual, found = np.sort(numbers[~strange]), numbers[strange]
    if false_alarms is not None:
        real("false_alarms", false_alarms, lambda part: 0 <= part <= 1, "a share from 0 to 1")
        return float(np.quantile(usual, 1 - false_alarms, method="higher"))
    known = np.unique(numbers)
    lines = np.concatenate([known[:1] - 1e-6, (known[1:] + known[:-1]) / 2])
    alarms = 1 - np.searchsorted(usual, lines, side="right") / len(usual)
    counts = np.ones(len(found)) if weights is None else np.asarray(weights, dtype=float)[strange]
    order = np.argsort(found, kind="stable")
    missed = np.concatenate([[0], np.cumsum(counts[order])]) / counts.sum()
    hits = 1 - missed[np.searchsorted(found[order], lines, side="right")]
    return float(lines[int((hits - alarms).argmax())])


def of_clean(scores: Any, *, false_alarms: float, contamination: float | None = None) -> float:
    """The score above which to raise an alarm, from rows of which nobody says what they are.

    Args:
        scores: (N,) from 0 on; the higher, the stranger.
        false_alarms: the share of the usual rows that may be alarms.
        contamination: the share of the rows that are thought to be anomalies, which lie highest;
            None: those whose logarithm lies more than 3.5 deviations above the median, the
            deviation found from the median distance (B. Iglewicz and D. Hoaglin, 1993).

    Raises:
        InputError: no scores, or shares outside 0 to 1.
    """
    numbers = np.sort(np.asarray(scores, dtype=float))
    if not len(numbers):
        raise InputError(must("what a threshold is found on", "one score at least", "none"))
    for name, share in (("false_alarms", false_alarms), ("contamination", contamination or 0.0)):
        real(name, share, lambda part: 0 <= part < 1, "a share from 0 to below 1")
    if contamination is None:
        logs = np.log(np.maximum(numbers, TINY))
        middle = np.median(logs)
        spread = DEVIATION * np.median(np.abs(logs - middle))
        numbers = numbers[logs <= middle + FAR * max(spread, TINY)]
        contamination = 0.0
    usual = (1 - contamination) * (1 - false_alarms)
    return float(np.quantile(numbers, usual, method="higher"))


class Level:
    """The median of the last scores: what is usual of late, where that drifts.

    Scores divided by it are judged by one threshold for ever. A step costs the logarithm of the
    window and one move in memory; half of the window may be anomalies.

    Args:
        window: scores that it is the median of.
        recent: the last scores, to go on after them.

    Raises:
        InputError: a window below 1.
    """

    def __init__(self, window: int, recent: Iterable[float] = ()) -> None:
        self.window = whole("window", window)
        self.recent = deque[float](recent, maxlen=window)
        self._sorted = sorted(self.recent)

    def relative(self, scores: Iterable[float]) -> NDArray[np.float64]:
        """(N,) each score divided by the median of those before it; the first by itself."""
        return np.array([self._next(score) for score in scores], dtype=np.float64)

    def _next(self, score: float) -> float:
        known = self._sorted
        middle = known[len(known) // 2] if known else score
        if len(known) == self.window:
            del known[bisect_left(known, self.recent[0])]
        self.recent.append(score)
        insort(known, score)
        return score / max(middle, TINY)
