"""Greedy search: always the likeliest next token."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recur.decoding.stepping import Decoded, Given, Step, walk
from recur.decoding.writing import Tell


def greedy_search(
    step: Step,
    state: Any,
    start: Tensor,
    *,
    max_steps: int,
    end: int | None = None,
    tell: Tell | None = None,
) -> Decoded:
    """Writes the likeliest token at every step.

    Args:
        step: `(state, token) -> (log-probabilities, state)`; see `Step`.
        state: the state before the first step, B rows.
        start: (B,) the token before the first one; it is not part of what is written.
        max_steps: steps at most, `end` included: a row whose length is `max_steps` was cut off.
        end: the token that ends a sequence; None if there is none.
        tell: told the tokens (B,) of each step; after those of which it returns True nothing more
            is written.

    Returns:
        tokens (B, T), lengths (B,), and the log-probability of each row.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN, or of -inf for every token.
    """
    how: dict[str, Any] = {"end": end, "max_steps": max_steps, "tell": tell}
    return walk(step, state, start, Given(temperature=0.0), **how)
