"""Words that are allowed: a search that may spell no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from recur.decoding.scorers import MOST_STATES, NONE, Floats, States, Table
from recur.messages import InputError, must, whole

END = -1
"""The key in a node under which stands that a word ends there."""

Node = dict[int, "Node"]


class Lexicon:
    """Words as a tree of their labels, as a scorer of sequences: 0 for what they allow, else -inf.

    A sequence is of words, with labels between them that belong to none (spaces, digits, marks):
    those may stand wherever no word is begun, and end one where the tree does.

    Args:
        words: each of labels, whole numbers below `classes`.
        classes: C.
        within: the labels that words are made of; None: all that stand in them. Others are free.
        blank: the class that is no label; in its place stands whether a sequence may end.

    Raises:
        InputError: no words, empty ones, or numbers that are no labels of words.
    """

    def __init__(
        self,
        words: Iterable[Sequence[int]],
        classes: int,
        *,
        within: Collection[int] | None = None,
        blank: int = 0,
    ) -> None:
        self.classes, self.blank = whole("classes", classes), blank
        self._root: Node = {}
        used: set[int] = set()
        for word in words:
            self._add([int(label) for label in word])
            used.update(map(int, word))
        allowed = used if within is None else set(map(int, within))
        if not used <= allowed or blank in allowed or not all(0 <= c < classes for c in allowed):
            expected = f"of labels from 0 to {classes - 1}, without the blank, {blank}"
            raise InputError(must("the words of a lexicon", expected, sorted(used | allowed)))
        if not used:
            raise InputError(must("a lexicon", "of one word at least", "none"))
        self._free = np.ones(classes, dtype=bool)
        self._free[[blank, *allowed]] = False
        self._table = Table(classes)
        self._numbers: dict[int, int] = {}
        self._nodes: list[Node] = []

    def start(self) -> int:
        """As `Scorer.start`."""
        if len(self._table) > MOST_STATES:
            self._table.clear()
            self._numbers, self._nodes = {}, []
        return self._state(self._root)

    def scores(self, states: States) -> Floats:
        """As `Scorer.scores`."""
        return self._table.at(states)

    def after(self, states: States, labels: States) -> States:
        """As `Scorer.after`; what must not follow leads back to the beginning of a word."""
        nodes, root = self._nodes, self._root
        pairs = zip(states.tolist(), labels.tolist(), strict=True)
        return np.array([self._state(nodes[s].get(c, root)) for s, c in pairs], dtype=np.int64)

    def _add(self, word: list[int]) -> None:
        if not word:
            raise InputError(
                must("the words of a lexicon", "of one label at least", "an empty one")
            )
        node = self._root
        for label in word:
            node = node.setdefault(label, {})
        node[END] = {}

    def _state(self, node: Node) -> int:
        found = self._numbers.get(id(node))
        if found is None:
            row = np.full(self.classes, NONE)
            row[[label for label in node if label != END]] = 0.0
            if node is self._root or END in node:
                row[self._free] = 0.0
                row[self.blank] = 0.0
            found = self._numbers[id(node)] = self._table.add(row)
            self._nodes.append(node)
        return found
