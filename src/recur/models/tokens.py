"""Token ids and the vectors that stand for them."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from recur.layers import Embedding
from recur.layers.checks import tensor
from recur.messages import InputError, must, real


def table(vocabulary: int, size: int, *, std: float = 1.0) -> Embedding:
    """Makes the vectors of tokens, which start from a normal distribution of that deviation."""
    made: Embedding = Embedding(vocabulary, size)
    made.weight.data *= std
    return made


def check_std(named: str, std: float) -> None:
    """Raises an InputError unless a standard deviation is above 0."""
    real(named, std, lambda std: 0 < std < math.inf, "a number above 0")


def embedded(tokens: Tensor, embedding: nn.Embedding, *, what: str = "token ids") -> Tensor:
    """The vectors of token ids (batch, time); `what` messages call them.

    Raises:
        InputError: tokens that are no integers (batch, time), or outside the vocabulary.
    """
    tensor(what, tokens)
    if tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise InputError(must(what, "integers", tokens.dtype, "Convert with .long()."))
    if tokens.dim() != 2:
        raise InputError(must(what, "(batch, time)", f"the shape {tuple(tokens.shape)}"))
    try:
        return cast(Tensor, embedding(tokens))
    except IndexError as error:
        allowed = f"between 0 and {embedding.num_embeddings - 1}, the vocabulary's"
        got = f"{tokens.min().item()} to {tokens.max().item()}"
        raise InputError(must(what, allowed, got)) from error
