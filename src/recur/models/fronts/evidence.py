"""Token ids, each with a vector of its own and with what its n-grams say for each answer."""

from __future__ import annotations

import torch
from torch import Tensor

from recur.data.ngrams import NONE, NGrams
from recur.layers import Embedding
from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front, only, steps_of
from recur.models.tokens import check_std, embedded, table

LATE = 50
"""Steps that are the end of a text."""


def ending(x: Tensor, lengths: Lengths | None = None) -> Tensor:
    """(B, T) whether each of (B, T) steps is one of the last of its text."""
    steps = steps_of(x, lengths)
    ends = torch.full((len(x),), x.shape[1], device=x.device) if steps is None else steps
    return torch.arange(x.shape[1], device=x.device) >= ends.unsqueeze(1) - LATE


class Evidence(Front):
    """A token's vector, then what it adds to each score: F = size + outputs.

    What an n-gram adds is its row of a table, times a weight: of one that occurs n times in a text
    all n together have (1 + log n) / W, where the squares of these over the distinct known n-grams
    sum to 1. That is how words are weighed by TF-IDF, but for how rare they are, which the table
    can say. Each token of an n-gram has the same share of what it adds. What stands at the end of
    a text may count more.

    Args:
        vocabulary: tokens are below this number.
        size: the numbers of a vector.
        outputs: the scores.
        std: the standard deviation that the vectors start with; the table of scores starts at 0.
        nothing: tokens below this number (padding, the start, the unknown) add nothing.
        longest: tokens of an n-gram at most.
        grams: G, the n-grams that have a row; None: each single token has one, as in runs of before
            there were n-grams.
        once: 1 takes the place of 1 + log n.

    Attributes:
        known: (G,) the n-grams in ascending order, as `recur.data.ngrams` numbers them.
        evidence: (G, outputs) the table; it is not trained.
        scale: what the table is multiplied by; it is not trained.
        late: how much more the last `LATE` steps of a text count; it is not trained.

    Raises:
        InputError: sizes below 1, a `std` that is not above 0, or a vocabulary too large for
            n-grams of that length.
    """

    alone = False
    tokens = True
    scale: Tensor
    late: Tensor
    known: Tensor

    def __init__(
        self,
        vocabulary: int,
        size: int,
        outputs: int,
        *,
        std: float = 1.0,
        nothing: int = 1,
        longest: int = 1,
        grams: int | None = None,
        once: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(0, vocabulary=vocabulary, size=size, outputs=outputs, nothing=nothing)
        check_sizes(0, grams=grams)
        check_std("std", std)
        self.sizes = size, outputs
        self.size = size + outputs
        self.ngrams = NGrams(longest, vocabulary, nothing, once)
        self.embedding: Embedding = table(vocabulary, size, std=std)
        rows = vocabulary if grams is None else grams
        zeros = torch.empty(rows, outputs).zero_()  # no chance drawn: the layers start as without
        self.evidence: Embedding = Embedding(rows, outputs, _weight=zeros)
        self.evidence.weight.requires_grad_(False)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("late", torch.zeros(()), persistent=grams is not None)
        self.register_buffer("known", torch.arange(rows), persistent=grams is not None)

    def vectors(self, x: Tensor) -> Tensor:
        """(B, T, size) the vectors alone of token ids (B, T)."""
        return embedded(x, self.embedding)

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T) token ids, int64 or int32."""
        return torch.cat([self.vectors(x), self.said(x, lengths)], dim=-1), lengths

    def said(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """(B, T, outputs) what each of (B, T) token ids adds to each score."""
        return self.each(x, lengths) * (1 + self.late * ending(x, lengths).unsqueeze(-1))

    def each(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """The same wherever it stands in a text."""
        x = only(x, steps_of(x, lengths))
        each = [self._rows(numbers) for numbers in self.ngrams.numbers(x)]
        weights = self.scale * self.weights(torch.cat(each, dim=1))
        found = weights.new_zeros(*x.shape, self.sizes[1])
        parts = torch.split(weights, [rows.shape[1] for rows in each], dim=1)
        for size, (rows, weight) in enumerate(zip(each, parts, strict=True), start=1):
            added = weight.unsqueeze(-1) / size * self.evidence(rows.clamp(min=0))
            for at in range(size):
                found[:, at : at + rows.shape[1]] += added
        return found

    def _rows(self, numbers: Tensor) -> Tensor:
        """The row of the table that an n-gram has, `NONE` where it has none."""
        if not len(self.known):
            return torch.full_like(numbers, NONE)
        place = torch.searchsorted(self.known, numbers).clamp(max=len(self.known) - 1)
        return torch.where(self.known[place] == numbers, place, NONE)

    def weights(self, rows: Tensor) -> Tensor:
        """(B, S) the weight of each row of the table that a text has, 0 where it is `NONE`."""
        ordered, places = rows.sort(dim=1)
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        which = first.cumsum(dim=1) - 1
        sizes = torch.zeros_like(rows).scatter_add(1, which, torch.ones_like(rows)).gather(1, which)
        count = torch.empty_like(rows).scatter(1, places, sizes).to(self.scale.dtype)
        each = (1.0 if self.ngrams.once else 1 + count.log()) * (rows != NONE)
        length = (each * each / count).sum(dim=1, keepdim=True).sqrt()
        return each / count / length.clamp(min=1)
