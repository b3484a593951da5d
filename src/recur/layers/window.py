"""A window that slides along a sequence: attention by place, which only moves forward.

Letters: B sequences of S remembered steps of M numbers, H numbers of a question, K Gaussians.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recur.messages import real, whole

SHARPEST = math.log(50.0)
"""Bounds log alpha and log beta, above and below: a Gaussian stays wider than a tenth of a step."""
FASTEST = math.log(2.0)
"""Bounds the logarithm of the steps that a Gaussian moves at once."""


class Looked(NamedTuple):
    """What the window saw.

    Attributes:
        answer: (B, M), the sum of the steps by their weights.
        weights: (B, S), phi; above 0, and summing to what the window likes.
        at: (B, K) where its Gaussians stand now: kappa.
    """

    answer: Tensor
    weights: Tensor
    at: Tensor


class GaussianWindow(nn.Module):
    """The soft window of A. Graves, arXiv:1308.0850, equations 46 to 51.

    Each question moves K Gaussians forward along the steps of a sequence; step s weighs
    phi_s = sum_k alpha_k exp(-beta_k (kappa_k - s)^2), s its middle: the first step reaches from 0
    to 1, so that a kappa of S has passed them all. All three come out of an exponential, whose
    argument is bounded here.

    Args:
        query_size: H.
        gaussians: K.
        pace: the steps that each Gaussian moves at once before anything is learnt.

    Raises:
        InputError: numbers outside their range.
    """

    def __init__(self, query_size: int, gaussians: int = 10, *, pace: float = 0.1) -> None:
        super().__init__()
        real("pace", pace, lambda p: 0 < p <= 2, "above 0, and at most 2")
        self.gaussians = whole("gaussians", gaussians)
        self.ask = nn.Linear(whole("query_size", query_size), 3 * gaussians)
        with torch.no_grad():
            self.ask.bias[:gaussians] = -math.log(gaussians)
            self.ask.bias[2 * gaussians :] = math.log(pace)

    def begin(self, rows: int) -> Tensor:
        """Where the Gaussians stand before the first question, (rows, K): at the beginning."""
        return self.ask.weight.new_zeros(rows, self.gaussians)

    def forward(self, query: Tensor, at: Tensor, values: Tensor) -> Looked:
        """Moves the window and looks.

        Args:
            query: (B, H).
            at: (B, K), where the Gaussians stood.
            values: (B, S, M), zeros where there is nothing to be seen.
        """
        alpha, beta, moved = self.ask(query).chunk(3, dim=-1)
        at = at + moved.clamp(max=FASTEST).exp()
        alpha, beta = (each.clamp(-SHARPEST, SHARPEST).exp() for each in (alpha, beta))
        middles = torch.arange(values.shape[1], device=at.device, dtype=at.dtype) + 0.5
        apart = (at.unsqueeze(-1) - middles).square()
        weights = (alpha.unsqueeze(-1) * (-beta.unsqueeze(-1) * apart).exp()).sum(dim=1)
        return Looked((weights.unsqueeze(1) @ values).squeeze(1), weights, at)
