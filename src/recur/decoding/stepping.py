"""What every way of writing a sequence token by token shares.

Letters: B sequences, W hypotheses for each, V tokens in the vocabulary, N steps at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recur.decoding.emission import Tokens
from recur.decoding.narrowing import check_numbers, in_single
from recur.decoding.writing import Tell, write
from recur.messages import FailedError, InputError, must, whole

# (state, token (rows,)) -> (log-probabilities (rows, V) of the token that follows, the new state).
#
# The state is whatever the model needs: None, a tensor, or tuples, lists and dictionaries of them;
# the first axis of every tensor is the row. With W hypotheses there are B * W rows, those of a
# sequence side by side, so that what belongs to a sequence (an encoder's outputs) may stay with
# the function instead: row r belongs to the sequence r // (rows // B).
Step = Callable[[Any, Tensor], tuple[Tensor, Any]]


ROUNDING = 1e-3  # a log-probability may be above 0 by so much


class Decoded(NamedTuple):
    """Sequences that were written.

    Attributes:
        tokens: (B, T) or (B, W, T) int64; what lies beyond a length is `end` (0 without one; the
            blank, with CTC).
        lengths: (B,) or (B, W) int64: the tokens of each, `end` not counted.
        scores: (B,) or (B, W): the sum of the log-probabilities, `end`'s included, in float32 or
            float64; what else it is, each function says.
    """

    tokens: Tensor
    lengths: Tensor
    scores: Tensor


def check_walk(start: Tensor, end: int | None, max_steps: int) -> None:
    """Checks the arguments that all functions share.

    Raises:
        InputError: start tokens that are no (B,) integers, or no step to go.
    """
    integers = isinstance(start, Tensor) and not start.is_floating_point()
    if not integers or start.dim() != 1 or start.dtype == torch.bool:
        got = (
            f"{start.dtype} of the shape {tuple(start.shape)}"
            if isinstance(start, Tensor)
            else type(start).__name__
        )
        raise InputError(must("start", "a tensor of token ids, one for each sequence", got))
    whole("max_steps", max_steps)
    if end is not None:
        whole("end", end, least=0)


def checked_step(given: Any, rows: int, end: int | None) -> tuple[Tensor, Any]:
    """What a step function gave: (log-probabilities, state).

    Raises:
        InputError: something else, log-probabilities of a wrong shape, or an `end` that is no
            token.
    """
    if not isinstance(given, tuple | list) or len(given) != 2 or not isinstance(given[0], Tensor):
        got = type(given).__name__
        raise InputError(must("what a step gives", "(log-probabilities, state)", got))
    log_probs, state = given
    if log_probs.dim() != 2 or log_probs.shape[0] != rows or not log_probs.shape[1]:
        expected = f"of the shape ({rows}, vocabulary)"
        raise InputError(must("a step's log-probabilities", expected, tuple(log_probs.shape)))
    if end is not None and end >= log_probs.shape[1]:
        raise InputError(must("end", f"below {log_probs.shape[1]}, the vocabulary", end))
    return in_single(log_probs), state


def check_scores(scores: Tensor) -> None:
    """Looks at the log-probabilities of sequences, after the last step.

    Raises:
        FailedError: scores of NaN.
        InputError: scores that are no logarithms of probabilities, since they are above 0.
    """
    check_numbers(scores)
    greatest = float(scores.max()) if scores.numel() else 0.0
    if greatest > ROUNDING:
        todo = "Apply log_softmax to a model's scores first."
        raise InputError(must("log_probs", "logarithms of probabilities", greatest, todo))


def each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Applies `change` to every tensor of a state."""
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, dict):
        return {name: each(part, change) for name, part in state.items()}
    if isinstance(state, tuple | list):
        parts = [each(part, change) for part in state]
        if hasattr(state, "_fields"):  # a NamedTuple takes its parts one by one
            return type(state)(*parts)
        return type(state)(parts)
    return state


class Given(Tokens):
    """Tokens whose scores are log-probabilities already, as a `Step` gives them."""

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """As they are, in float32 at least."""
        return in_single(scores)


def walk(
    step: Step,
    state: Any,
    start: Tensor,
    emission: Given,
    *,
    end: int | None,
    max_steps: int,
    generator: torch.Generator | None = None,
    tell: Tell | None = None,
) -> Decoded:
    """Writes one sequence of tokens for each row.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN, or of -inf for every token.
    """
    check_walk(start, end, max_steps)
    rows = len(start)
    if not rows:
        return Decoded(start.new_zeros(0, 0), start, torch.zeros(0, device=start.device))

    def checked(state: Any, token: Tensor) -> tuple[Tensor, Any]:
        return checked_step(step(state, token), rows, end)

    with torch.no_grad():
        first, state = checked(state, start)
    written = write(
        checked,
        state,
        first,
        emission,
        max_steps=max_steps,
        generator=generator,
        ends=None if end is None else lambda token: token == end,
        tell=tell,
    )
    check_scores(written.scores)
    if (written.scores == -torch.inf).any():
        raise FailedError(
            "The model's log-probabilities are -inf for every token: none can follow. Look at what "
            "masks them."
        )
    beyond = torch.arange(written.values.shape[1], device=start.device) >= written.lengths[:, None]
    tokens, lengths = written.values.masked_fill(beyond, end or 0), written.lengths
    if end is not None:
        lengths = lengths - (written.values.eq(end) & ~beyond).any(dim=1).long()
    return Decoded(tokens[:, : int(lengths.max())], lengths, written.scores)
