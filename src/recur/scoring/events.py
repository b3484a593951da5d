"""Anomalies that last: rows one after another are one event, and near it is not far off.

Nowhere is an alarm that hits an event counted for all of its rows ("point adjustment"): by that,
numbers drawn by chance beat every method (S. Kim et al., AAAI 2022).

Letters: T rows in the order of time, E events, L rows of a buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, whole
from recur.scoring.scores import Scores

THRESHOLDS = 250
"""Points of a curve, as the authors of VUS have it."""
BUFFERS = 50
"""Buffers that the volume is a mean over, at most."""

Values = NDArray[np.float64]


def runs(flags: Any) -> list[tuple[int, int]]:
    """Where True stands one after another: (first row, one after the last) of each event."""
    marked = np.asarray(flags).astype(bool).astype(np.int8)
    steps = np.diff(np.concatenate([[0], marked, [0]]))
    starts, ends = np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()
    return list(zip(starts, ends, strict=True))


def volume(scores: Any, anomalous: Any, *, buffer: int | None = None) -> Scores:
    """The volume under the surface of range-based curves, over buffers of all lengths up to L.

    J. Paparrizos et al., "Volume under the surface: a new accuracy evaluation measure for
    time-series anomaly detection", PVLDB 15(11), 2022. Around each event rows count in part, the
    less the farther they are; what is found of an event counts the more, the more events are found.

    Args:
        scores: (T,) the higher, the stranger.
        anomalous: (T,) True where it is an anomaly.
        buffer: L; None: as long as the events are, in the median.

    Returns:
        "vus_pr" and "vus_roc".

    Raises:
        InputError: not as many on both sides, scores that are not finite, or one kind only.
    """
    numbers, strange = np.asarray(scores, dtype=float), np.asarray(anomalous).astype(bool)
    if numbers.shape != strange.shape or numbers.ndim != 1 or not np.isfinite(numbers).all():
        expected = f"a finite number for each of {strange.size} rows"
        raise InputError(must("scores", expected, f"the shape {numbers.shape}"))
    if strange.all() or not strange.any():
        raise InputError(must("what is scored", "both anomalies and others", "one kind only"))
    events = runs(strange)
    longest = round(float(np.median([end - start for start, end in events])))
    longest = longest if buffer is None else whole("buffer", buffer, least=0)
    order = np.argsort(-numbers, kind="stable")
    lengths = np.unique(np.linspace(0, longest, BUFFERS).round().astype(int))
    areas = [_areas(numbers, order, strange, events, int(length)) for length in lengths]
    roc, pr = np.mean(areas, axis=0).tolist()
    return Scores({"vus_pr": pr, "vus_roc": roc}, f"VUS, buffers up to {longest} rows")


def _areas(
    scores: Values,
    order: NDArray[np.int64],
    strange: NDArray[np.bool_],
    events: list[tuple[int, int]],
    buffer: int,
) -> tuple[float, float]:
    """Under the range-based ROC and precision-recall curves of one buffer."""
    soft = _softened(strange, events, buffer)
    ranked = scores[order]
    at = np.linspace(0, len(scores) - 1, THRESHOLDS).astype(int)
    lines = ranked[at]
    said = np.searchsorted(-ranked, -lines, side="right")  # rows with so high a score
    right = np.cumsum(soft[order])[said - 1]
    highest = np.array([scores[start:end].max() for start, end in runs(soft > 0)])
    found = (highest[:, None] >= lines).mean(axis=0)
    near = np.cumsum(np.where(strange, 0, soft)[order])[said - 1]
    wanted = strange.sum() + near / 2  # of a buffer what has an alarm, as the authors' package does
    recall = np.minimum(right / wanted, 1) * found
    false = (said - right) / (len(scores) - wanted)
    x, y = (np.concatenate([[0], part, [1]]) for part in (false, recall))
    roc = float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())
    precision = right / said
    pr = float((np.diff(np.concatenate([[0], recall])) * precision).sum())
    return roc, pr


def _softened(strange: NDArray[np.bool_], events: list[tuple[int, int]], buffer: int) -> Values:
    """(T,) 1 on events, and falling to half a buffer before and after them."""
    soft = strange.astype(float)
    half = buffer // 2
    for start, end in events if half else ():
        after = np.arange(end, min(end + half, len(soft)))
        before = np.arange(max(start - half, 0), start)
        soft[after] += np.sqrt(1 - (after - end + 1) / buffer)
        soft[before] += np.sqrt(1 - (start - before) / buffer)
    softened: Values = np.minimum(soft, 1)
    return softened


def event_f1(alarms: Any, anomalous: Any) -> Scores:
    """Composite F1: which events are found, and which of the alarms are right.

    A. Garg et al., "An evaluation of anomaly detection and diagnosis in multivariate time series",
    IEEE TNNLS, 2021.

    Args:
        alarms: (T,) True where there is an alarm.
        anomalous: (T,) True where it is an anomaly.

    Returns:
        "event_f1", "event_recall" (the share of events with an alarm in them) and
        "alarm_precision" (the share of the rows with an alarm that are anomalies).
    """
    said, meant = np.asarray(alarms).astype(bool), np.asarray(anomalous).astype(bool)
    events = runs(meant)
    recall = float(np.mean([said[start:end].any() for start, end in events])) if events else 0.0
    precision = float((said & meant).sum() / said.sum()) if said.any() else 0.0
    both = recall + precision
    f1 = 2 * recall * precision / both if both else 0.0
    found = {"event_f1": f1, "event_recall": recall, "alarm_precision": precision}
    return Scores(found, "of events and rows, without point adjustment")
