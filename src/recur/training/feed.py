"""Whatever holds the data, as batches: arrays, `Sequences`, a `Dataset` or a `DataLoader`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from recur.data.batching import batch_order
from recur.data.sequences import Batch, Sequences, collate
from recur.messages import InputError, must


class Feed(Protocol):
    """A source of batches."""

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """One pass: in order, or shuffled by `seed`; the first `skip` batches are left out."""

    def __len__(self) -> int:
        """The batches of a pass; 0 where that is not known."""


class SequenceFeed:
    """Batches of `Sequences` or of a map-style dataset."""

    def __init__(self, data: Any, batch_size: int, bucket: bool) -> None:
        self.data, self.batch_size, self.bucket = data, batch_size, bucket
        self.lengths = data.lengths if isinstance(data, Sequences) else None

    def order(self, seed: int | None) -> list[Any]:
        """The rows of each batch."""
        return batch_order(
            len(self.data),
            self.batch_size,
            lengths=self.lengths,
            shuffle=seed is not None,
            bucket=self.bucket,
            generator=np.random.default_rng(seed),
        )

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`."""
        for rows in self.order(seed)[skip:]:
            yield self.batch(rows)

    def batch(self, rows: Any) -> Batch:
        """The batch of these rows."""
        if isinstance(self.data, Sequences):
            return self.data.batch(rows)
        return collate([self.data[int(row)] for row in rows])

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch_size)


class LoaderFeed:
    """Batches of a DataLoader, which has its own order."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`, but in the loader's own order."""
        for index, batch in enumerate(self.loader):
            if index >= skip:
                yield as_batch(batch)

    def __len__(self) -> int:
        try:
            return len(self.loader)
        except TypeError:
            return 0


def as_batch(given: Any) -> Batch:
    """A batch from what a DataLoader yields: x, (x, y), (x, lengths, y) or a `Batch`.

    Raises:
        InputError: for anything else.
    """
    if isinstance(given, Batch):
        return given
    if isinstance(given, Tensor):
        return Batch(given, None, None)
    if isinstance(given, list | tuple) and len(given) in (1, 2, 3):
        parts = list(given)
        y = parts.pop() if len(parts) > 1 else None
        return Batch(parts[0], parts[1] if len(parts) > 1 else None, y)
    raise InputError(
        must(
            "a batch", "x, (x, y) or (x, lengths, y)", type(given).__name__, "Use recur's collate."
        )
    )


def feed_of(
    x: Any,
    y: Any = None,
    *,
    lengths: Any = None,
    batch_size: int = 32,
    bucket: bool | None = None,
) -> Feed:
    """Makes a feed of anything that holds data.

    Args:
        x: an array, a tensor, a list of sequences, `Sequences`, a `Dataset` or a `DataLoader`.
        y: the targets, where `x` does not hold them.
        lengths: the steps of each row, for one padded array.
        batch_size: rows in a batch.
        bucket: put rows of similar length together; None: where they differ in length.

    Raises:
        InputError: if these do not fit together.
    """
    if isinstance(x, DataLoader):
        _nothing_beside("a DataLoader", y, lengths)
        return LoaderFeed(x)
    if isinstance(x, IterableDataset):
        _nothing_beside("an IterableDataset", y, lengths)
        return LoaderFeed(DataLoader(x, batch_size=batch_size, collate_fn=collate))
    if isinstance(x, Dataset) and not isinstance(x, Sequences):
        _nothing_beside("a Dataset", y, lengths)
        return SequenceFeed(x, batch_size, bucket=False)
    data = sequences_of(x, y, lengths)
    ragged = data.lengths is not None and len(set(data.lengths.tolist())) > 1
    return SequenceFeed(data, batch_size, ragged if bucket is None else bucket)


def sequences_of(x: Any, y: Any, lengths: Any) -> Sequences:
    """`Sequences` of arrays; `Sequences` as they are."""
    if isinstance(x, Sequences):
        _nothing_beside("Sequences", y, lengths)
        return x
    return Sequences(x, y, lengths=lengths)


def _nothing_beside(kind: str, y: Any, lengths: Any) -> None:
    if y is not None or lengths is not None:
        raise InputError(f"{kind} holds targets and lengths itself; leave y and lengths out.")
