"""Whatever holds the data, as batches: arrays, `Sequences`, a `Dataset` or a `DataLoader`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from recur.data.batching import batch_order
from recur.data.documents import Documents
from recur.data.examples import Examples
from recur.data.sequences import Batch, Sequences, Targets, collate
from recur.messages import InputError, must, whole
from recur.training.pieces import CutFeed, DocumentsFeed, PouredFeed


class Feed(Protocol):
    """A source of batches.

    Attributes:
        targets: all targets, where they are known; else None.
        ragged: whether sequences are known to differ in length.
    """

    targets: Targets | None
    ragged: bool

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """One pass: in order, or shuffled by `seed`. The first `skip` batches are gone at once."""

    def settings(self) -> dict[str, Any]:
        """What a training must find the same when it goes on in the middle of a pass."""

    def __len__(self) -> int:
        """The batches of a pass; 0 where that is not known."""


class SequenceFeed:
    """Batches of `Examples` or of a map-style dataset."""

    def __init__(self, data: Any, batch_size: int, bucket: bool) -> None:
        self.data, self.batch_size, self.bucket = data, batch_size, bucket
        self.lengths = data.lengths if isinstance(data, Examples) else None
        self.targets = data.y if isinstance(data, Examples) else None
        self.ragged = differ(self.lengths)
        self.longest = _with_targets(data, self.lengths)

    def order(self, seed: int | None) -> list[Any]:
        """The rows of each batch."""
        return batch_order(
            len(self.data),
            self.batch_size,
            lengths=self.longest,
            shuffle=seed is not None,
            bucket=self.bucket,
            generator=np.random.default_rng(seed),
        )

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`."""
        return map(self.batch, self.order(seed)[skip:])

    def settings(self) -> dict[str, Any]:
        """As `Feed.settings`."""
        return {
            "examples": len(self.data),
            "batch_size": self.batch_size,
            "bucket": self.bucket,
        }

    def batch(self, rows: Any) -> Batch:
        """The batch of these rows."""
        if isinstance(self.data, Examples):
            return self.data.batch(rows)
        return batch_of([self.data[int(row)] for row in rows])

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch_size)


class LoaderFeed:
    """Batches of a DataLoader, which has its own order."""

    targets: Targets | None = None
    ragged = False

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`, but in the loader's own order.

        That order comes from torch's random state, or from generators of its own, which are seeded.
        """
        for holder in (self.loader, self.loader.sampler):
            generator = getattr(holder, "generator", None)
            if seed is not None and isinstance(generator, torch.Generator):
                generator.manual_seed(seed)
        batches = iter(self.loader)
        for _ in itertools.islice(batches, skip):
            pass
        return map(as_batch, batches)

    def settings(self) -> dict[str, Any]:
        """As `Feed.settings`."""
        return {"batches": len(self)}

    def __len__(self) -> int:
        try:
            return len(self.loader)
        except TypeError:
            return 0


def _with_targets(data: Any, lengths: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """The steps of each example, or of its target where that has more of its own."""
    targets = data.target_lengths if isinstance(data, Sequences) else None
    return lengths if targets is None or lengths is None else np.maximum(lengths, targets)


def batch_of(examples: list[Any]) -> Batch:
    """A batch of what a `Dataset` yields: x, (x,) or (x, y) for each example.

    Raises:
        InputError: for anything else.
    """
    pairs = []
    for example in examples:
        parts = example if isinstance(example, tuple | list) else (example,)
        if len(parts) not in (1, 2) or isinstance(example, dict):
            got = f"{type(example).__name__} of {len(parts)}"
            raise InputError(must("an example of a Dataset", "x or (x, y)", got))
        pairs.append((parts[0], parts[1] if len(parts) == 2 else None))
    return collate(pairs)


def as_batch(given: Any) -> Batch:
    """A batch from what a DataLoader yields: x, (x, y), (x, lengths, y) or a `Batch`.

    Raises:
        InputError: for anything else.
    """
    if isinstance(given, Batch):
        return given
    parts = list(given) if isinstance(given, list | tuple) else [given]
    y = parts.pop() if len(parts) in (2, 3) else None
    several = y.values() if isinstance(y, dict) else [y] if y is not None else []
    if len(parts) in (1, 2) and all(isinstance(part, Tensor) for part in (*parts, *several)):
        return Batch(parts[0], parts[1] if len(parts) > 1 else None, y)
    kinds = [
        type(part).__name__ for part in (given if isinstance(given, list | tuple) else [given])
    ]
    got = f"({', '.join(kinds)})"
    todo = "Give the DataLoader collate_fn=recur.collate, or one that returns tensors."
    raise InputError(must("a batch", "tensors: x, (x, y) or (x, lengths, y)", got, todo))


def differ(lengths: NDArray[np.int64] | None) -> bool:
    """Whether there are lengths and they differ."""
    return lengths is not None and len(lengths) > 0 and bool(lengths.min() != lengths.max())


def feed_of(
    x: Any,
    y: Any = None,
    *,
    lengths: Any = None,
    batch_size: int = 32,
    bucket: bool | None = None,
    truncate: int | None = None,
    cuts: bool = True,
) -> Feed:
    """Makes a feed of anything that holds data.

    Args:
        x: an array, a tensor, a list of sequences, `Sequences`, a `Dataset`, a `DataLoader`, or,
            with `truncate`, `Documents` or an `IterableDataset` of documents.
        y: the targets, where `x` does not hold them.
        lengths: the steps of each row, for one padded array.
        batch_size: rows in a batch.
        bucket: put rows of similar length together; None: where they differ in length.
        truncate: the steps of a batch at most: longer ones come in pieces; None: whole.
        cuts: whether one of `Documents` may be cut into rows; see `DocumentsFeed`.

    Raises:
        InputError: if these do not fit together.
    """
    batch_size = whole("batch_size", batch_size)
    if truncate is None:
        return _whole(x, y, lengths, batch_size, bucket)
    if isinstance(x, Documents):
        _nothing_beside("Documents", y, lengths)
        return DocumentsFeed(x, batch_size, truncate, cuts=cuts)
    if isinstance(x, IterableDataset):
        _nothing_beside("an IterableDataset", y, lengths)
        return PouredFeed(x, batch_size, truncate)
    return CutFeed(_whole(x, y, lengths, batch_size, bucket), truncate)


def check_truncate(truncate: int | None) -> None:
    """Raises an InputError unless it is None or a whole number of at least 1."""
    known = isinstance(truncate, int) and not isinstance(truncate, bool)
    if truncate is not None and not (known and truncate >= 1):
        expected = "a whole number of steps, at least 1, or None for whole sequences"
        raise InputError(must("truncate", expected, repr(truncate)))


def _whole(x: Any, y: Any, lengths: Any, batch_size: int, bucket: bool | None) -> Feed:
    """A feed whose batches are whole sequences."""
    if isinstance(x, Documents):
        raise InputError(
            "Documents are read a piece at a time: give truncate, the steps of a piece."
        )
    if isinstance(x, DataLoader):
        _nothing_beside("a DataLoader", y, lengths)
        return LoaderFeed(x)
    if isinstance(x, IterableDataset):
        _nothing_beside("an IterableDataset", y, lengths)
        return LoaderFeed(DataLoader(x, batch_size=batch_size, collate_fn=batch_of))
    if isinstance(x, Dataset) and not isinstance(x, Examples):
        _nothing_beside("a Dataset", y, lengths)
        return SequenceFeed(x, batch_size, bucket=False)
    data = examples_of(x, y, lengths)
    return SequenceFeed(data, batch_size, differ(data.lengths) if bucket is None else bucket)


def examples_of(x: Any, y: Any, lengths: Any) -> Examples:
    """`Sequences` of arrays; `Examples` as they are."""
    if isinstance(x, Examples):
        _nothing_beside(type(x).__name__, y, lengths)
        return x
    return Sequences(x, y, lengths=lengths)


def _nothing_beside(kind: str, y: Any, lengths: Any) -> None:
    if y is not None or lengths is not None:
        raise InputError(f"{kind} holds targets and lengths itself; leave y and lengths out.")
