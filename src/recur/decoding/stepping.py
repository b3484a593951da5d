"""What every way of writing a sequence token by token shares.

Letters: B sequences, W hypotheses for each, V tokens in the vocabulary, N steps at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

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


def in_single(log_probs: Tensor) -> Tensor:
    """In float32 at least: half precision would round sums over steps and rare tokens away."""
    return log_probs.to(torch.promote_types(log_probs.dtype, torch.float32))


def check_scores(scores: Tensor) -> None:
    """Once, after the last step, since looking at every step would wait for the device.

    Raises:
        FailedError: scores of NaN.
        InputError: scores that are no logarithms of probabilities, since they are above 0.
    """
    if scores.isnan().any():
        raise FailedError(
            "The model's log-probabilities are not numbers (NaN); what was written from them would "
            "mean nothing. Look at the weights: training may have diverged."
        )
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


def walk(
    step: Step,
    state: Any,
    start: Tensor,
    choose: Callable[[Tensor], Tensor],
    *,
    end: int | None,
    max_steps: int,
) -> Decoded:
    """Writes one sequence for each row, the next token by `choose(log_probs (B, V)) -> (B,)`.

    Raises:
        InputError: arguments that do not fit.
        FailedError: log-probabilities of NaN, or of -inf for every token.
    """
    check_walk(start, end, max_steps)
    token = start
    scores, lengths, going = None, torch.zeros_like(start), torch.ones_like(start, dtype=torch.bool)
    written: list[Tensor] = []
    with torch.no_grad():
        while len(written) < max_steps and bool(going.any()):
            log_probs, state = checked_step(step(state, token), len(start), end)
            token = choose(log_probs)
            gained = log_probs.gather(1, token.unsqueeze(1)).squeeze(1)
            if scores is None:
                scores = torch.zeros_like(gained)
            scores = torch.where(going, scores + gained, scores)
            if end is not None:
                token = torch.where(going, token, end)
                going = going & (token != end)
            lengths = lengths + going
            written.append(token)
    if scores is None:  # no rows
        scores = torch.zeros(len(start), device=start.device)
    check_scores(scores)
    if (scores == -torch.inf).any():
        raise FailedError(
            "The model's log-probabilities are -inf for every token: none can follow. Look at what "
            "masks them."
        )
    tokens = torch.stack(written, dim=1) if written else start.new_zeros(len(start), 0)
    return Decoded(tokens[:, : _widest(lengths)], lengths, scores)


def _widest(lengths: Tensor) -> int:
    return int(lengths.max()) if lengths.numel() else 0
