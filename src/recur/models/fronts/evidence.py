"""Token ids, each with a vector of its own and with what it says for each answer by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front, only, steps_of
from recur.models.tokens import check_std, embedded, table


class Evidence(Front):
    """A token's vector, then what it adds to each score: F = size + outputs.

    What a token adds is its row of a table, times a weight: of a token that occurs n times in a
    text all n together have (1 + log n) / W, where the squares of these over the distinct tokens
    sum to 1. That is how words are weighed by TF-IDF, but for how rare they are, which the table
    can say.

    Args:
        vocabulary: tokens are below this number.
        size: the numbers of a vector.
        outputs: the scores.
        std: the standard deviation that the vectors start with; the table of scores starts at 0.
        nothing: tokens below this number (padding, the start, the unknown) add nothing.

    Attributes:
        scale: what the table is multiplied by; it is not trained.

    Raises:
        InputError: sizes below 1, or a `std` that is not above 0.
    """

    alone = False
    tokens = True
    scale: Tensor

    def __init__(
        self, vocabulary: int, size: int, outputs: int, *, std: float = 1.0, nothing: int = 1
    ) -> None:
        super().__init__()
        check_sizes(0, vocabulary=vocabulary, size=size, outputs=outputs, nothing=nothing)
        check_std("std", std)
        self.sizes = size, outputs
        self.size = size + outputs
        self.nothing = nothing
        self.embedding: Embedding = table(vocabulary, size, std=std)
        self.evidence: Embedding = table(vocabulary, outputs)
        nn.init.zeros_(self.evidence.weight)
        self.register_buffer("scale", torch.ones(()))

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T) token ids, int64 or int32."""
        vectors = embedded(x, self.embedding)
        told = only(x, steps_of(x, lengths))
        weights = self.scale * self.weights(told)
        said = weights.unsqueeze(-1) * self.evidence(told)
        return torch.cat([vectors, said], dim=-1), lengths

    def weights(self, x: Tensor) -> Tensor:
        """(B, T) the weight of each step of token ids (B, T), 0 where there is none."""
        ordered, places = x.sort(dim=1)
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        which = first.cumsum(dim=1) - 1
        sizes = torch.zeros_like(x).scatter_add(1, which, torch.ones_like(x)).gather(1, which)
        count = torch.empty_like(x).scatter(1, places, sizes).to(self.scale.dtype)
        each = (1 + count.log()) * (x >= self.nothing)
        length = (each * each / count).sum(dim=1, keepdim=True).sqrt()
        return each / count / length.clamp(min=1)
