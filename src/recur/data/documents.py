"""Sequences longer than memory: they stay where they are and are read a piece at a time.

Legend: n steps in all, B rows of a batch, T steps of a piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.columns import integers, unboxed
from recur.data.sequences import Batch
from recur.data.targets import IGNORED
from recur.messages import InputError, count, must, real


class Documents:
    """Long sequences, end to end in one array, which may be a `numpy.memmap` on disk.

    What truncated backpropagation through time walks: `fit(model, Documents(...), truncate=35)`.

    Args:
        x: (n,) tokens, or (n, F) values; an array, a tensor, or a `numpy.memmap`, which is read
            piece by piece and never as a whole.
        y: (n, ...) a target for each step. None: the token that follows, within a document.
        starts: where documents start, in steps from 0; None: it is all one document. The state of
            a network is reset there.

    Raises:
        InputError: arrays that do not fit together, too short to learn from, or starts that are
            not steps of `x`.
    """

    def __init__(self, x: Any, y: Any = None, *, starts: Any = None) -> None:
        self.x = _array(x, "x")
        self.y = None if y is None else _array(y, "y")
        if self.y is None and (self.x.ndim != 1 or self.x.dtype.kind not in "iu"):
            got = f"x of shape {self.x.shape} and type {self.x.dtype}"
            raise InputError(must("y", "given unless x is (steps,) tokens", got))
        if self.y is not None and len(self.y) != len(self.x):
            expected = f"as long as x ({count(len(self.x), 'step')})"
            raise InputError(must("y", expected, count(len(self.y), "target")))
        least = 2 if self.y is None else 1
        if len(self.x) < least:
            todo = "The target of a token is the one that follows." if least == 2 else ""
            expected = f"at least {count(least, 'step')} long"
            raise InputError(must("x", expected, count(len(self.x), "step"), todo))
        self.starts = _starts(starts, len(self.x))

    @property
    def steps(self) -> int:
        """How many steps may have a target: the last token has none that follows it."""
        return len(self.x) - (self.y is None)

    def __len__(self) -> int:
        """The number of documents."""
        return len(self.starts)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Returns document `index` (T, ...) and its targets."""
        if not -len(self) <= index < len(self):
            expected = f"between {-len(self)} and {len(self) - 1}"
            raise IndexError(must("index", expected, index))
        batch = self.batch([index % len(self)])
        assert batch.y is not None
        return batch.x[0], batch.y[0]

    def batch(self, indices: Sequence[int]) -> Batch:
        """Returns whole documents as one batch, padded on the right."""
        ends = np.append(self.starts[1:], len(self.x))
        rows = np.asarray(indices, dtype=np.int64)
        return self.pieces(self.starts[rows], ends[rows])._replace(reset=None)

    def pieces(self, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Batch:
        """Returns the steps from begins[r] to ends[r] as row r, padded on the right.

        Targets that do not exist are -100.
        """
        lengths = ends - begins
        rows, width = len(lengths), int(lengths.max(initial=0))
        targets = self.x if self.y is None else self.y
        x = np.zeros((rows, width, *self.x.shape[1:]), dtype=_read_as(self.x))
        y = np.zeros((rows, width, *targets.shape[1:]), dtype=_read_as(targets))
        reset = np.zeros((rows, width), dtype=bool)
        for row, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            x[row, : end - begin] = self.x[begin:end]
            first, last = np.searchsorted(self.starts, (begin, end + 1))
            here = self.starts[first:last] - begin
            reset[row, here[here < end - begin]] = True
            if self.y is not None:
                y[row, : end - begin] = self.y[begin:end]
                continue
            following = self.x[begin + 1 : end + 1]
            y[row, : len(following)] = following
            y[row, len(following) :] = IGNORED
            y[row, here[here > 0] - 1] = IGNORED
        return Batch(
            torch.from_numpy(x),
            torch.from_numpy(lengths) if (lengths != width).any() else None,
            torch.from_numpy(y),
            torch.from_numpy(reset) if reset.any() else None,
        )

    def split(self, fraction: float) -> tuple[Documents, Documents]:
        """Returns the first part and the last `fraction` of the steps.

        Raises:
            InputError: if `fraction` is not between 0 and 1, or a part would be too short.
        """
        real("the fraction to split off", fraction, lambda f: 0 < f < 1, "between 0 and 1")
        return self.cut(0, at := int(len(self.x) * (1 - fraction))), self.cut(at, len(self.x))

    def cut(self, begin: int, end: int) -> Documents:
        """Returns the steps from `begin` to `end`; the memory is shared."""
        inside = self.starts[(self.starts > begin) & (self.starts < end)] - begin
        y = None if self.y is None else self.y[begin:end]
        return Documents(self.x[begin:end], y, starts=inside)


def _array(given: Any, what: str) -> NDArray[Any]:
    """Without a copy where it is an array already: it may be larger than memory."""
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    try:
        array = unboxed(given if isinstance(given, np.ndarray) else np.asarray(given))
    except ValueError:  # rows of unequal length
        todo = "Put documents end to end, and say where they start (starts)."
        raise InputError(must(what, "an array of numbers", "a list of lists", todo)) from None
    if not array.ndim or array.dtype.kind not in "iubf":
        got = f"shape {array.shape} and type {array.dtype}"
        raise InputError(must(what, "an array of numbers, the steps first", got))
    return array


def _read_as(array: NDArray[Any]) -> Any:
    """The type of what is read: as `Sequences` has it."""
    return np.int64 if array.dtype.kind in "iub" else torch.empty(0).numpy().dtype


def _starts(given: Any, steps: int) -> NDArray[np.int64]:
    places = integers([] if given is None else given, "starts")
    if places.ndim != 1:
        raise InputError(must("starts", "one number a document", f"shape {places.shape}"))
    found = np.unique(places)
    if len(found) and (found[0] < 0 or found[-1] >= steps):
        got = found[0] if found[0] < 0 else found[-1]
        raise InputError(must("starts", f"between 0 and {steps - 1}", got))
    return found if len(found) and found[0] == 0 else np.concatenate([[0], found])
