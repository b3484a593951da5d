"""What a model reads at each step: token ids, which are embedded first, or numbers."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from recur.layers.checks import tensor
from recur.messages import InputError, must


def check_source(inputs: int | None, vocabulary: int | None, *, named: str = "vocabulary") -> None:
    """Raises an InputError unless one of the two is given."""
    if (inputs is None) == (vocabulary is None):
        given = "neither" if inputs is None else "both"
        raise InputError(must("a model's input", f"told by one of inputs= and {named}=", given))


def embedded(tokens: Tensor, embedding: nn.Embedding) -> Tensor:
    """The vectors of token ids (batch, time).

    Raises:
        InputError: tokens that are no integers (batch, time), or outside the vocabulary.
    """
    tensor("token ids", tokens)
    if tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise InputError(must("token ids", "integers", tokens.dtype, "Convert with .long()."))
    if tokens.dim() != 2:
        raise InputError(must("token ids", "(batch, time)", f"the shape {tuple(tokens.shape)}"))
    try:
        return cast(Tensor, embedding(tokens))
    except IndexError as error:
        allowed = f"between 0 and {embedding.num_embeddings - 1}, the vocabulary's"
        got = f"{tokens.min().item()} to {tokens.max().item()}"
        raise InputError(must("token ids", allowed, got)) from error
