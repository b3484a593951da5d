"""Step functions for tests: the next token depends on the last one and on how many came before."""

from __future__ import annotations

import itertools
import math

import torch


class Chain:
    """B random processes over V tokens; the state counts the steps and keeps a sum of tokens."""

    def __init__(self, batch=2, vocabulary=3, steps=4, seed=0, sharpness=2.0):
        generator = torch.Generator().manual_seed(seed)
        # The memory reaches further than the last token, so that a state given to the wrong row
        # would show.
        self.table = torch.randn(
            batch, steps + 1, 7, vocabulary, vocabulary, generator=generator, dtype=torch.float64
        )
        self.table = (sharpness * self.table).log_softmax(-1)
        self.batch, self.calls = batch, 0

    def start(self):
        zeros = torch.zeros(self.batch, dtype=torch.long)
        return {"steps": zeros.unsqueeze(1), "sums": (None, [zeros])}, zeros

    def step(self, state, token):
        self.calls += 1
        rows = torch.arange(len(token)) // (len(token) // self.batch)
        steps, total = state["steps"][:, 0], state["sums"][1][0]
        log_probs = self.table[rows, steps, total % 7, token]
        return log_probs, {
            "steps": state["steps"] + 1,
            "sums": (None, [total * 2 + token]),
        }

    def score(self, row, tokens):
        """The log-probability of a sequence of one row."""
        total, last, score = 0, 0, 0.0
        for n, token in enumerate(tokens):
            score += float(self.table[row, n, total % 7, last, token])
            total, last = total * 2 + last, token
        return score


def sequences(vocabulary, end, max_steps):
    """All that can be written, with `end` where it is written."""
    labels = [v for v in range(vocabulary) if v != end]
    found = list(itertools.product(labels, repeat=max_steps))
    if end is not None:
        for n in range(max_steps):
            found += [(*head, end) for head in itertools.product(labels, repeat=n)]
    return found


def penalised(score, length, penalty):
    return score / ((5 + length) / 6) ** penalty


def without(tokens, end):
    return [t for t in tokens if t != end]


def brute_force_ctc(log_probs, blank=0):
    """The probability of every label sequence of one row (T, C), over all alignments."""
    found = {}
    time, classes = log_probs.shape
    rows = log_probs.tolist()
    for alignment in itertools.product(range(classes), repeat=time):
        merged = [label for label, _ in itertools.groupby(alignment)]
        said = tuple(label for label in merged if label != blank)
        p = math.exp(sum(rows[t][c] for t, c in enumerate(alignment)))
        found[said] = found.get(said, 0.0) + p
    return found
