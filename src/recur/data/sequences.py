"""Sequences of unequal length, and the batches they are served in.

Legend: N sequences, B of them in a batch, T_i steps in sequence i, T steps in the longest of a
batch, F features a step.

Sequences of unequal length are stored end to end, so that a data set of 25,000 reviews takes the
room of its words and not of its padding. A batch is padded on the right, to its own longest
sequence, and carries the lengths. Targets for every step of such sequences are stored in the same
way, and padded too: class numbers with -100, which counts for nothing, others with 0; those of
lengths of their own with NaN, as nothing else says where they end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.data.columns import (
    Column,
    Dense,
    Named,
    Ragged,
    column,
    dense,
    integers,
    ragged,
    row_numbers,
)
from recur.data.targets import IGNORED
from recur.messages import InputError, count, must, real

NOTHING: Mapping[str, Tensor] = {}

Targets = Tensor | Any
"""Of a model with one output a tensor; of one with several a dict of tensors by their names."""


def changed(targets: Targets, change: Callable[[Tensor], Tensor]) -> Targets:
    """Returns targets after a change of each."""
    if isinstance(targets, dict):
        return {name: change(each) for name, each in targets.items()}
    return change(targets)


class Batch(NamedTuple):
    """What a model is given at once.

    Attributes:
        x: (B, T) token numbers or values, or (B, T, F); padded on the right with 0.
        lengths: (B,) int64, on the CPU; None where every row fills the whole time axis.
        y: (B, ...) targets, or a dict of them by the names of a model's outputs; or None.
        reset: (B, T) True where a new sequence begins inside a row; None where none does.
        goes_on: the rows are the continuation of those of the batch before.
        also: (B, ...) what else the model reads, by the names of its forward's parameters.
        weight: (B,) how much each example counts in the loss; None for alike.
    """

    x: Tensor
    lengths: Tensor | None
    y: Targets | None
    reset: Tensor | None = None
    goes_on: bool = False
    also: Mapping[str, Tensor] = NOTHING
    weight: Tensor | None = None


class Sequences(torch.utils.data.Dataset[tuple[Tensor, Targets | None]]):
    """A data set of sequences, with or without targets.

    Whole numbers become int64, as embeddings take them. Other numbers become
    `torch.get_default_dtype()`, except tensors, which keep their type.

    Args:
        x: a list of N sequences of shape (T_i,) or (T_i, F), arrays, tensors or lists; or one
            array or tensor of shape (N, T, ...).
        y: N targets, or None; for a list of sequences of unequal length also a list of theirs, a
            target for each step: (T_i, ...). A dict of these for a model of several outputs.
        lengths: (N,) whole numbers from 0 to T, for `x` in one array that is padded on the right.
        also: what else the model reads of each sequence, by the names of its forward's parameters:
            N examples each, of one shape or a list of sequences.
        aligned: whether targets of unequal length belong to the steps of `x`. False: each has a
            length of its own (a translation, the text of a recording).

    Raises:
        InputError: if the shapes, the lengths or the types do not fit together.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        *,
        lengths: Any = None,
        also: Mapping[str, Any] = NOTHING,
        aligned: bool = True,
    ) -> None:
        self._x: Column = column(x, "x")
        self._y = None if y is None else _each_target(y, self._x, aligned)
        self._also = {name: _beside(values, name) for name, values in also.items()}
        several = self._y.columns if isinstance(self._y, Named) else {"y": self._y}
        for what, each in {**several, **self._also}.items():
            if each is not None and len(each) != len(self._x):
                noun = "target" if what in several else "example"
                todo = f"Give one {noun} for each sequence, in the same order."
                expected = f"as long as x ({count(len(self._x), 'sequence')})"
                raise InputError(must(what, expected, count(len(each), noun), todo))
        for part in several.values():
            if aligned and isinstance(part, Ragged):
                _check_steps(part, self._x)
        self._lengths = self._x.lengths if lengths is None else _checked(lengths, self._x)
        self._aligned = aligned

    @property
    def target_lengths(self) -> NDArray[np.int64] | None:
        """(N,) steps of each target that has a length of its own; None where none has."""
        return self._y.lengths if isinstance(self._y, Ragged) and not self._aligned else None

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """(N,) steps of each sequence; None if `x` is one array that was given without lengths."""
        return self._lengths

    @property
    def y(self) -> Targets | None:
        """(N, ...) targets; None without any, or where some are as unequal as the sequences."""
        if not isinstance(self._y, Named):
            return self._y.values if isinstance(self._y, Dense) else None
        known = {n: each.values for n, each in self._y.columns.items() if isinstance(each, Dense)}
        return known if len(known) == len(self._y.columns) else None

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, index: int) -> tuple[Tensor, Targets | None]:
        """Returns sequence `index` without its padding, and its target (None without targets)."""
        n = len(self)
        if not -n <= index < n:
            raise IndexError(must("index", f"between {-n} and {n - 1}", index))
        step = self._x.row(index % n)
        if self._lengths is not None:
            step = step[: self._lengths[index]]
        return step, None if self._y is None else self._y.row(index % n)

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Returns the sequences at `indices` as one batch.

        Sequences of unequal length are padded to the longest of this batch; one array with
        lengths keeps its own width, so that targets for every step still fit.
        """
        rows = row_numbers(indices, len(self))
        lengths = None if self._lengths is None else torch.from_numpy(self._lengths[rows])
        y = None if self._y is None else self._y.batch(rows)
        also = {name: each.batch(rows) for name, each in self._also.items()}
        return Batch(self._x.batch(rows), lengths, y, also=also)

    def subset(self, indices: Sequence[int] | NDArray[np.int64] | slice) -> Sequences:
        """Returns the sequences at `indices`; those of unequal length share their memory."""
        rows = (
            np.arange(len(self))[indices]
            if isinstance(indices, slice)
            else row_numbers(indices, len(self))
        )
        part = Sequences.__new__(Sequences)
        part._x, part._aligned = self._x.take(rows), self._aligned
        part._y = None if self._y is None else self._y.take(rows)
        part._also = {name: each.take(rows) for name, each in self._also.items()}
        part._lengths = None if self._lengths is None else self._lengths[rows]
        return part

    def split(self, fraction: float) -> tuple[Sequences, Sequences]:
        """Returns the first part and the last `fraction`, in order, as Keras' validation_split.

        Raises:
            InputError: if `fraction` is not between 0 and 1, or leaves one part empty.
        """
        real("the fraction to split off", fraction, lambda f: 0 < f < 1, "between 0 and 1")
        first = int(len(self) * (1 - fraction))
        if first in (0, len(self)):
            todo = "Give more sequences, or another fraction."
            got = f"{fraction} of {count(len(self), 'sequence')}"
            raise InputError(must("a split", "one with at least one sequence a side", got, todo))
        return self.subset(slice(None, first)), self.subset(slice(first, None))


def collate(examples: Iterable[tuple[Any, Any]]) -> Batch:
    """Returns one batch of (x, y) pairs, for `DataLoader(..., collate_fn=collate)`.

    Raises:
        InputError: as `Sequences`.
    """
    pairs = list(examples)
    whole = Sequences([x for x, _ in pairs], together([y for _, y in pairs if y is not None]))
    return whole.batch(np.arange(len(whole)))


def together(given: list[Any]) -> Any:
    """Targets in one tensor if they are of one shape, else in a list; by name if they have some."""
    if given and isinstance(given[0], Mapping):
        return {name: together([each[name] for each in given]) for name in given[0]}
    targets = [each if isinstance(each, Tensor) else torch.tensor(each) for each in given]
    of_one_shape = len({target.shape for target in targets}) == 1
    return torch.stack(targets) if of_one_shape else targets or None


def _each_target(y: Any, x: Column, aligned: bool) -> Column | Named:
    """Targets, or those of each output by name."""
    if not isinstance(y, Mapping):
        return _targets(y, x) if aligned else _of_their_own(y)
    if not y:
        raise InputError(must("y", "a dict with the targets of each output", "an empty one"))
    return Named(
        {n: _targets(each, x) if aligned else _of_their_own(each) for n, each in y.items()}
    )


def _targets(y: Any, x: Column) -> Column:
    """Targets of one shape, or a list with one for each step of sequences of unequal length."""
    listed = isinstance(y, list | tuple) or (isinstance(y, np.ndarray) and y.dtype == np.object_)
    if not isinstance(x, Ragged) or not listed:
        return dense(y, "y")
    arrays = (row for row in y if not isinstance(row, Tensor | np.ndarray) or row.ndim)
    rows = [row for row in arrays if isinstance(row, list | tuple | Tensor | np.ndarray)]
    unequal = len(rows) == len(y) and len({len(row) for row in rows}) > 1
    if not unequal:
        return dense(y, "y")
    return _ignored_beyond(ragged(rows, "y"))


def _of_their_own(y: Any) -> Column:
    """Targets of lengths of their own, or in one array that is filled up already."""
    if isinstance(y, Tensor) or (isinstance(y, np.ndarray) and y.dtype != np.object_):
        return dense(y, "y")
    return _ignored_beyond(ragged(list(y), "y"), others=math.nan)


def _ignored_beyond(targets: Ragged, others: float = 0) -> Ragged:
    """Class numbers beyond the end count for nothing, even to a model that knows of no lengths.

    Args:
        targets: they.
        others: what numbers with a fraction are padded with.
    """
    targets.fill = IGNORED if targets.values.dtype.kind in "iu" else others
    return targets


def _beside(values: Any, name: str) -> Column:
    """What is read beside the sequences: of one shape, or as unequal as they."""
    if isinstance(values, Tensor | np.ndarray):
        return dense(values, name)
    rows = list(values)
    equal = len({np.shape(row) for row in rows}) <= 1
    return dense(rows, name) if equal else ragged(rows, name)


def _check_steps(y: Ragged, x: Column) -> None:
    """Raises an InputError unless each step has its target."""
    assert x.lengths is not None
    wrong = np.flatnonzero(y.lengths != x.lengths)
    if len(wrong):
        row = int(wrong[0])
        expected = f"one for each of the {count(int(x.lengths[row]), 'step')} of x, or all be alike"
        got = count(int(y.lengths[row]), "target")
        raise InputError(must(f"the targets y of sequence {row}", expected, got))


def _checked(lengths: Any, x: Column) -> NDArray[np.int64]:
    """The lengths given with one array, or the sentence that says what is wrong with them."""
    if isinstance(x, Ragged):
        todo = "Leave lengths out: a list of sequences carries its own."
        raise InputError(must("lengths", "given only with one padded array", "a list", todo))
    known = integers(lengths, "lengths")
    if known.shape != (len(x),):
        expected = f"one number for each of the {count(len(x), 'sequence')} in x"
        raise InputError(must("lengths", expected, f"shape {tuple(known.shape)}"))
    steps = x.values.shape[1]
    for wrong, expected in ((known < 0, "0 or more"), (known > steps, f"at most {steps}")):
        if wrong.any():
            row = int(np.argmax(wrong))
            what = f"lengths (x has {count(steps, 'time step')})"
            raise InputError(must(what, expected, f"{known[row]} for sequence {row}"))
    return known
