"""Examples that batches are made of: what every way of holding them promises, and a lazy one.

Legend: N examples, B of them in a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.sequences import Batch, Sequences, Targets, changed, together
from recur.messages import InputError, must, whole

Rows = Sequence[int] | NDArray[np.int64]


@runtime_checkable
class Examples(Protocol):
    """What training, evaluation and prediction read.

    Attributes:
        lengths: (N,) steps of each example, where they are known before reading; else None.
        y: (N, ...) all targets, where they are known and of one shape; else None. By the names of
            a model's outputs where it has several.
    """

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """See above."""

    @property
    def y(self) -> Targets | None:
        """See above."""

    def __len__(self) -> int:
        """N."""

    def batch(self, indices: Rows) -> Batch:
        """The examples at `indices` as one batch."""


Read = Callable[[int, np.random.Generator | None], tuple[Any, ...]]


class Lazy:
    """Examples that are read, decoded and changed at random when a batch asks for them.

    The chance of example i is drawn from `seed`, one number for the batch out of torch's random
    state (which `fit` seeds and keeps in its checkpoints), and i: the numbers are the same whatever
    the number of workers, and a training that goes on in the middle draws what it would have drawn.

    Args:
        number: N.
        read: `(index, chance) -> (x,)` or `(x, y)`: one example, x of shape (T, ...), and y by the
            names of a model's outputs where it has several. `chance` is
            a source of random numbers for an augmentation, or None where `augment` is off.
        lengths: (N,) steps of each example, if they are known: batches of similar length can be
            made then.
        y: (N, ...) targets, where `read` gives x alone and they are of one shape.
        aligned: see `recur.data.sequences.Sequences`.
        augment: whether `read` is given a source of chance.
        workers: threads that read at the same time; reading files and most decoding let go of
            Python's lock.
        seed: of the chance.

    Raises:
        InputError: numbers that do not fit together.
    """

    def __init__(
        self,
        number: int,
        read: Read,
        *,
        lengths: Any = None,
        y: Any = None,
        aligned: bool = True,
        augment: bool = False,
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.number, self.read, self.aligned = whole("number", number), read, aligned
        self.augment, self.seed = augment, seed
        self.workers = whole("workers", workers, least=0)
        self._lengths = None if lengths is None else np.asarray(lengths, dtype=np.int64)
        self._y = None if y is None else torch.as_tensor(y)
        for name, given in (("lengths", self._lengths), ("y", self._y)):
            if given is not None and len(given) != number:
                raise InputError(must(name, f"one for each of {number:,} examples", len(given)))
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """(N,) steps of each example, or None."""
        return self._lengths

    @property
    def y(self) -> Tensor | None:
        """(N, ...) targets, or None."""
        return self._y

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> tuple[Tensor, Targets | None]:
        """Returns example `index` without padding, and its target (None without targets)."""
        if not -self.number <= index < self.number:
            expected = f"between {-self.number} and {self.number - 1}"
            raise IndexError(must("index", expected, index))
        batch = self.batch([index % self.number])
        return batch.x[0], None if batch.y is None else changed(batch.y, lambda y: y[0])

    def batch(self, indices: Rows) -> Batch:
        """Reads the examples at `indices`, and returns them as one batch, padded on the right."""
        rows = [int(row) for row in indices]
        drawn = int(torch.randint(2**31, ())) if self.augment else 0
        read = [self._example(row, drawn) for row in rows] if not self.workers else None
        if read is None:
            read = list(self._threads().map(lambda row: self._example(row, drawn), rows))
        x = [example[0] for example in read]
        if self._y is not None:
            y: Any = self._y[torch.tensor(rows, dtype=torch.int64)]
        else:
            y = [example[1] for example in read] if len(read[0]) > 1 else None
            if y and isinstance(y[0], Mapping):  # of several outputs, by their names
                y = together(y)
        return Sequences(x, y, aligned=self.aligned).batch(np.arange(len(rows)))

    def _example(self, row: int, drawn: int) -> tuple[Any, ...]:
        chance = np.random.default_rng([self.seed, drawn, row]) if self.augment else None
        return self.read(row, chance)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.workers, "recur-reading")
        return self._pool
