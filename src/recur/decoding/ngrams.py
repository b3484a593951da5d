"""A language model that counts: how likely a label is after the few before it.

The share that a label has after a context is mixed with what the next shorter context says, by how
many different labels were seen there (I. H. Witten and T. C. Bell, IEEE Transactions on Information
Theory 37, 1991, method C): a context after which almost anything came says little of what was not.

    p(c | h) = (n(h, c) + d(h) p(c | h')) / (n(h) + d(h))

n counts, d(h) is the number of different labels after h, h' is h without its first label; below the
empty context all labels, and the end, are alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from recur.decoding.scorers import MOST_STATES, Floats, States, Table
from recur.messages import InputError, must, whole

Context = tuple[int, ...]


class NGrams:
    """Counts of labels after contexts, as a scorer of sequences: log-probabilities, in nats.

    The end of a sequence is one more thing that may follow. Sequences begin in a context of their
    own: what comes first is counted apart.

    Args:
        sequences: each of labels, whole numbers below `classes`; those of the blank are none.
        classes: C.
        order: a label is looked at with so many before it, less one.
        blank: the class that is no label; it stands for the beginning and the end.

    Raises:
        InputError: numbers that are no labels, or sizes below 1.
    """

    def __init__(
        self,
        sequences: Iterable[Sequence[int]],
        classes: int,
        *,
        order: int = 5,
        blank: int = 0,
    ) -> None:
        self.classes, self.order, self.blank = (
            whole("classes", classes),
            whole("order", order),
            blank,
        )
        counts: defaultdict[Context, Counter[int]] = defaultdict(Counter)
        for each in sequences:
            labels = [blank, *map(int, each), blank]
            if any(label == blank or not 0 <= label < classes for label in labels[1:-1]):
                expected = f"labels from 0 to {classes - 1}, without the blank, {blank}"
                raise InputError(must("sequences of a language model", expected, list(each)))
            for at in range(1, len(labels)):
                for size in range(min(order, at + 1)):
                    counts[tuple(labels[at - size : at])][labels[at]] += 1
        self._counts = dict(counts)
        self._table = Table(classes)
        self._known: dict[Context, int] = {}
        self._contexts: list[Context] = []

    def log_probability(self, sequence: Sequence[int]) -> float:
        """Of a whole sequence, its end included."""
        state, total = np.array([self.start()]), 0.0
        for label in sequence:
            total += float(self.scores(state)[0, label])
            state = self.after(state, np.array([label]))
        return total + float(self.scores(state)[0, self.blank])

    def start(self) -> int:
        """As `Scorer.start`."""
        if len(self._table) > MOST_STATES:
            self._table.clear()
            self._known, self._contexts = {}, []
        return self._state((self.blank,))

    def scores(self, states: States) -> Floats:
        """As `Scorer.scores`."""
        return self._table.at(states)

    def after(self, states: States, labels: States) -> States:
        """As `Scorer.after`."""
        contexts = self._contexts
        pairs = zip(states.tolist(), labels.tolist(), strict=True)
        return np.array([self._state((*contexts[s], label)) for s, label in pairs], dtype=np.int64)

    def _state(self, context: Context) -> int:
        """Of the longest end of a context that was ever seen: the rest would change nothing."""
        context = context[max(0, len(context) - self.order + 1) :]
        while context and context not in self._counts:
            context = context[1:]
        found = self._known.get(context)
        if found is None:
            found = self._known[context] = self._table.add(np.log(self._shares(context)))
            self._contexts.append(context)
        return found

    def _shares(self, context: Context) -> Floats:
        """(C,) the probability of each label, and of the end, after a context."""
        below = self._shares(context[1:]) if context else np.full(self.classes, 1 / self.classes)
        counted = self._counts.get(context)
        if counted is None:
            return below
        seen = np.zeros(self.classes)
        seen[list(counted)] = list(counted.values())
        found: Floats = (seen + len(counted) * below) / (seen.sum() + len(counted))
        return found
