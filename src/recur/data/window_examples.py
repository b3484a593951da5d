"""Windows of series as examples, each cut when a batch asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.columns import row_numbers
from recur.data.examples import Rows
from recur.data.sequences import Batch
from recur.data.windows import Strip


class WindowExamples:
    """Windows of one series or several, each cut when a batch asks for it.

    A window of 720 steps shares all but one of them with the next one: kept as they are, the series
    take a few thousandths of the room of their windows.

    Args:
        strips: the series, with as many columns each.
        length: L, known steps of a window.
        horizon: H, steps to foretell.
        targets: C, the columns to foretell; 0: batches have no targets.

    A batch has x (B, L, F), y (B, H, C), and where there are any `known` (B, L + H, K) and
    `static` (B, S).
    """

    lengths: NDArray[np.int64] | None = None
    y = None

    def __init__(self, strips: Sequence[Strip], length: int, horizon: int, targets: int) -> None:
        self.length, self.horizon, self.targets = length, horizon, targets
        self._values = torch.from_numpy(np.concatenate([strip.values for strip in strips]))
        self._known = torch.from_numpy(np.concatenate([strip.known for strip in strips]))
        self._static = torch.from_numpy(np.stack([strip.static for strip in strips]))
        self._strip = np.repeat(np.arange(len(strips)), [len(each.starts) for each in strips])
        # Where a window begins in the series laid end to end, and in what is known of them.
        self._at = _shifted(strips, [len(each.values) for each in strips])
        self._at_known = _shifted(strips, [len(each.known) for each in strips])

    def __len__(self) -> int:
        return len(self._strip)

    def batch(self, indices: Rows) -> Batch:
        """The windows at `indices`."""
        rows = row_numbers(indices, len(self))
        at, length = self._at[rows], self.length
        x = _cut(self._values, at - length, length)
        y = _cut(self._values[:, : self.targets], at, self.horizon) if self.targets else None
        also: dict[str, Tensor] = {}
        if self._known.shape[1]:
            begin = self._at_known[rows] - length
            also["known"] = _cut(self._known, begin, length + self.horizon)
        if self._static.shape[1]:
            also["static"] = self._static[torch.from_numpy(self._strip[rows])]
        return Batch(x, None, y, also=also)


def _shifted(strips: Sequence[Strip], lengths: Sequence[int]) -> NDArray[np.int64]:
    """The starts of all strips, counted from the first step of the first one."""
    before = np.cumsum([0, *lengths[:-1]])
    pairs = zip(strips, before, strict=True)
    return np.concatenate([strip.starts + begin for strip, begin in pairs])


def _cut(values: Tensor, begin: NDArray[np.int64], steps: int) -> Tensor:
    """(B, steps, ...) from each beginning on."""
    rows = torch.from_numpy(begin[:, None] + np.arange(steps))
    return values.index_select(0, rows.reshape(-1)).view(*rows.shape, *values.shape[1:])
