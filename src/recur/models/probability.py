"""How likely a model takes one whole sequence that it could have written."""

from __future__ import annotations

from torch import Tensor, nn


class LogProbability(nn.Module):
    """The logarithm of a sequence's probability, (N, 1), of sources (N, S): one score to explain.

    Args:
        model: one that writes, called as `model(x, targets=targets)`.
        target: (T,) the sequence, with its end.
    """

    def __init__(self, model: nn.Module, target: Tensor) -> None:
        super().__init__()
        self.model, self.target = model, target

    def forward(self, x: Tensor) -> Tensor:
        """(N, S) tokens to (N, 1)."""
        targets = self.target.expand(len(x), -1)
        scores: Tensor = self.model(x, targets=targets).log_softmax(dim=-1)
        return scores.gather(-1, targets[..., None]).sum(dim=1)
