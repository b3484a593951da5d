"""A series cut into examples: the steps before a point in time, and those after it.

Time has an order, so the parts for training, validation and testing follow one another, and no
window of one part holds a target of another. Inputs may reach back into the part before: by then
it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
