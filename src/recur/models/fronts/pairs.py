"""Token ids, and the pairs of neighbours that are frequent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.messages import InputError, must
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front
from recur.models.tokens import check_std, embedded, table


class TokensAndPairs(Front):
    """A token's vector, with that of the pair that it ends: of itself and the token before it.

    What two words say together ("not good", "waste of") is then known before any layer puts them
    together; pairs of words alone carry a linear model far (S. Wang and C. D. Manning, "Baselines
    and bigrams", ACL 2012). A pair that is not among those known adds nothing.

    Args:
        vocabulary: tokens are below this number.
        pairs: (P, 2) the known pairs, each the token before and the token; all different.
        size: F, the numbers of a vector.
        std: the standard deviation that the vectors start with.
        dropout: the part of the tokens, and apart from them of the pairs, whose vectors are dropped
            while training.

    Raises:
        InputError: sizes below 1, pairs that are none of the vocabulary or occur twice, or numbers
            outside their range.
    """

    tokens = True
    alone = False

    def __init__(
        self,
        vocabulary: int,
        pairs: Sequence[Sequence[int]] | Tensor,
        size: int,
        *,
        std: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(dropout, vocabulary=vocabulary, size=size)
        check_std("std", std)
        self.size, self.dropout, self.vocabulary = size, dropout, vocabulary
        known = _keys(pairs, vocabulary)
        self.embedding: Embedding = table(vocabulary, size, std=std)
        # Row 0 is no pair; row n + 1 belongs to the n-th of the pairs in their order.
        self.paired = Embedding(len(known) + 1, size, padding_idx=0)
        self.paired.weight.data *= std
        self.register_buffer("known", known, persistent=False)
        self.known: Tensor

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T) token ids, int64 or int32."""
        words: Tensor = F.dropout1d(embedded(x, self.embedding), self.dropout, self.training)
        pairs: Tensor = F.dropout1d(self.paired(self._rows(x)), self.dropout, self.training)
        return words + pairs, lengths

    def _rows(self, x: Tensor) -> Tensor:
        """(B, T) which row of `paired` belongs to the pair that a token ends."""
        found = torch.zeros(x.shape, dtype=torch.int64, device=x.device)
        if not len(self.known) or x.shape[1] < 2:
            return found
        keys = x[:, :-1].long() * self.vocabulary + x[:, 1:]
        at = torch.searchsorted(self.known, keys).clamp(max=len(self.known) - 1)
        found[:, 1:] = torch.where(self.known[at] == keys, at + 1, 0)
        return found


def _keys(pairs: Sequence[Sequence[int]] | Tensor, vocabulary: int) -> Tensor:
    """(P,) a number for each pair, in ascending order."""
    given = torch.as_tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    if len(given) and not (given.min() >= 0 and given.max() < vocabulary):
        got = f"{given.min().item()} to {given.max().item()}"
        raise InputError(must("pairs", f"of tokens between 0 and {vocabulary - 1}", got))
    keys: Tensor = torch.unique(given[:, 0] * vocabulary + given[:, 1])
    if len(keys) < len(given):
        raise InputError(must("pairs", "different ones", f"{len(given) - len(keys)} twice"))
    return keys
