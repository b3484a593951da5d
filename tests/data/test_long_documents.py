"""`Documents`: pieces of long sequences, and what is said of arrays that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur.data.batching import aligned_rows
from recur.data.documents import Documents
from recur.messages import InputError


def test_each_document_with_the_tokens_that_follow():
    whole = Documents([5, 6, 7, 8, 9], starts=[3])
    assert len(whole) == 2
    assert [part.tolist() for part in whole[0]] == [[5, 6, 7], [6, 7, -100]]
    assert [part.tolist() for part in whole[-1]] == [[8, 9], [9, -100]]
    batch = whole.batch([0, 1])
    assert batch.x.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert batch.y.tolist() == [[6, 7, -100], [9, -100, -100]]
    assert batch.lengths.tolist() == [3, 2]
    assert batch.x.dtype == batch.y.dtype == torch.int64


def test_a_file_on_disk_is_not_copied(tmp_path):
    np.arange(100, dtype=np.uint8).tofile(tmp_path / "tokens")
    mapped = np.memmap(tmp_path / "tokens", dtype=np.uint8, mode="r")
    whole = Documents(mapped)
    assert whole.x is mapped
    first, last = whole.split(0.25)
    assert np.shares_memory(first.x, mapped)
    assert (len(first.x), len(last.x)) == (75, 25)
    assert last[0][0][:2].tolist() == [75, 76]


def test_parts_keep_the_documents_that_begin_in_them():
    part = Documents(np.arange(20), starts=[0, 5, 11, 15]).cut(4, 14)
    assert part.starts.tolist() == [0, 1, 7]
    values = Documents(np.ones((9, 2)), np.arange(9)).cut(3, 5)
    assert values[0][1].tolist() == [3, 4]
    assert values[0][0].dtype == torch.float32


@pytest.mark.parametrize(("steps", "rows"), [(10, 3), (3, 10), (1, 1), (12, 4)])
def test_rows_differ_by_a_step_at_most_and_none_is_empty(steps, rows):
    sizes = np.diff(aligned_rows(steps, rows))
    assert sizes.sum() == steps
    assert sizes.max() - sizes.min() <= 1
    assert sizes.min() >= 1
    assert len(sizes) == min(steps, rows)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Documents([3]), "x must be at least 2 steps long; got 1 step."),
        (lambda: Documents([]), "x must be an array of numbers|at least 2 steps|y must be given"),
        (lambda: Documents(np.ones((4, 2))), "y must be given unless x is"),
        (lambda: Documents([0.5, 1.0]), "y must be given unless x is"),
        (lambda: Documents(["a", "b"]), "x must be an array of numbers"),
        (lambda: Documents([1, 2], [1]), r"y must be as long as x \(2 steps\); got 1 target."),
        (lambda: Documents([1, 2, 3], starts=[3]), "starts must be between 0 and 2; got 3."),
        (lambda: Documents([1, 2, 3]).split(1.5), "between 0 and 1; got 1.5"),
        (lambda: Documents([1, 2, 3]).split(0.5), "at least 2 steps long; got 1 step"),
        (lambda: aligned_rows(5, 0), "batch_size must be at least 1; got 0."),
    ],
)
def test_arrays_that_do_not_fit_get_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_a_document_that_is_not_there():
    with pytest.raises(IndexError, match="between -1 and 0; got 2"):
        Documents([1, 2, 3])[2]
