"""Scores that are not computed: what a linear layer is to read, and the layer.

A model gives them where it is asked to (`forward(x, scored=False)`), and a loss that needs no
scores takes them: see `linear_cross_entropy`. To all others they are scores by their shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from recur.layers.linear_loss import linear_cross_entropy

LARGE = 4096
"""The outputs of a layer from which on its scores are left out. Those of fewer are a few megabytes,
and the loss takes as long from them."""


@dataclass(frozen=True, eq=False)
class LinearScores:
    """The scores `layer(hidden)`.

    Attributes:
        hidden: (..., features).
        layer: features to outputs.
    """

    hidden: Tensor
    layer: nn.Linear

    @property
    def shape(self) -> torch.Size:
        """That of the scores."""
        return torch.Size((*self.hidden.shape[:-1], self.layer.out_features))

    @property
    def device(self) -> torch.device:
        """Where they would be."""
        return self.hidden.device

    @property
    def dtype(self) -> torch.dtype:
        """Their type."""
        return self.hidden.dtype

    def dim(self) -> int:
        """The number of their axes."""
        return self.hidden.dim()

    def __getitem__(self, rows: Tensor) -> LinearScores:
        """Those at which `rows`, of the first axes, is True."""
        return replace(self, hidden=self.hidden[rows])

    def detach(self) -> LinearScores:
        """The same without the way back to what made the hidden values."""
        return replace(self, hidden=self.hidden.detach())

    def computed(self) -> Tensor:
        """The scores."""
        scores: Tensor = self.layer(self.hidden)
        return scores

    def cross_entropy(self, targets: Tensor, **how: Any) -> Tensor:
        """`linear_cross_entropy` of them and class numbers (...)."""
        weight, bias = self.layer.weight, self.layer.bias
        return linear_cross_entropy(self.hidden, weight, targets, linear_bias=bias, **how)


def unscored(layer: nn.Module, hidden: Tensor) -> Any:
    """The scores of a layer for later, where that gains something; else now.

    A layer with hooks is called now: they want to see the scores.
    """
    if type(layer) is not nn.Linear or layer.out_features < LARGE or _hooked(layer):
        return layer(hidden)
    return LinearScores(hidden, layer)


def _hooked(layer: nn.Module) -> bool:
    hooks = (
        layer._forward_hooks,
        layer._forward_pre_hooks,
        layer._backward_hooks,
        layer._backward_pre_hooks,
    )
    return any(hooks)
