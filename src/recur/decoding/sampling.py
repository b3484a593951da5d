"""Sampling: the next token is drawn, from all tokens or from the likelier ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recur.decoding.narrowing import check_narrowing
from recur.decoding.stepping import Decoded, Given, Step, walk


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
    generator: torch.Generator | None = None,
) -> Decoded:
    """Draws a token at every step.

    Args:
        step: `(state, token) -> (log-probabilities, state)`; see `Step`.
        state: the state before the first step, B rows.
        start: (B,) the token before the first one; it is not part of what is written.
        max_steps: steps at most, `end` included: a row whose length is `max_steps` was cut off.
        end: the token that ends a sequence; None if there is none.
        temperature: see `narrowed`, as for the next two.
        top_k: draw from so many of the likeliest tokens.
        top_p: draw from the likeliest tokens that together have this probability.
        generator: the source of chance; torch's own if None.

    Returns:
        tokens (B, T), lengths (B,), and the log-probability of each row under the model itself,
        whatever the temperature.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN, or of -inf for every token.
    """
    check_narrowing(temperature, top_k, top_p)
    emission = Given(temperature=temperature, top_k=top_k, top_p=top_p)
    return walk(step, state, start, emission, end=end, max_steps=max_steps, generator=generator)
