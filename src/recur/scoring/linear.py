"""What a network over sequences of numbers has to beat: a linear model of each one's summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must
from recur.scoring.scores import check_pairs, package, unwarned

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearSummary:
    """Logistic regression on the mean and the deviation over time of each number of a step.

    Attributes:
        classes: the C classes, sorted.
        mean: (2F,) of the summaries that it was fitted on.
        deviation: (2F,) of them.
        weights: (C, 2F).
        bias: (C,).

    Raises:
        InputError: parts that do not fit together.
    """

    classes: tuple[str, ...]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __post_init__(self) -> None:
        size, number = len(self.mean), len(self.classes)
        shapes = [self.deviation.shape, self.weights.shape, self.bias.shape]
        if shapes != [(size,), (number, size), (number,)] or (self.deviation <= 0).any():
            expected = f"of {number} classes and {size} numbers, deviations above 0"
            raise InputError(must("a linear model", expected, f"the shapes {shapes}"))

    @classmethod
    def fit(cls, sequences: Iterable[Any], labels: Sequence[str]) -> Self:
        """Fits it, with as much regularisation as scikit-learn has by itself (C = 1).

        Args:
            sequences: N of them, (T_i, F) each, which are not kept.
            labels: the class of each.

        Raises:
            InputError: none, not as many on both sides, or one class only.
            FailedError: scikit-learn is not installed.
        """
        if len(set(labels)) < 2:
            raise InputError(must("labels", "of two classes at least", sorted(set(labels))))
        found = _summaries(sequences)
        check_pairs(labels, list(found))
        mean, deviation = found.mean(axis=0), found.std(axis=0)
        deviation = np.where(deviation > 1e-9, deviation, 1.0)
        model = package("sklearn.linear_model").LogisticRegression(max_iter=1000)
        with unwarned():
            model.fit((found - mean) / deviation, list(labels))
        weights, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
        if len(weights) == 1:  # of two classes one score, that of the second
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        return cls(tuple(map(str, model.classes_)), mean, deviation, weights, bias)

    def answers(self, sequences: Iterable[Any]) -> list[str]:
        """The class of each sequence (T_i, F)."""
        scaled = (_summaries(sequences) - self.mean) / self.deviation
        best = (scaled @ self.weights.T + self.bias).argmax(axis=1)
        return [self.classes[n] for n in best]


def _summaries(sequences: Iterable[Any]) -> Floats:
    """(N, 2F) the mean of each number over time, and its deviation."""
    return np.array([_summary(np.asarray(each, dtype=np.float64)) for each in sequences])


def _summary(steps: Floats) -> Floats:
    return np.concatenate([steps.mean(axis=0), steps.std(axis=0)])
