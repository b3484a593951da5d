"""Feeds for truncated backpropagation through time: every batch is a piece of longer rows.

The rows stay aligned: row r of a batch goes on where row r of the batch before ended, so that the
state can be carried over. R. J. Williams and J. Peng, "An efficient gradient-based algorithm for
on-line training of recurrent network trajectories", Neural Computation 2, 1990; in pieces that do
not overlap, as language models are trained: T. Mikolov et al., Interspeech 2010.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recur.data.batching import aligned_rows
from recur.data.documents import Documents
from recur.data.sequences import Batch, Targets, changed
from recur.messages import InputError, must

if TYPE_CHECKING:
    from recur.training.feed import Feed


class CutFeed:
    """The batches of another feed, cut along time; the state begins from zero in each."""

    def __init__(self, whole: Feed, truncate: int) -> None:
        self.whole, self.truncate = whole, truncate
        self.targets, self.ragged = whole.targets, whole.ragged

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`."""
        pieces = (piece for batch in self.whole.batches(seed) for piece in self._cut(batch))
        return itertools.islice(pieces, skip, None)

    def settings(self) -> dict[str, Any]:
        """As `Feed.settings`."""
        return self.whole.settings()

    def __len__(self) -> int:
        """The pieces of a pass; 0, unknown: only reading the batches would tell."""
        return 0

    def _cut(self, batch: Batch) -> Iterator[Batch]:
        _check_steps(batch)
        end = batch.x.shape[1]
        if batch.lengths is not None:
            end = int(batch.lengths.max()) if len(batch.lengths) else 0
        if end <= self.truncate:
            yield batch
            return
        for start in range(0, end, self.truncate):
            here = slice(start, min(start + self.truncate, end))
            width = here.stop - here.start
            cut = operator.itemgetter((slice(None), here))
            yield Batch(
                batch.x[:, here],
                None if batch.lengths is None else (batch.lengths - start).clamp(0, width),
                None if batch.y is None else changed(batch.y, cut),
                None if batch.reset is None else batch.reset[:, here],
                goes_on=start > 0 or batch.goes_on,
                also=batch.also,
                weight=batch.weight,
            )


class DocumentsFeed:
    """`Documents` as rows that are read side by side.

    Args:
        data: the documents.
        batch_size: rows at most.
        truncate: steps of a piece at most.
        cuts: whether a document may be cut, so that rows are of equal length: its later parts then
            begin without what was before. If not, rows begin where documents do, and where they
            are fewer for it, pieces are longer: no piece has more than rows x steps asked for.
    """

    targets: Targets | None = None
    ragged = False

    def __init__(self, data: Documents, batch_size: int, truncate: int, *, cuts: bool) -> None:
        self.data, self.truncate, self.batch_size = data, truncate, batch_size
        bounds = aligned_rows(data.steps, batch_size)
        if not cuts:
            nearest = np.searchsorted(data.starts, bounds[:-1], side="right") - 1
            bounds = np.append(np.unique(data.starts[nearest]), bounds[-1])
            self.truncate = truncate * max(1, batch_size // (len(bounds) - 1))
        self.begins, self.ends = bounds[:-1], bounds[1:]

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`, always in the order of the text."""
        return map(self._piece, range(skip, len(self)))

    def settings(self) -> dict[str, Any]:
        """As `Feed.settings`."""
        return {"examples": self.data.steps, "batch_size": self.batch_size}

    def __len__(self) -> int:
        return -(-int((self.ends - self.begins).max()) // self.truncate)

    def _piece(self, number: int) -> Batch:
        begins = np.minimum(self.begins + number * self.truncate, self.ends)
        piece = self.data.pieces(begins, np.minimum(begins + self.truncate, self.ends))
        return _begun(piece) if not number else piece._replace(goes_on=True)


class PouredFeed:
    """The documents of an iterable, poured into rows: where one ends, the row takes the next."""

    targets: Targets | None = None
    ragged = False

    def __init__(self, documents: Any, batch_size: int, truncate: int) -> None:
        self.documents, self.batch_size, self.truncate = documents, batch_size, truncate

    def batches(self, seed: int | None, skip: int = 0) -> Iterator[Batch]:
        """As `Feed.batches`, always in the order of the iterable."""
        return itertools.islice(self._pieces(), skip, None)

    def settings(self) -> dict[str, Any]:
        """As `Feed.settings`."""
        return {"batch_size": self.batch_size}

    def __len__(self) -> int:
        """The pieces of a pass; 0, unknown: only reading the documents would tell."""
        return 0

    def _pieces(self) -> Iterator[Batch]:
        source = (document for each in self.documents if (document := _document(each)) is not None)
        rows = [_Row(source) for _ in range(self.batch_size)]
        for number in itertools.count():
            taken = [row.take(self.truncate) for row in rows]
            if not any(taken):
                return
            batch = _side_by_side(taken)
            yield _begun(batch) if not number else batch._replace(goes_on=True)


class _Row:
    """A row that takes documents from a common source."""

    def __init__(self, source: Iterator[Documents]) -> None:
        self.source, self.at = source, 0
        self.document: Documents | None = None

    def take(self, steps: int) -> list[Batch]:
        """The next steps, in parts of one document each; none where the source has run dry."""
        parts: list[Batch] = []
        while steps:
            if self.document is None:
                self.document, self.at = next(self.source, None), 0
                if self.document is None:
                    break
            end = min(self.at + steps, len(self.document.x))
            parts.append(self.document.pieces(np.array([self.at]), np.array([end])))
            steps -= end - self.at
            self.at = end
            if end == len(self.document.x):
                self.document = None
        return parts


def _document(given: Any) -> Documents | None:
    """A document of an iterable: x, or (x, y); None if it has no step to learn from."""
    parts = given if isinstance(given, tuple) else (given,)
    if len(parts) not in (1, 2):
        got = f"a tuple of {len(parts)}"
        raise InputError(must("a document of an IterableDataset", "x or (x, y)", got))
    x, *y = parts
    if not hasattr(x, "__len__") or getattr(x, "ndim", 1) == 0:
        raise InputError(must("a document of an IterableDataset", "a sequence of steps", repr(x)))
    return Documents(x, *y) if len(x) >= (1 if y else 2) else None


def _side_by_side(rows: list[list[Batch]]) -> Batch:
    """Rows made of parts as one batch, padded on the right."""
    lengths = torch.tensor([sum(part.x.shape[1] for part in row) for row in rows])
    width = int(lengths.max())
    like = next(row[0] for row in rows if row)
    assert isinstance(like.y, Tensor)
    x = like.x.new_zeros(len(rows), width, *like.x.shape[2:])
    y = like.y.new_zeros(len(rows), width, *like.y.shape[2:])
    reset = torch.zeros(len(rows), width, dtype=torch.bool)
    for row, parts in enumerate(rows):
        at = 0
        for part in parts:
            here = slice(at, at := at + part.x.shape[1])
            x[row, here] = part.x[0]
            assert isinstance(part.y, Tensor)
            y[row, here] = part.y[0]
            if part.reset is not None:
                reset[row, here] = part.reset[0]
    return Batch(
        x, lengths if bool((lengths != width).any()) else None, y, reset if reset.any() else None
    )


def _begun(piece: Batch) -> Batch:
    """The first piece of a pass: its rows begin from zero without being told."""
    if piece.reset is None:
        return piece
    piece.reset[:, 0] = False
    return piece if piece.reset.any() else piece._replace(reset=None)


def _check_steps(batch: Batch) -> None:
    """There is a target for every step, or a piece of a row would have none of its own."""
    if batch.x.dim() < 2:
        raise InputError(
            must("x with truncate", "sequences, (N, T, ...)", f"shape {tuple(batch.x.shape)}")
        )
    targets = batch.y if isinstance(batch.y, dict) else {"": batch.y}
    for y in targets.values():
        if y is not None and (y.dim() < 2 or y.shape[1] != batch.x.shape[1]):
            expected = f"one for each step, (N, {batch.x.shape[1]}, ...)"
            todo = "Leave truncate out for one target a sequence."
            got = f"shape {tuple(y.shape)}"
            raise InputError(must("targets with truncate", expected, got, todo))
