"""Connectionist temporal classification: from an answer at every step to a shorter sequence.

An alignment names a label or the blank at every step; what it says is found by merging equal
neighbours and dropping the blanks ("aa-ab" says "aab"). The probability of a sequence is the sum
over all alignments that say it (A. Graves et al., ICML 2006).

Letters: B sequences of T steps, C classes (labels and the blank), W hypotheses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recur.decoding.narrowing import in_single
from recur.decoding.prefixes import search
from recur.decoding.scorers import NONE, Floats, Scorer
from recur.decoding.stepping import Decoded, check_scores
from recur.layers.lengths import as_lengths
from recur.messages import InputError, must, real, whole


def ctc_greedy_search(
    log_probs: Tensor, lengths: Tensor | Any | None = None, *, blank: int = 0
) -> Decoded:
    """What the likeliest alignment says. It need not be the likeliest sequence.

    Args:
        log_probs: (B, T, C).
        lengths: (B,) steps that exist; None if all do.
        blank: the class that means "nothing here".

    Returns:
        tokens (B, N), lengths (B,), and the log-probability of the alignment. Beyond a length is
        the blank.

    Raises:
        InputError: a wrong shape, values that are no log-probabilities, lengths that do not fit.
        FailedError: log-probabilities of NaN.
    """
    steps = _checked(log_probs, lengths, blank)
    with torch.no_grad():
        best, token = log_probs.max(dim=-1)
        exists = torch.arange(log_probs.shape[1], device=steps.device) < steps.unsqueeze(1)
        before = torch.cat([torch.full_like(token[:, :1], blank), token[:, :-1]], dim=1)
        said = exists & (token != blank) & (token != before)
        count = said.sum(dim=1)
        # Those that are said, moved to the front in their order.
        order = (~said).long().argsort(dim=1, stable=True)
        width = int(count.max()) if count.numel() else 0
        front = torch.arange(width, device=steps.device) < count.unsqueeze(1)
        tokens = token.gather(1, order)[:, :width].where(front, blank)
        return Decoded(tokens, count, in_single(torch.where(exists, best, 0)).sum(dim=1))


def ctc_beam_search(
    log_probs: Tensor,
    lengths: Tensor | Any | None = None,
    *,
    width: int,
    blank: int = 0,
    scorer: Scorer | None = None,
    least: float = 0.0,
) -> Decoded:
    """The likeliest sequences, by a search over prefixes.

    The probability of a prefix is the sum over the alignments that lead to it, kept apart by
    whether they end in a blank (A. Y. Hannun et al., arXiv:1408.2873). What the beam drops is not
    counted, so that a score is at most the true log-probability, and equals it where the width is
    enough for all prefixes. It runs on the CPU, in NumPy.

    Args:
        log_probs: (B, T, C).
        lengths: (B,) steps that exist; None if all do.
        width: W, the prefixes kept at each step.
        blank: the class that means "nothing here".
        scorer: what sequences are worth by themselves, such as `NGrams`, `Lexicon`, or several
            `Together`: its scores are added to the log-probabilities.
        least: labels below this probability at a step begin nothing there, which spares most of
            the work; 0: all are tried.

    Returns:
        tokens (B, W, N), lengths (B, W), and scores (B, W), best first. Where there are fewer than
        W sequences, the rest has a score of -inf and a length of 0.

    Raises:
        InputError: as `ctc_greedy_search`, a width below 1, a scorer of other classes, or `least`
            that is no probability below 1.
        FailedError: log-probabilities of NaN.
    """
    steps = _checked(log_probs, lengths, blank)
    width = whole("width", width)
    real("least", least, lambda share: 0 <= share < 1, "from 0 to below 1")
    if scorer is not None and scorer.classes != log_probs.shape[-1]:
        expected = f"of the {log_probs.shape[-1]} classes of log_probs"
        raise InputError(must("scorer", expected, scorer.classes))
    rows = log_probs.detach().double().cpu().numpy()
    worst = math.log(least) if least else NONE
    found = [
        search(row[:n], width, blank, scorer, worst)
        for row, n in zip(rows, steps.tolist(), strict=True)
    ]
    longest = max((len(labels) for row in found for labels, _ in row), default=0)
    tokens = torch.full((len(found), width, longest), blank)
    sizes = torch.zeros(len(found), width, dtype=torch.int64)
    scores = torch.full((len(found), width), NONE, dtype=torch.float64)
    for b, row in enumerate(found):
        for w, (labels, score) in enumerate(row):
            tokens[b, w, : len(labels)] = torch.tensor(labels, dtype=torch.int64)
            sizes[b, w], scores[b, w] = len(labels), score
    device = log_probs.device
    return Decoded(tokens.to(device), sizes.to(device), scores.to(in_single(log_probs)))


def ctc_align(log_probs: Tensor, labels: Tensor | Any, *, blank: int = 0) -> list[int]:
    """The step at which each label of a sequence is said, by its likeliest alignment.

    Of the steps that say a label it is the one at which the label is likeliest.

    Args:
        log_probs: (T, C) of one sequence.
        labels: (N,) what it says.
        blank: the class that means "nothing here".

    Returns:
        N steps, which rise.

    Raises:
        InputError: a wrong shape, labels that are none, or more than T steps can say.
        FailedError: log-probabilities of NaN.
    """
    if not isinstance(log_probs, Tensor) or log_probs.dim() != 2:
        got = tuple(log_probs.shape) if isinstance(log_probs, Tensor) else type(log_probs).__name__
        raise InputError(must("log_probs", "a tensor (time, classes)", got))
    _checked(log_probs.unsqueeze(0), None, blank)
    said = [int(label) for label in labels]
    for label in said:
        if label == blank or not 0 <= label < log_probs.shape[1]:
            expected = f"from 0 to {log_probs.shape[1] - 1}, without the blank, {blank}"
            raise InputError(must("labels", expected, label))
    now = log_probs.detach().double().cpu().numpy()
    path = _best_path(now, [blank, *(each for label in said for each in (label, blank))])
    steps: list[list[int]] = [[] for _ in said]
    for step, place in enumerate(path):
        if place % 2:
            steps[place // 2].append(step)
    return [at[int(now[at, label].argmax())] for at, label in zip(steps, said, strict=True)]


def _best_path(log_probs: Floats, states: list[int]) -> list[int]:
    """The likeliest walk through labels with blanks around them (A. Viterbi, 1967)."""
    # A label may follow the one before it without a blank between, if they differ.
    skips = np.array([n > 1 and n % 2 == 1 and c != states[n - 2] for n, c in enumerate(states)])
    best = np.full(len(states), NONE)
    best[0] = 0.0
    came = np.zeros((len(log_probs), len(states)), dtype=np.int64)
    for step, now in enumerate(log_probs):
        ways = np.full((3, len(states)), NONE)
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[2, 2:] = np.where(skips[2:], best[:-2], NONE)
        came[step] = ways.argmax(axis=0)
        best = ways.max(axis=0) + now[states]
    ends = [len(states) - 1, *([len(states) - 2] if len(states) > 1 else [])]
    place = max(ends, key=lambda end: best[end])
    if best[place] == NONE:
        got = f"{len(states) // 2} for {len(log_probs)} steps"
        todo = "Each label needs a step, and a blank between two that are the same."
        raise InputError(must("labels", "what the steps can say", got, todo))
    path = []
    for step in reversed(range(len(log_probs))):
        path.append(place)
        place -= int(came[step, place])
    return path[::-1]


def _checked(log_probs: Tensor, lengths: Any, blank: int) -> Tensor:
    """The steps of each row, (B,) on the device of the log-probabilities."""
    if not isinstance(log_probs, Tensor) or log_probs.dim() != 3:
        got = tuple(log_probs.shape) if isinstance(log_probs, Tensor) else type(log_probs).__name__
        raise InputError(must("log_probs", "a tensor (batch, time, classes)", got))
    batch, time, classes = log_probs.shape
    if not isinstance(blank, int) or isinstance(blank, bool) or not 0 <= blank < classes:
        raise InputError(must("blank", f"a class from 0 to {classes - 1}", repr(blank)))
    if lengths is None:
        steps = torch.full((batch,), time, device=log_probs.device)
    else:
        steps = as_lengths(lengths, time=time, batch=batch, device=log_probs.device)
    exists = torch.arange(time, device=steps.device) < steps.unsqueeze(1)
    check_scores(log_probs.detach()[exists])
    return steps
