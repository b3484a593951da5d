"""Probabilities of tokens narrowed before one is drawn, and the draw."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recur.messages import FailedError, InputError, must, real, whole


def narrowed(
    log_probs: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Tensor:
    """The log-probabilities that `sample` draws from: sharpened, cut, and summing to 1 again.

    Args:
        log_probs: (..., V).
        temperature: above 0; they are divided by it. Below 1 the likely gets likelier.
        top_k: keep so many of the likeliest tokens (A. Fan et al., arXiv:1805.04833).
        top_p: keep the fewest likeliest tokens whose probabilities sum to at least this (nucleus
            sampling: A. Holtzman et al., arXiv:1904.09751). After `top_k`.
        min_p: keep the tokens that have at least this share of the likeliest one's probability
            (N. N. Minh et al., arXiv:2407.01082).

    Returns:
        (..., V), float32 or float64: -inf for tokens that are not kept. Of equally likely tokens
        exactly as many are kept as are needed, and one at least.

    Raises:
        InputError: a temperature not above 0, a top_k below 1, a top_p not above 0 or above 1, a
            min_p below 0 or above 1.
    """
    check_narrowing(temperature, top_k, top_p, min_p)
    wide = in_single(log_probs)
    limits = torch.finfo(wide.dtype)
    # The greatest becomes 0 first: however low the temperature, it stays a number.
    below = wide - wide.amax(dim=-1, keepdim=True)
    narrow = torch.log_softmax(below / min(max(temperature, limits.tiny), limits.max), dim=-1)
    if min_p:
        least = narrow.amax(dim=-1, keepdim=True) + math.log(min_p)
        narrow = torch.log_softmax(narrow.masked_fill(narrow < least, -torch.inf), dim=-1)
    if top_p is not None and top_p > 1 - limits.eps:
        top_p = None  # their sum would be rounded to 1 before the last
    if top_k is None and top_p is None:
        return narrow
    size = narrow.shape[-1]
    k = size if top_k is None else min(top_k, size)
    ordered, order = narrow.topk(k, dim=-1)  # a few of many are found sooner than all are sorted
    if top_p is not None:
        p = ordered.softmax(dim=-1)
        enough = p.cumsum(dim=-1) - p >= top_p
        enough[..., 0] = False  # however small top_p is
        ordered = ordered.masked_fill(enough, -torch.inf)
    kept = torch.full_like(narrow, -torch.inf).scatter(-1, order, ordered)
    return torch.log_softmax(kept, dim=-1)


def drawn(log_probs: Tensor, generator: torch.Generator | None) -> Tensor:
    """A token (...) for each row of log-probabilities (..., V), drawn by them.

    The greatest of log-probability plus Gumbel noise is a draw; NaN stays NaN, and is said.
    """
    noise = torch.empty_like(log_probs).exponential_(generator=generator)
    tiny = torch.finfo(noise.dtype).tiny  # a noise of 0 would choose a token that is not kept
    return (log_probs - noise.clamp_(min=tiny).log()).argmax(dim=-1)


def in_single(log_probs: Tensor) -> Tensor:
    """In float32 at least: half precision would round sums over steps and rare tokens away."""
    return log_probs.to(torch.promote_types(log_probs.dtype, torch.float32))


def check_numbers(scores: Tensor) -> None:
    """Raises a FailedError if a sequence's log-probability is NaN.

    Once, after the last step, since looking at every step would wait for the device.
    """
    if scores.isnan().any():
        raise FailedError(
            "The model's log-probabilities are not numbers (NaN); what was written from them would "
            "mean nothing. Look at the weights: training may have diverged."
        )


def check_narrowing(
    temperature: float, top_k: int | None, top_p: float | None, min_p: float | None = None
) -> None:
    """Raises an InputError unless `narrowed` takes these."""
    real("temperature", temperature, lambda t: 0 < t < math.inf, "a number above 0")
    if top_k is not None:
        whole("top_k", top_k)
    if top_p is not None:
        real("top_p", top_p, lambda p: 0 < p <= 1, "above 0 and at most 1")
    if min_p is not None:
        real("min_p", min_p, lambda p: 0 <= p <= 1, "from 0 to 1")


def check_generator(generator: torch.Generator | None) -> None:
    """Raises an InputError unless it is a source of chance or None."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise InputError(must("generator", "a torch.Generator or None", repr(generator)))
