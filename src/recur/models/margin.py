"""Classes kept apart by a margin: what is alike has embeddings that lie near, of new classes too.

Legend: B rows, E numbers of an embedding, P classes.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.messages import real, whole


class Margin(nn.Module):
    """A model whose answers are cosines between its embedding and a direction for each class.

    In training the cosine of the right class counts `margin` less, so that it must be greater than
    the others by so much: H. Wang et al., "CosFace: large margin cosine loss for deep face
    recognition", arXiv:1801.09414. What was never a class can be told apart by the embeddings.

    Args:
        encoder: `encoder(x)` gives (B, E).
        size: E.
        classes: P.
        margin: see above, from 0 to below 1.
        scale: what cosines are multiplied by before the softmax.

    Raises:
        InputError: sizes or numbers that are not allowed.
    """

    aligned = False

    def __init__(
        self,
        encoder: nn.Module,
        *,
        size: int,
        classes: int,
        margin: float = 0.2,
        scale: float = 16.0,
    ) -> None:
        super().__init__()
        whole("size", size)
        whole("classes", classes)
        self.margin = real("margin", margin, lambda m: 0 <= m < 1, "from 0 to below 1")
        self.scale = real("scale", scale, lambda s: s > 0, "above 0")
        self.encoder = encoder
        self.weight = nn.Parameter(torch.randn(classes, size))

    @property
    def directions(self) -> Tensor:
        """(P, E) of length 1, one for each class."""
        return F.normalize(self.weight, dim=1)

    def embed(self, x: Any) -> Tensor:
        """(B, E) of length 1."""
        return F.normalize(self.encoder(x), dim=1)

    def forward(self, x: Any, targets: Tensor | None = None) -> Tensor:
        """Scores (B, P); in training without the margin of the right classes.

        Args:
            x: what the encoder reads.
            targets: (B,) the number of the class; others, such as -100, have no margin.
        """
        cosines = self.embed(x) @ self.directions.T
        if self.training and targets is not None:
            classes = torch.arange(cosines.shape[1], device=cosines.device)
            cosines = cosines - self.margin * (targets.unsqueeze(1) == classes)
        return self.scale * cosines
