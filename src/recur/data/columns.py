"""How examples lie in memory: one array for all (dense), or end to end (ragged).

Both answer the same four calls, `len`, `row`, `take` and `batch`, so that `Sequences` need not
know which it holds.
"""

from __future__ import annotations

from array import array as machine_array
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recur.messages import InputError, must

ENCODE = "Turn words and classes into numbers first (recur.Vocabulary does it for text)."


class Dense:
    """Examples of one shape: a tensor (N, ...)."""

    lengths: NDArray[np.int64] | None = None

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def row(self, index: int) -> Tensor:
        """Example `index`."""
        return self.values[index]

    def take(self, rows: NDArray[np.int64]) -> Dense:
        """The examples at `rows`; neighbours share the memory of the whole."""
        if len(rows) and len(rows) == rows[-1] - rows[0] + 1 and (np.diff(rows) == 1).all():
            return Dense(self.values[int(rows[0]) : int(rows[-1]) + 1])
        return Dense(self.batch(rows))

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """The examples at `rows` as one tensor (B, ...)."""
        # Twice as fast as values[rows].
        return self.values.index_select(0, torch.from_numpy(rows).to(self.values.device))


class Ragged:
    """Examples of unequal length, end to end: example i is values[starts[i]:][:lengths[i]].

    Batches are padded with `fill`.
    """

    def __init__(
        self,
        values: NDArray[Any],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        fill: float = 0,
    ) -> None:
        self.values = values
        self.starts = starts
        self.fill = fill
        self.lengths: NDArray[np.int64] = lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def row(self, index: int) -> Tensor:
        """Example `index`, of its own length (a copy)."""
        start = self.starts[index]
        return torch.tensor(self.values[start : start + self.lengths[index]])

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The examples at `rows`; the values are shared."""
        return Ragged(self.values, self.starts[rows], self.lengths[rows], self.fill)

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """The examples at `rows`, padded on the right: (B, T, ...)."""
        starts, lengths = self.starts[rows].tolist(), self.lengths[rows].tolist()
        shape = (len(rows), max(lengths, default=0), *self.values.shape[1:])
        padded = np.zeros(shape, dtype=self.values.dtype)
        if self.fill:
            padded[...] = self.fill
        # One copy a row: faster than a gather with an index for each step, which reads it too.
        for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            padded[row, :length] = self.values[start : start + length]
        return torch.from_numpy(padded)


Column = Dense | Ragged


class Named:
    """Several columns of the same examples, by name: rows and batches are dicts."""

    lengths: NDArray[np.int64] | None = None

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def row(self, index: int) -> dict[str, Tensor]:
        """Example `index`."""
        return {name: each.row(index) for name, each in self.columns.items()}

    def take(self, rows: NDArray[np.int64]) -> Named:
        """The examples at `rows`."""
        return Named({name: each.take(rows) for name, each in self.columns.items()})

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """The examples at `rows`, a tensor (B, ...) of each column."""
        return {name: each.batch(rows) for name, each in self.columns.items()}


def column(examples: Any, what: str) -> Column:
    """Returns sequences as they are best stored.

    Raises:
        InputError: if they are not numbers, not sequences, or differ in features.
    """
    # An array of objects of one dimension holds a sequence in each.
    if isinstance(examples, Tensor) or (
        isinstance(examples, np.ndarray) and (examples.dtype != np.object_ or examples.ndim > 1)
    ):
        whole = dense(examples, what)
        if whole.values.ndim < 2:
            todo = "Give one row for each sequence: (sequences, steps) or (sequences, steps, ...)."
            got = f"shape {tuple(whole.values.shape)}"
            raise InputError(must(what, "an array of at least 2 dimensions", got, todo))
        return whole
    try:
        parts = list(examples)
    except TypeError:
        got = type(examples).__name__
        raise InputError(must(what, "an array, a tensor or a list of sequences", got)) from None
    return ragged(parts, what)


def dense(examples: Any, what: str) -> Dense:
    """Returns examples of one shape as a tensor.

    Raises:
        InputError: if they are not numbers, differ in shape, or there is none.
    """
    if isinstance(examples, Tensor):
        values = examples
    else:
        try:
            numbers = _numbers(np.asarray(examples), what)
            # PyTorch takes no view that runs backwards, such as x[:, ::-1].
            values = torch.tensor(np.asarray(numbers, order="C"))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(must(what, "examples of one shape", "unequal ones")) from None
    if not values.ndim or not len(values):
        raise InputError(must(what, "at least one example", f"shape {tuple(values.shape)}"))
    return Dense(values)


def ragged(parts: list[Any], what: str) -> Ragged:
    """Returns sequences of shape (T_i,) or (T_i, F) end to end.

    Raises:
        InputError: if there is none, or one is no sequence of numbers, or their features differ.
    """
    if not parts:
        raise InputError(must(what, "at least one sequence", "an empty list"))
    tokens = _token_lists(parts)
    if tokens is not None:
        return tokens
    arrays = [_sequence(part, f"sequence {index} of {what}") for index, part in enumerate(parts)]
    _same_features(arrays, what)
    filled = [array for array in arrays if len(array)] or arrays[:1]
    lengths_known = np.array([len(array) for array in arrays], dtype=np.int64)
    return _end_to_end(np.concatenate(filled), lengths_known)


def integers(values: Any, what: str) -> NDArray[np.int64]:
    """Returns whole numbers from a list, an array, or a tensor on any device.

    Raises:
        InputError: if they are not whole numbers.
    """
    array = unboxed(np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values))
    if array.dtype.kind not in "iu" and array.size:
        raise InputError(must(what, "whole numbers", f"values of type {array.dtype}"))
    return array.astype(np.int64)


def unboxed(array: NDArray[Any]) -> NDArray[Any]:
    """An array of objects as one of the numbers they are, such as a DataFrame gives it.

    Raises:
        ValueError: if they are sequences of unequal length.
    """
    return np.array(array.tolist()) if array.dtype == np.object_ else array


def row_numbers(indices: Any, rows: int) -> NDArray[np.int64]:
    """Returns indices as numbers from 0 to rows - 1; negative ones count from the end.

    Raises:
        IndexError: if one is out of range.
        InputError: if they are not whole numbers.
    """
    chosen = integers(indices, "indices").reshape(-1)
    if not len(chosen):
        return chosen
    low, high = chosen.min(), chosen.max()
    if low < -rows or high >= rows:
        got = low if low < -rows else high
        raise IndexError(must("indices", f"between {-rows} and {rows - 1}", got))
    return np.where(chosen < 0, chosen + rows, chosen) if low < 0 else chosen


def _token_lists(parts: list[Any]) -> Ragged | None:
    """Lists of ints in one pass, with no array for each; None if they are something else."""
    if not all(type(part) is list and part and type(part[0]) is int for part in parts):
        return None
    flat = machine_array("q")
    try:
        for part in parts:
            flat.fromlist(part)
    except (TypeError, OverflowError):
        return None  # not all are numbers: the general way finds which
    values = np.array(flat, dtype=np.int64)
    return _end_to_end(values, np.array([len(part) for part in parts], dtype=np.int64))


def _end_to_end(values: NDArray[Any], lengths: NDArray[np.int64]) -> Ragged:
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), lengths)


def _sequence(part: Any, what: str) -> NDArray[Any]:
    if isinstance(part, Tensor):
        tensor = part.detach().cpu()
        array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    else:
        try:
            array = _numbers(np.asarray(part), what)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(must(what, "steps of one shape", "unequal ones")) from None
    if not array.ndim:
        todo = "Give a list of sequences; a single sequence goes in as [sequence]."
        raise InputError(must(what, "of shape (steps,) or (steps, features)", repr(part), todo))
    return array


def _same_features(arrays: list[NDArray[Any]], what: str) -> None:
    """An empty list has no features of its own and fits anything."""
    features = next((array.shape[1:] for array in arrays if len(array)), None)
    for index, array in enumerate(arrays):
        if len(array) and array.shape[1:] != features:
            expected = f"of shape (steps, {', '.join(map(str, features or ()))}) as those before it"
            expected = expected if features else "of shape (steps,) as those before it"
            got = f"shape {array.shape}"
            raise InputError(must(f"sequence {index} of {what}", expected, got))


def _numbers(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Whole numbers as int64, others in torch's default type."""
    array = unboxed(array)
    if array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "f":
        default = torch.empty(0).numpy().dtype
        return array.astype(default, copy=False)
    got = repr(array.reshape(-1)[0]) if array.size else f"values of type {array.dtype}"
    raise InputError(must(what, "numbers", got, ENCODE))
