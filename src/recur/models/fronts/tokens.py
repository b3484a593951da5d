"""Token ids, each with a vector of its own."""

from __future__ import annotations

from torch import Tensor

from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front
from recur.models.tokens import check_std, embedded, table


class Tokens(Front):
    """A vector for each token; what `vocabulary=` of a model stands for.

    Args:
        vocabulary: tokens are below this number.
        size: F, the numbers of a vector.
        std: the standard deviation that the vectors start with; torch's own is 1. A rare word
            stays near its start, where a large one is noise.

    Raises:
        InputError: sizes below 1, or a `std` that is not above 0.
    """

    tokens = True

    def __init__(self, vocabulary: int, size: int, *, std: float = 1.0) -> None:
        super().__init__()
        check_sizes(0, vocabulary=vocabulary, size=size)
        check_std("std", std)
        self.size = size
        self.embedding: Embedding = table(vocabulary, size, std=std)

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T) token ids, int64 or int32."""
        return embedded(x, self.embedding), lengths
