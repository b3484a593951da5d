"""Which pixels of a picture mattered for an answer.

Letters: S height and width, C channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.data.scanned import Scan
from recur.diagnostics.attributed import Attribution
from recur.diagnostics.attribution import integrated_gradients


def pixels_that_mattered(
    model: nn.Module, scan: Scan, pixels: NDArray[np.uint8], names: Sequence[str]
) -> Attribution:
    """What each pixel added to the score of the answer, by integrated gradients.

    Args:
        model: what reads a picture step by step; see `recur.data.scanned`.
        scan: how pictures become steps.
        pixels: (C, S, S).
        names: of the outputs.
    """
    shares = torch.from_numpy(pixels).float() / 255
    x = shares.flatten(1).transpose(0, 1)
    places = [(row, column) for row in range(scan.size) for column in range(scan.size)]
    found = integrated_gradients(
        _OfPixels(model, scan),
        x,
        labels=[f"row {row + 1}, column {column + 1}" for row, column in places],
        names=names,
        baseline=scan.mean,
    )
    return dataclasses.replace(found, picture=as_drawn(pixels))


def as_drawn(pixels: NDArray[np.uint8]) -> Any:
    """(C, S, S) as it is drawn: (S, S, 3), or (S, S) where it is grey; from 0 to 1."""
    shares = pixels / 255.0
    return shares[0] if len(shares) == 1 else shares.transpose(1, 2, 0)


class _OfPixels(nn.Module):
    """A model of steps that is given pixels (N, S * S, C), so that each has its share."""

    def __init__(self, model: nn.Module, scan: Scan) -> None:
        super().__init__()
        self.model, self.scan = model, scan

    def forward(self, x: Tensor) -> Any:
        size = self.scan.size
        pictures = x.transpose(1, 2).reshape(len(x), -1, size, size)
        return self.model(self.scan.steps(pictures))
