"""Networks side by side, whose answers are put together by who asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from recur.layers.lengths import Lengths
from recur.messages import InputError, must


class Ensemble(nn.Module):
    """M networks that read the same: (batch, M, ...) of their outputs (batch, ...).

    Args:
        members: the networks.

    Raises:
        InputError: if there is none.
    """

    aligned = False

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        if not len(self.members):
            raise InputError(must("members", "one network at least", "none"))

    def forward(self, x: Any, lengths: Lengths | None = None) -> Tensor:
        """The outputs of all, side by side."""
        return torch.stack([member(x, lengths) for member in self.members], dim=1)
