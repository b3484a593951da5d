"""Beam search: the best hypotheses are carried on side by side."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor

from recur.decoding.stepping import (
    Decoded,
    Step,
    check_scores,
    check_walk,
    checked_step,
    each,
)
from recur.messages import real, whole


def beam_search(
    step: Step,
    state: Any,
    start: Tensor,
    *,
    width: int,
    max_steps: int,
    end: int | None = None,
    length_penalty: float = 0.0,
    no_repeat: int = 0,
) -> Decoded:
    """Finds likely sequences; with a width of 1 it is greedy search.

    The beam holds finished and unfinished hypotheses; all are ranked by the log-probability over
    ((5 + n) / 6) ** length_penalty, n counting the tokens and `end` (Y. Wu et al.,
    arXiv:1609.08144, equation 14). The search is over when all in the beam have ended.

    Args:
        step: `(state, token) -> (log-probabilities, state)`; see `Step`. It is given B * width
            rows.
        state: the state before the first step, B rows.
        start: (B,) the token before the first one; it is not part of what is written.
        width: W, the hypotheses carried on for each sequence.
        max_steps: steps at most, `end` included; what has not ended by then is cut off.
        end: the token that ends a sequence; None if there is none.
        length_penalty: 0 for none; above it, longer sequences are preferred.
        no_repeat: no run of so many tokens stands twice in a hypothesis (R. Paulus et al.,
            arXiv:1705.04304, section 2.5, for 3); 0: any may.

    Returns:
        tokens (B, W, T), lengths (B, W), and scores (B, W), with the penalty, best first. Where
        fewer than W sequences are possible the rest has a score of -inf and a length of 0.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN.
    """
    check_walk(start, end, max_steps)
    width = whole("width", width)
    real("length_penalty", length_penalty, lambda a: 0 <= a < math.inf, "a number of at least 0")
    whole("no_repeat", no_repeat, least=0)
    if not len(start):
        none = start.new_zeros(0, width)
        return Decoded(start.new_zeros(0, width, 0), none, none.float())
    with torch.no_grad():
        beam = _Beam(start, width, end, length_penalty, no_repeat)
        state = each(state, lambda s: s.repeat_interleave(width, dim=0))
        token = start.repeat_interleave(width)
        for _ in range(max_steps):
            log_probs, state = checked_step(step(state, token), len(start) * width, end)
            rows = beam.extend(log_probs)
            if beam.is_over():
                break
            state = each(state, functools.partial(torch.index_select, dim=0, index=rows))
            token = beam.tokens[:, :, -1].reshape(-1)
    return beam.result()


class _Beam:
    """The hypotheses of all sequences: (B, W) each of log-probability, length, and whether ended.

    `length` counts the tokens with `end`.
    """

    def __init__(
        self, start: Tensor, width: int, end: int | None, penalty: float, no_repeat: int
    ) -> None:
        self.width, self.end, self.penalty, self.no_repeat = width, end, penalty, no_repeat
        shape = (len(start), width)
        self.tokens = start.new_zeros(*shape, 0)
        self.length = start.new_zeros(shape)
        self.ended = torch.zeros(shape, dtype=torch.bool, device=start.device)
        self.log_prob: Tensor | None = None

    def extend(self, log_probs: Tensor) -> Tensor:
        """Keeps the best of all continuations; returns the rows (B * W,) that they continue."""
        batch, width, vocabulary = len(self.tokens), self.width, log_probs.shape[-1]
        if self.log_prob is None:
            # All rows of a sequence are still the same: only the first may be continued.
            self.log_prob = log_probs.new_full((batch, width), -torch.inf)
            self.log_prob[:, 0] = 0
        following = self._without_repeats(log_probs.reshape(batch, width, vocabulary))
        if self.end is not None:
            # What has ended goes on in one way, which costs nothing.
            still = torch.full_like(following[0, 0], -torch.inf)
            still[self.end] = 0
            following = torch.where(self.ended.unsqueeze(-1), still, following)
        total = self.log_prob.unsqueeze(-1) + following
        length = self.length + ~self.ended
        ranked = (total / self._cost(length).to(total).unsqueeze(-1)).flatten(1)
        total = total.flatten(1)
        best = ranked.topk(width, dim=1).indices
        source, token = best // vocabulary, best % vocabulary
        self.log_prob = total.gather(1, best)
        self.length = length.gather(1, source)
        # NaN is kept: it is looked for at the end.
        impossible = self.log_prob == -torch.inf
        self.ended = self.ended.gather(1, source) | impossible
        if self.end is not None:
            self.ended = self.ended | (token == self.end)
        before = self.tokens.gather(1, source.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1]))
        self.tokens = torch.cat([before, token.unsqueeze(-1)], dim=-1)
        first = torch.arange(batch, device=source.device).unsqueeze(1) * width
        return (first + source).flatten()

    def _without_repeats(self, following: Tensor) -> Tensor:
        """(B, W, V) without the tokens that would end a run that was there before."""
        run = self.no_repeat
        if not run or self.tokens.shape[-1] < run:
            return following
        runs = self.tokens.unfold(-1, run, 1)
        last = self.tokens[..., self.tokens.shape[-1] - run + 1 :].unsqueeze(-2)
        again = (runs[..., :-1] == last).all(dim=-1).to(following.dtype)
        none = torch.zeros_like(following)
        barred = none.scatter_reduce(-1, runs[..., -1], again, "amax") > 0
        return following.masked_fill(barred, -torch.inf)

    def is_over(self) -> bool:
        return bool(self.ended.all())

    def result(self) -> Decoded:
        assert self.log_prob is not None
        check_scores(self.log_prob)
        scores = self.log_prob / self._cost(self.length).to(self.log_prob)
        lengths = self.length
        if self.end is not None:
            lengths = lengths - (self.tokens == self.end).any(dim=-1).long()
        lengths = torch.where(scores == -torch.inf, 0, lengths)
        tokens = self.tokens[:, :, : int(lengths.max())]
        beyond = torch.arange(tokens.shape[-1], device=tokens.device) >= lengths.unsqueeze(-1)
        return Decoded(tokens.masked_fill(beyond, self.end or 0), lengths, scores)

    def _cost(self, length: Tensor) -> Tensor:
        return ((5 + length.double()) / 6) ** self.penalty
