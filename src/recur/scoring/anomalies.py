"""Anomalies: how well a number tells the strange from the usual, and what does so without RNN."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, real
from recur.scoring.scores import Scores, package, version

Values = NDArray[np.float64]


def detection(
    scores: Any, anomalous: Any, *, threshold: float | None = None, false_alarms: float = 0.01
) -> Scores:
    """How well scores tell anomalies.

    Args:
        scores: (N,) numbers; the higher, the stranger.
        anomalous: (N,) True or 1 where it is an anomaly.
        threshold: above it a score counts as an alarm.
        false_alarms: the share of the usual that may be taken for an anomaly.

    Returns:
        "roc_auc", "pr_auc" (average precision), "anomalies" (their share, which is the pr_auc of
        chance), "detection" (the share of anomalies found at the highest threshold with so many
        false alarms at most); with a threshold its "f1", "precision", "recall" and "false_alarms".

    Raises:
        InputError: not as many on both sides, scores that are not finite, or one kind only.
        FailedError: scikit-learn is not installed.
    """
    metrics = package("sklearn.metrics")
    real("false_alarms", false_alarms, lambda part: 0 <= part <= 1, "a share from 0 to 1")
    numbers, strange = np.asarray(scores, dtype=float), np.asarray(anomalous).astype(bool)
    if numbers.shape != strange.shape or numbers.ndim != 1:
        expected = f"a number for each of {strange.size} answers"
        raise InputError(must("scores", expected, f"the shape {numbers.shape}"))
    if not np.isfinite(numbers).all():
        raise InputError(must("scores", "finite", numbers[~np.isfinite(numbers)][0]))
    if strange.all() or not strange.any():
        got = "anomalies only" if strange.size and strange.all() else "no anomaly"
        raise InputError(must("what is scored", "both anomalies and others", got))
    wrong, right, _ = metrics.roc_curve(strange, numbers, drop_intermediate=False)
    found = {
        "roc_auc": metrics.roc_auc_score(strange, numbers),
        "pr_auc": metrics.average_precision_score(strange, numbers),
        "anomalies": strange.mean(),
        "detection": right[wrong <= false_alarms].max(),
    }
    how = dict.fromkeys(found, version("sklearn"))
    how["detection"] += f", at most {false_alarms:.2%} false alarms"
    if threshold is not None:
        alarms = numbers > threshold
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            strange, alarms, average="binary", zero_division=0
        )
        at = {"f1": f1, "precision": precision, "recall": recall}
        at["false_alarms"] = alarms[~strange].mean()
        found |= at
        how |= dict.fromkeys(at, f"{version('sklearn')}, an alarm above {threshold:g}")
    return Scores(found, how)


def isolation(
    learnt: Values, validation: Values, asked: Values, *, seed: int = 0
) -> tuple[Values, Values]:
    """Scores of an isolation forest (F. T. Liu et al., ICDM 2008), which knows of no time.

    Args:
        learnt: (M, F) rows to learn from.
        validation: (V, F) rows.
        asked: (N, F) rows.
        seed: of its chance.

    Returns:
        the scores of the last two: (V,) and (N,).

    Raises:
        FailedError: scikit-learn is not installed.
    """
    model = package("sklearn.ensemble").IsolationForest(random_state=seed).fit(learnt)
    return -model.score_samples(validation), -model.score_samples(asked)


def jumps(learnt: Values, validation: Values, asked: Values) -> tuple[Values, Values]:
    """How far each row is from the one before, the greatest of all columns; nothing is learnt.

    Arguments and results as `isolation`; a column is measured by its usual jump in `learnt`.
    """
    usual = np.abs(np.diff(learnt, axis=0))
    typical = usual.mean(axis=0)
    typical = np.where(typical > 0, typical, 1.0)

    def far(rows: Values) -> Values:
        steps: Values = np.abs(np.diff(rows, axis=0, prepend=rows[:1])) / typical
        largest: Values = steps.max(axis=1)
        return largest

    return far(validation), far(asked)
