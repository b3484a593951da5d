"""How a network answers with one class, with several, or with a rating: what differs is here.

Letters: N texts, C classes.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data import labels
from recur.scoring import Scores, classes
from recur.tasks.task import Objective

HALF = 0.5
FEW = 10
"""Examples of a class on the validation part, below which it has no threshold of its own."""


class ToldBy(NamedTuple):
    """What of a network's outputs speaks for an answer.

    Attributes:
        output: which.
        sign: -1 where it speaks against the answer.
        name: what it speaks for.
    """

    output: int
    sign: int
    name: str


class Kind(abc.ABC):
    """A kind of labels.

    Attributes:
        name: as `recur.data.labels` calls it.
        best: the score by which two models are compared.
    """

    name: ClassVar[str]
    best: ClassVar[str]

    @abc.abstractmethod
    def outputs(self, many: int) -> int:
        """How many scores a network gives for so many classes."""

    @abc.abstractmethod
    def targets(self, rows: Sequence[Sequence[int]], many: int) -> NDArray[Any]:
        """What the network learns, from the numbers of the classes of each text."""

    @abc.abstractmethod
    def objective(self, many: int) -> Objective:
        """What training makes less."""

    @abc.abstractmethod
    def probabilities(self, scores: Tensor) -> Tensor:
        """(N, outputs) to the probabilities (N, C) of the classes."""

    @abc.abstractmethod
    def chosen(self, probabilities: Tensor, thresholds: Any = None) -> list[tuple[int, ...]]:
        """The numbers of the classes that are answered for each text."""

    @abc.abstractmethod
    def told_by(self, index: int, names: Sequence[str]) -> ToldBy:
        """What speaks for the class of that number."""

    @abc.abstractmethod
    def score(
        self, said: Sequence[Sequence[int]], meant: Sequence[Sequence[int]], names: Sequence[str]
    ) -> Scores:
        """What answers are worth; both are numbers of classes."""


class One(Kind):
    """One class of several."""

    name, best = labels.ONE, "accuracy"

    def outputs(self, many: int) -> int:
        """One score for two classes, that of the second; else one for each."""
        return 1 if many == 2 else many

    def targets(self, rows: Sequence[Sequence[int]], many: int) -> NDArray[Any]:
        """(N,) the number of the class."""
        return np.array([row[0] for row in rows], dtype=np.int64)

    def objective(self, many: int) -> Objective:
        """Binary cross-entropy for two classes, cross-entropy for more."""
        loss = "binary_crossentropy_with_logits" if many == 2 else "cross_entropy"
        return Objective(loss, ("accuracy",), "val_accuracy")

    def probabilities(self, scores: Tensor) -> Tensor:
        """By softmax, or of two classes by the logistic function."""
        if scores.shape[1] > 1:
            return scores.softmax(dim=1)
        second = scores.sigmoid()
        return torch.cat([1 - second, second], dim=1)

    def chosen(self, probabilities: Tensor, thresholds: Any = None) -> list[tuple[int, ...]]:
        """The most probable class."""
        return [(index,) for index in probabilities.argmax(dim=1).tolist()]

    def told_by(self, index: int, names: Sequence[str]) -> ToldBy:
        """Its own score; of two classes there is one, that of the second."""
        if len(names) > 2:
            return ToldBy(index, 1, names[index])
        return ToldBy(0, 1 if index else -1, names[index])

    def score(
        self, said: Sequence[Sequence[int]], meant: Sequence[Sequence[int]], names: Sequence[str]
    ) -> Scores:
        """Accuracy and macro-F1."""
        return classes.single(*([names[row[0]] for row in rows] for rows in (said, meant)))


class Several(Kind):
    """None, one or several classes, each decided by itself."""

    name, best = labels.SEVERAL, "micro_f1"

    def outputs(self, many: int) -> int:
        """One for each class."""
        return many

    def targets(self, rows: Sequence[Sequence[int]], many: int) -> NDArray[Any]:
        """(N, C) 1 where the class is meant."""
        found = np.zeros((len(rows), many), dtype=np.float32)
        for number, row in enumerate(rows):
            found[number, list(row)] = 1
        return found

    def objective(self, many: int) -> Objective:
        """The mean binary cross-entropy of all classes."""
        return Objective("binary_crossentropy_with_logits", ("accuracy",), "val_loss")

    def probabilities(self, scores: Tensor) -> Tensor:
        """By the logistic function."""
        return scores.sigmoid()

    def chosen(self, probabilities: Tensor, thresholds: Any = None) -> list[tuple[int, ...]]:
        """Those that reach their threshold."""
        least = HALF if thresholds is None else torch.tensor(thresholds).to(probabilities)
        return [tuple(row.nonzero().flatten().tolist()) for row in probabilities >= least]

    def told_by(self, index: int, names: Sequence[str]) -> ToldBy:
        """Its own score."""
        return ToldBy(index, 1, names[index])

    def score(
        self, said: Sequence[Sequence[int]], meant: Sequence[Sequence[int]], names: Sequence[str]
    ) -> Scores:
        """Micro-F1, macro-F1, and the share of texts of which all is right."""
        return classes.several(*(self.targets(rows, len(names)) for rows in (said, meant)))


class Ordinal(Kind):
    """A rating: for each but the highest, whether the text is above it.

    J. Cheng, Z. Wang and G. Pollastri, "A neural network approach to ordinal regression", IJCNN
    2008.
    """

    name, best = labels.ORDINAL, "quadratic_kappa"

    def outputs(self, many: int) -> int:
        """One for each rating but the highest."""
        return many - 1

    def targets(self, rows: Sequence[Sequence[int]], many: int) -> NDArray[Any]:
        """(N, C - 1) 1 where the text is above the rating."""
        found = np.array([row[0] for row in rows])
        return (found[:, None] > np.arange(many - 1)).astype(np.float32)

    def objective(self, many: int) -> Objective:
        """The mean binary cross-entropy of being above each rating."""
        return Objective("binary_crossentropy_with_logits", ("accuracy",), "val_loss")

    def probabilities(self, scores: Tensor) -> Tensor:
        """From one rating to the next, what the probability of being above it falls by."""
        above = scores.sigmoid().cummin(dim=1).values
        ends = above.new_ones(len(above), 1), above.new_zeros(len(above), 1)
        return torch.cat([ends[0], above], dim=1) - torch.cat([above, ends[1]], dim=1)

    def chosen(self, probabilities: Tensor, thresholds: Any = None) -> list[tuple[int, ...]]:
        """The rating in the middle: as probably above it as below, which errs by the least."""
        below = probabilities.cumsum(dim=1)[:, :-1]
        return [(index,) for index in (below < HALF).sum(dim=1).tolist()]

    def told_by(self, index: int, names: Sequence[str]) -> ToldBy:
        """Being above the rating beneath it; of the lowest, not being above it."""
        if index:
            return ToldBy(index - 1, 1, f"above {names[index - 1]}")
        return ToldBy(0, -1, f"not above {names[0]}")

    def score(
        self, said: Sequence[Sequence[int]], meant: Sequence[Sequence[int]], names: Sequence[str]
    ) -> Scores:
        """Quadratic kappa, the mean error in ratings, and accuracy."""
        return classes.ordinal(*([row[0] for row in rows] for rows in (said, meant)))


KINDS: dict[str, Kind] = {kind.name: kind for kind in (One(), Several(), Ordinal())}


def thresholds(probabilities: NDArray[Any], meant: NDArray[Any]) -> list[float]:
    """For each class the probability from which on answering it gives the greatest F1.

    Classes that fewer than 10 texts have take the threshold that gives the greatest F1 over all
    classes together. One in the middle between two probabilities, so that neither is a tie.

    Args:
        probabilities: (N, C).
        meant: (N, C) 1 where the class is right.
    """
    common = _best(probabilities.ravel(), meant.ravel())
    return [
        _best(probabilities[:, c], meant[:, c]) if meant[:, c].sum() >= FEW else common
        for c in range(meant.shape[1])
    ]


def _best(probabilities: NDArray[Any], meant: NDArray[Any]) -> float:
    order = np.argsort(-probabilities, kind="stable")
    sorted_by = probabilities[order].astype(np.float64)
    right = np.cumsum(meant[order])
    said = np.arange(1, len(order) + 1)
    f1 = 2 * right / (said + right[-1])
    f1[:-1][sorted_by[:-1] == sorted_by[1:]] = -1  # no threshold lies between equal ones
    if not right[-1]:
        return HALF
    last = int(f1.argmax())
    below = sorted_by[last + 1] if last + 1 < len(order) else 0.0
    return float((sorted_by[last] + below) / 2)
