"""The search over prefixes that `ctc_beam_search` runs for each sequence.

Letters: T steps, C classes (labels and the blank), W prefixes in the beam.
"""

from __future__ import annotations

import numpy as np

from recur.decoding.scorers import NONE, Floats, Scorer, States


class _Prefixes:
    """Prefixes by number, so that one that was dropped and comes again is known by its children."""

    def __init__(self) -> None:
        self.parent, self.label = [-1], [-1]
        self.known: dict[tuple[int, int], int] = {}

    def number(self, parent: int, label: int) -> int:
        found = self.known.setdefault((parent, label), len(self.parent))
        if found == len(self.parent):
            self.parent.append(parent)
            self.label.append(label)
        return found

    def labels(self, prefix: int) -> list[int]:
        backwards = []
        while prefix:
            backwards.append(self.label[prefix])
            prefix = self.parent[prefix]
        return backwards[::-1]


class _Worth:
    """What the prefixes of a beam are worth by a scorer, 0 without one."""

    def __init__(self, scorer: Scorer | None, classes: int) -> None:
        self.scorer = scorer
        self.total = np.zeros(1)
        self.states: States = np.array([scorer.start() if scorer is not None else 0])
        self._more: Floats = np.zeros((1, classes))
        self._look()

    def of_longer(self, labels: States) -> Floats:
        """(W, L) of each prefix with one of these labels after it."""
        found: Floats = self.total[:, None] + self._more[:, labels]
        return found

    def of_ended(self, blank: int) -> Floats:
        """(W,) of each as a whole sequence."""
        found: Floats = self.total + self._more[:, blank]
        return found

    def keep(self, stay: States, origin: States, labels: States) -> None:
        """The beam becomes the prefixes `stay`, and those at `origin` with a label after each."""
        longer = self.total[origin] + self._more[origin, labels]
        self.total = np.concatenate([self.total[stay], longer])
        if self.scorer is None:
            self._more = np.zeros((len(self.total), self._more.shape[1]))
            return
        after = self.scorer.after(self.states[origin], labels)
        self.states = np.concatenate([self.states[stay], after])
        self._look()

    def _look(self) -> None:
        if self.scorer is not None:
            self._more = self.scorer.scores(self.states)


def search(
    log_probs: Floats, width: int, blank: int, scorer: Scorer | None, worst: float
) -> list[tuple[list[int], float]]:
    """The best sequences of one row (T, C), with their log-probabilities and what they are worth.

    Args:
        log_probs: (T, C).
        width: W.
        blank: the class that means "nothing here".
        scorer: what sequences are worth; None: all alike.
        worst: the log-probability below which a label begins nothing at a step.
    """
    prefixes, beam = _Prefixes(), [0]
    in_blank, in_label = np.array([0.0]), np.array([NONE])
    worth = _Worth(scorer, log_probs.shape[1])
    likely = log_probs >= worst
    likely[:, blank] = False
    for now, tried in zip(log_probs, likely, strict=True):
        if not beam:  # no alignment is possible
            return []
        last = np.array([prefixes.label[p] for p in beam])
        total = np.logaddexp(in_blank, in_label)
        # The same prefix: a blank, or its last label once more ...
        same_blank = total + now[blank]
        same_label = np.where(last >= 0, in_label + now[last], NONE)
        labels = np.flatnonzero(tried)
        if not len(labels):
            in_blank, in_label = same_blank, same_label
            continue
        # A longer prefix: after the same label only where a blank lies between.
        longer = total[:, None] + now[labels]
        place = np.full(len(now) + 1, -1)  # of a label among those tried; of none (-1) as well
        place[labels] = np.arange(len(labels))
        again = np.flatnonzero(place[last] >= 0)
        longer[again, place[last[again]]] = in_blank[again] + now[last[again]]
        # ... or its parent made longer, where that is in the beam too.
        parent = np.array([prefixes.parent[p] for p in beam])
        child, mother = np.nonzero(
            (parent[:, None] == np.array(beam)) & (place[last] >= 0)[:, None]
        )
        at = place[last[child]]
        same_label[child] = np.logaddexp(same_label[child], longer[mother, at])
        longer[mother, at] = NONE
        # The best of all.
        same = np.logaddexp(same_blank, same_label) + worth.total
        candidates = np.concatenate([same, (longer + worth.of_longer(labels)).ravel()])
        best = np.argsort(-candidates, kind="stable")[:width]
        best = best[candidates[best] > NONE]
        stay, grow = best[best < len(beam)], best[best >= len(beam)] - len(beam)
        origin, which = np.divmod(grow, len(labels))
        worth.keep(stay, origin, labels[which])
        beam = [beam[i] for i in stay] + [
            prefixes.number(beam[i], c)
            for i, c in zip(origin.tolist(), labels[which].tolist(), strict=True)
        ]
        in_blank = np.concatenate([same_blank[stay], np.full(len(grow), NONE)])
        in_label = np.concatenate([same_label[stay], longer.ravel()[grow]])
    total = np.logaddexp(in_blank, in_label) + worth.of_ended(blank)
    order = [i for i in np.argsort(-total, kind="stable") if total[i] > NONE]
    return [(prefixes.labels(beam[i]), float(total[i])) for i in order]
