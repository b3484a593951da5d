"""Numbers, read as they are."""

from __future__ import annotations

from torch import Tensor

from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes, numbers
from recur.models.fronts.front import Front


class Features(Front):
    """Numbers as they are; what `inputs=` of a model stands for.

    Args:
        inputs: F, the numbers of a step.

    Raises:
        InputError: a size below 1.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        check_sizes(0, inputs=inputs)
        self.size = inputs

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, F) numbers with a fraction."""
        return numbers(x, self.size), lengths
