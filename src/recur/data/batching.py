"""Which examples go into which batch: in order, shuffled, or by similar length.

Batches of similar length waste little on padding. Sorting everything would give every epoch the
same batches, so the shuffled order is sorted only inside pools of some batches, and the batches
are shuffled again: the "bucketing" that Keras, torchtext and fairseq users know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, count, must

POOL = 50
"""Batches in a pool. More saves a little more padding and mixes less."""


def batch_order(
    n: int,
    batch_size: int,
    *,
    lengths: NDArray[np.int64] | None = None,
    shuffle: bool = False,
    bucket: bool = False,
    generator: np.random.Generator | None = None,
) -> list[NDArray[np.int64]]:
    """Returns the indices of each batch of one epoch; every example occurs once.

    Args:
        n: number of examples.
        batch_size: examples a batch; the last one may have fewer (with `bucket`, any one).
        lengths: (n,) steps of each example, needed with `bucket`.
        shuffle: another order each time, drawn from `generator`.
        bucket: examples of similar length share a batch. Without `shuffle`: longest first, so
            that a batch that does not fit the memory fails at once.
        generator: the source of chance for `shuffle`; a fresh one if None.

    Raises:
        InputError: if `batch_size` is less than 1, or `bucket` comes without fitting lengths.
    """
    if batch_size < 1:
        raise InputError(must("batch_size", "at least 1", batch_size))
    order = np.arange(n, dtype=np.int64)
    chance = generator if generator is not None else np.random.default_rng()
    if shuffle:
        order = chance.permutation(order)
    if not bucket:
        return _cut(order, batch_size)
    known = _fitting(lengths, n)
    if not shuffle:
        return _cut(order[np.argsort(-known, kind="stable")], batch_size)
    batches = [
        batch
        for pool in _cut(order, batch_size * POOL)
        for batch in _cut(pool[np.argsort(known[pool], kind="stable")], batch_size)
    ]
    return [batches[index] for index in chance.permutation(len(batches))]


def aligned_rows(steps: int, rows: int) -> NDArray[np.int64]:
    """Cuts one long sequence into parts that are read side by side, a row of a batch each.

    Args:
        steps: of the whole.
        rows: parts at most; no part is empty.

    Returns:
        (parts + 1,) the bounds of the parts, which differ by at most one step.

    Raises:
        InputError: if `rows` is less than 1.
    """
    if rows < 1:
        raise InputError(must("batch_size", "at least 1", rows))
    each, more = divmod(steps, parts := max(1, min(rows, steps)))
    sizes = np.full(parts, each, dtype=np.int64)
    sizes[:more] += 1
    return np.concatenate([[0], np.cumsum(sizes)])


def _cut(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def _fitting(lengths: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
    if lengths is None:
        todo = "Pass lengths, or bucket=False."
        raise InputError(must("lengths", "given when bucket is on", None, todo))
    known = np.asarray(lengths, dtype=np.int64)
    if known.shape != (n,):
        expected = f"one for each of {count(n, 'example')}"
        raise InputError(must("lengths", expected, f"shape {known.shape}"))
    return known
