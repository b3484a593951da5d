"""What a sequence of labels is worth by itself, whatever was seen or heard: it guides a search.

Letters: W prefixes, C classes (labels and the blank).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
States = NDArray[np.int64]

NONE = -np.inf  # the logarithm of 0: what must not be
MOST_STATES = 50_000
"""States whose scores are kept at once: a row of C numbers each."""


class Scorer(Protocol):
    """Scores a sequence label by label; what it has to know of a prefix is a number, its state.

    Attributes:
        classes: C; labels are numbered as in the log-probabilities that are searched, and in the
            place of the blank stands the score of ending here.
    """

    classes: int

    def start(self) -> int:
        """The state of the empty prefix; earlier states need not hold afterwards."""

    def scores(self, states: States) -> Floats:
        """(W, C) what each label adds to each prefix; -inf for one that must not follow."""

    def after(self, states: States, labels: States) -> States:
        """(W,) the states after a label each."""


class Table:
    """The rows of scores of states that have been met, and which states follow.

    Args:
        classes: C.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._rows = np.empty((64, classes))
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def add(self, row: Floats) -> int:
        """Keeps a row (C,); returns its number."""
        if self._number == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._number] = row
        self._number += 1
        return self._number - 1

    def at(self, numbers: States) -> Floats:
        """(W, C) the rows of these numbers."""
        found: Floats = self._rows[numbers]
        return found

    def clear(self) -> None:
        """Forgets all."""
        self._number = 0


class Together:
    """Several scorers at once, whose scores are added with weights, and a bonus for every label.

    With a weight w of a language model and a bonus b, a search finds the sequence y that is best by
    log p(y | x) + w log p(y) + b |y| (A. Y. Hannun et al., arXiv:1408.2873): without a bonus a
    language model makes sequences short.

    Args:
        parts: pairs of a scorer and its weight, above 0; all of the same classes.
        bonus: for each label.
        blank: the class in whose place the score of ending stands.
    """

    def __init__(
        self, parts: list[tuple[Scorer, float]], *, bonus: float = 0.0, blank: int = 0
    ) -> None:
        self.parts, self.classes = parts, parts[0][0].classes
        self.bonus = np.full(self.classes, bonus)
        self.bonus[blank] = 0.0
        self._states: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}

    def start(self) -> int:
        """As `Scorer.start`."""
        self._states, self._numbers = [], {}
        return self._number(tuple(part.start() for part, _ in self.parts))

    def scores(self, states: States) -> Floats:
        """As `Scorer.scores`."""
        return self.bonus + sum(
            weight * part.scores(each)
            for (part, weight), each in zip(self.parts, self._each(states), strict=True)
        )

    def after(self, states: States, labels: States) -> States:
        """As `Scorer.after`."""
        found = [
            part.after(each, labels).tolist()
            for (part, _), each in zip(self.parts, self._each(states), strict=True)
        ]
        return np.array([self._number(each) for each in zip(*found, strict=True)], dtype=np.int64)

    def _each(self, states: States) -> NDArray[np.int64]:
        """(parts, W) the states of each scorer."""
        rows = [self._states[state] for state in states.tolist()]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.parts)).T

    def _number(self, state: tuple[int, ...]) -> int:
        found = self._numbers.setdefault(state, len(self._states))
        if found == len(self._states):
            self._states.append(state)
        return found
