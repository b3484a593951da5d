"""Sampling: the next token is drawn, from all tokens or from the likelier ones."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from recur.decoding.narrowing import check_narrowing
from recur.decoding.stepping import Decoded, Given, Step, checked_step, walk
from recur.decoding.writing import Tell
from recur.messages import real


def sample(
    step: Step,
    state: Any,
    start: Tensor,
    *,
    max_steps: int,
    end: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    generator: torch.Generator | None = None,
    tell: Tell | None = None,
) -> Decoded:
    """Draws a token at every step.

    Args:
        step: `(state, token) -> (log-probabilities, state)`; see `Step`.
        state: the state before the first step, B rows.
        start: (B,) the token before the first one; it is not part of what is written.
        max_steps: steps at most, `end` included: a row whose length is `max_steps` was cut off.
        end: the token that ends a sequence; None if there is none.
        temperature: see `narrowed`, as for the next three.
        top_k: draw from so many of the likeliest tokens.
        top_p: draw from the likeliest tokens that together have this probability.
        min_p: draw from tokens with at least this share of the likeliest one's probability.
        repetition_penalty: what was written before has its log-probability multiplied by this (N.
            S. Keskar et al., arXiv:1909.05858, of log-probabilities); 1 for none, at least 1.
        generator: the source of chance; torch's own if None.
        tell: told the tokens (B,) of each step; after those of which it returns True nothing more
            is written.

    Returns:
        tokens (B, T), lengths (B,), and the log-probability of each row under the model itself,
        whatever the temperature, with the penalty.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN, or of -inf for every token.
    """
    check_narrowing(temperature, top_k, top_p, min_p)
    real(
        "repetition_penalty",
        repetition_penalty,
        lambda p: 1 <= p < math.inf,
        "at least 1, and finite",
    )
    emission = Given(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    how: dict[str, Any] = {"end": end, "max_steps": max_steps, "generator": generator, "tell": tell}
    if repetition_penalty == 1:
        return walk(step, state, start, emission, **how)
    return walk(_penalised(step, repetition_penalty), (state, None), start, emission, **how)


def _penalised(step: Step, penalty: float) -> Step:
    """A step whose state also says which tokens were written, (B, V)."""

    def penalised(state: Any, token: Tensor) -> tuple[Tensor, Any]:
        inner, written = state
        log_probs, inner = checked_step(step(inner, token), len(token), None)
        if written is None:  # the token before the first one is not written
            written = torch.zeros_like(log_probs, dtype=torch.bool)
        else:
            written = written.scatter(1, token.unsqueeze(1), True)
        again = torch.where(written, penalty * log_probs, log_probs)
        return again.log_softmax(dim=-1), (inner, written)

    return penalised
