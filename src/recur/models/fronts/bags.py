"""Steps of several tokens, such as neighbouring columns of a table: the sum of their vectors."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.layers.checks import tensor
from recur.layers.lengths import Lengths
from recur.messages import InputError, must
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front
from recur.models.tokens import check_std, table

NONE = 0
"""The token that is none: it fills up a step, and adds nothing."""


class Bags(Front):
    """The sum of the vectors of a step's tokens; token 0 is none.

    Args:
        vocabulary: tokens are below this number.
        size: the numbers of a vector.
        std: the standard deviation that they start with.
        unknown: (T, G) the token that is read in the place of one that is dropped, where the
            sequences have T steps of G tokens each; None: nothing is read instead.
        dropout: the part of the tokens dropped while training, so that none is relied upon and it
            is learnt what a missing one means.

    Raises:
        InputError: sizes below 1, or numbers outside their range.
    """

    tokens = True

    def __init__(
        self,
        vocabulary: int,
        size: int,
        *,
        std: float = 1.0,
        unknown: Any = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(dropout, vocabulary=vocabulary, size=size)
        check_std("std", std)
        self.size, self.dropout = size, dropout
        self.vectors = table(vocabulary, size, std=std)
        instead = torch.tensor(NONE) if unknown is None else torch.as_tensor(unknown)
        self.register_buffer("unknown", instead, persistent=False)

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, G) token ids, or the vectors (B, T, G, size) of such."""
        if tensor("x", x).is_floating_point():
            return x.sum(dim=2), lengths
        if x.dim() != 3 or x.dtype == torch.bool:
            got = f"{x.dtype} of the shape {tuple(x.shape)}"
            raise InputError(must("bags of tokens", "integers (batch, time, tokens)", got))
        try:
            found = F.embedding_bag(
                self._read(x).flatten(0, 1), self.vectors.weight, mode="sum", padding_idx=NONE
            )
        except (IndexError, RuntimeError) as error:
            allowed = f"between 0 and {self.vectors.num_embeddings - 1}, the vocabulary's"
            got = f"{x.min().item()} to {x.max().item()}"
            raise InputError(must("token ids", allowed, got)) from error
        return found.view(*x.shape[:2], self.size), lengths

    def _read(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropout:
            return x
        dropped = torch.rand(x.shape, device=x.device) < self.dropout
        return torch.where(dropped & (x != NONE), self.get_buffer("unknown"), x)
