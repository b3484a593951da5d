"""What a network makes of a picture: its beliefs as it reads, and which pixels mattered.

Letters: S height and width, C channels, T steps, F numbers a step, M parts.
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
from recur.diagnostics.attribution import Attribution, integrated_gradients
from recur.training.measure import evaluating

AT_ONCE = 200_000
"""Steps, of all rows together, that the model is given at once."""


def beliefs(model: nn.Module, x: Tensor, every: int = 1) -> NDArray[np.float64]:
    """The probability of each class after each part of a sequence, (M, classes).

    The model is asked anew about the first steps alone, as if the sequence ended there: so one that
    reads from the end has not yet seen what comes, either.

    Args:
        model: `model(x (N, T, F), lengths=(N,))` gives scores (N, classes).
        x: (T, F).
        every: steps of a part.
    """
    ends = torch.arange(every, len(x) + 1, every)
    found = []
    with evaluating(model):
        for some in torch.split(ends, max(1, AT_ONCE // len(x))):
            longest = int(some[-1])
            rows = x[:longest].expand(len(some), -1, -1)
            found.append(model(rows, lengths=some).double().softmax(dim=1))
    shares: NDArray[np.float64] = torch.cat(found).cpu().numpy()
    return shares


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
