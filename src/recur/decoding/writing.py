"""The loop that writes a sequence of values, one after another, whatever they are.

Letters: B rows, T steps written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recur.decoding.emission import Emission
from recur.decoding.narrowing import check_generator, check_numbers
from recur.messages import whole

Tell = Callable[[Tensor], bool | None]
"""Is told what is written; True: that is enough."""


class Written(NamedTuple):
    """Values that were written.

    Attributes:
        values: (B, T, ...) as the emission gives them; beyond a length they mean nothing.
        lengths: (B,) int64: the values of each row, its last one included.
        scores: (B,) the sum of the log-likelihoods, in nats.
    """

    values: Tensor
    lengths: Tensor
    scores: Tensor


def write(
    step: Callable[[Any, Tensor], tuple[Tensor, Any]],
    state: Any,
    first: Tensor,
    emission: Emission,
    *,
    max_steps: int,
    generator: torch.Generator | None = None,
    ends: Callable[[Tensor], Tensor] | None = None,
    tell: Tell | None = None,
) -> Written:
    """Writes a sequence of values for each row, each drawn by what the model says of it.

    Args:
        step: `(state, value (B, ...)) -> (scores (B, size) of the value that follows, state)`.
        state: the state after what the model has read.
        first: (B, size) the model's scores of the first value.
        emission: what scores mean, and how varied samples are.
        max_steps: values at most.
        generator: the source of chance; torch's own if None.
        ends: `value (B, ...) -> (B,)`, True where a value is the last of its row; None: none is.
        tell: told each value (B, ...) as it is written; after one of which it returns True nothing
            more is.

    Raises:
        InputError: arguments that do not fit.
        FailedError: scores of NaN.
    """
    whole("max_steps", max_steps)
    check_generator(generator)
    rows = len(first)
    going = torch.ones(rows, dtype=torch.bool, device=first.device)
    lengths = torch.zeros(rows, dtype=torch.int64, device=first.device)
    scores, values, total = first, [], torch.zeros(rows, device=first.device)
    with torch.no_grad():
        while True:
            value = emission.sample(scores, generator)
            gained = emission.log_likelihood(scores, value)
            total = torch.where(going, total + gained, total)
            lengths = lengths + going
            values.append(value)
            if ends is not None:
                going = going & ~ends(value)
            enough = tell is not None and tell(value)
            if enough or len(values) == max_steps or not bool(going.any()):
                break
            scores, state = step(state, value)
    check_numbers(total)
    return Written(torch.stack(values, dim=1), lengths, total)
