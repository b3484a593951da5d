"""A series cut into examples: the steps before a point in time, and those after it.

Time has an order, so the parts for training, validation and testing follow one another, and no
window of one part holds a target of another. Inputs may reach back into the part before: by then
it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.columns import row_numbers
from recur.data.examples import Rows
from recur.data.sequences import Batch
from recur.messages import InputError, count, must

Values = NDArray[np.float64]


class Parts(NamedTuple):
    """The three parts of a series: each (first step, first step after it)."""

    train: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """N examples of a series with F columns.

    Attributes:
        x: (N, length, F) what is known.
        y: (N, horizon) what follows in the target column.
        starts: (N,) the step of each first target.
    """

    x: Values
    y: Values
    starts: NDArray[np.int64]


def split_by_time(steps: int, *, validation: float, test: float) -> Parts:
    """Cuts steps into three parts, the last for testing.

    Args:
        steps: T.
        validation: the share of the second part.
        test: the share of the third.

    Raises:
        InputError: if the shares leave nothing for training.
    """
    if not (0 < validation and 0 < test and validation + test < 1):
        got = f"{validation:g} and {test:g}"
        raise InputError(
            must("the shares for validation and test", "above 0, below 1 together", got)
        )
    last = steps - int(steps * test)
    middle = last - int(steps * validation)
    return Parts((0, middle), (middle, last), (last, steps))


def windows(
    values: Values,
    length: int,
    horizon: int,
    target: int,
    *,
    part: tuple[int, int] | None = None,
    name: str = "the series",
) -> Windows:
    """Cuts every window whose targets lie within `part`.

    Args:
        values: (T, F).
        length: known steps of a window.
        horizon: steps to foretell.
        target: the column to foretell.
        part: (first step, first step after it); None for all.
        name: what a message calls the series.

    Raises:
        InputError: if there is not one window, or `length` or `horizon` is less than 1.
    """
    for what, steps in (("the length of a window", length), ("the horizon", horizon)):
        if steps < 1:
            raise InputError(must(what, "at least 1 step", steps))
    begin, end = part if part is not None else (0, len(values))
    starts = starts_of((begin, end), length, horizon)
    if not len(starts):
        raise too_short(name, (begin, end), length, horizon)
    every = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    after = np.lib.stride_tricks.sliding_window_view(values[:, target], horizon)
    return Windows(every[starts - length].transpose(0, 2, 1), after[starts], starts)


def too_short(name: str, part: tuple[int, int], length: int, horizon: int) -> InputError:
    """The error for a part without a window; the arguments are those of `windows`."""
    window = f"({length} known steps and {horizon} to foretell)"
    return InputError(
        must(
            f"{name} or a part of it",
            f"at least as long as one window {window}",
            count(part[1] - part[0], "step"),
            "Give a longer series, or a smaller window or horizon.",
        )
    )


def starts_of(part: tuple[int, int], length: int, horizon: int) -> NDArray[np.int64]:
    """The step of each first target of the windows of a part; none where it is too short.

    Args:
        part: (first step, first step after it).
        length: known steps of a window.
        horizon: steps to foretell.
    """
    begin, end = part
    return np.arange(max(begin, length), max(end - horizon + 1, begin, length), dtype=np.int64)


@dataclass(frozen=True)
class Strip:
    """A series as numbers, and where its windows begin.

    Attributes:
        values: (T, F) float32, the targets first.
        starts: (N,) the step of each first target.
        known: (T + A, K) float32, what is known of every step and of A steps after the last.
        static: (S,) float32, what never changes.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    known: NDArray[np.float32]
    static: NDArray[np.float32]


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
