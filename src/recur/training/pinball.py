"""The loss that makes outputs quantiles.

R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46(1), 1978.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recur.messages import real


class Pinball(nn.Module):
    """The mean pinball loss of all quantiles.

    Args:
        levels: Q numbers between 0 and 1.

    Raises:
        InputError: another level.
    """

    levels: Tensor

    def __init__(self, levels: Sequence[float]) -> None:
        super().__init__()
        for level in levels:
            real("a level", level, lambda level: 0 < level < 1, "between 0 and 1")
        self.register_buffer("levels", torch.tensor(list(levels)), persistent=False)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of outputs (..., Q) for targets (...)."""
        gap = targets.unsqueeze(-1) - outputs
        levels = self.levels.to(gap)
        return torch.maximum(levels * gap, (levels - 1) * gap).mean()
