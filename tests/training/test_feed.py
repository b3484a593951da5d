"""Feeds: which batches there are, in which order, and what is said of other data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.problems import dense, ragged, ragged_data
from torch.utils.data import DataLoader, Dataset, TensorDataset

from recur.data.sequences import Batch, Sequences
from recur.messages import InputError
from recur.training.feed import as_batch, batch_of, feed_of


def first_values(feed, seed=None, skip=0):
    return [batch.x[:, 0].tolist() for batch in feed.batches(seed, skip)]


def test_sequences_of_unequal_length_are_batched_by_length():
    x, y = ragged(200)
    waste = {}
    for bucket in (None, True, False):
        batches = list(feed_of(x, y, batch_size=16, bucket=bucket).batches(3))
        assert sum(len(batch.x) for batch in batches) == 200
        waste[bucket] = sum(batch.x.numel() - int(batch.lengths.sum()) for batch in batches)
    assert waste[None] == waste[True] < waste[False] / 3


def test_so_are_those_whose_targets_have_lengths_of_their_own():
    x, _ = ragged(200)
    y = [np.ones(1 + 7 * n % 50, dtype=np.int64) for n in range(200)]
    waste = {}
    for aligned in (True, False):
        feed = feed_of(Sequences(x, None if aligned else y, aligned=aligned), batch_size=16)
        steps = [[len(y[row]) for row in rows] for rows in feed.order(3)]
        waste[aligned] = sum(len(rows) * max(rows) - sum(rows) for rows in steps)
    assert waste[False] < waste[True] / 2


def test_rows_of_equal_length_are_not():
    x = [np.full(3, i) for i in range(10)]
    assert first_values(feed_of(x, batch_size=4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert not feed_of(x).ragged
    assert not feed_of(np.zeros((4, 3))).ragged
    assert feed_of(ragged()[0]).ragged


@pytest.mark.parametrize(
    "data",
    [
        lambda: ragged_data(50),
        lambda: TensorDataset(*dense(50)),
        lambda: DataLoader(TensorDataset(*dense(50)), batch_size=8),
    ],
)
def test_batches_that_are_done_are_left_out(data):
    feed = feed_of(data(), batch_size=8)
    whole = first_values(feed, 7)
    assert len(whole) == len(feed) == 7
    for skip in (1, 6, 7):
        assert first_values(feed, 7, skip) == whole[skip:]


def test_a_seed_is_an_order():
    feed = feed_of(*dense(50), batch_size=8)
    assert first_values(feed, 1) == first_values(feed, 1)
    assert first_values(feed, 1) != first_values(feed, 2)
    assert sum(first_values(feed, 1), []) != sum(first_values(feed), [])  # noqa: RUF017
    assert sum(first_values(feed), []) == dense(50)[0][:, 0].tolist()  # noqa: RUF017


def test_batches_of_a_loader():
    x, lengths, y = torch.zeros(2, 3), torch.tensor([3, 1]), torch.ones(2)
    assert as_batch(x) == Batch(x, None, None)
    assert as_batch([x]) == Batch(x, None, None)
    assert as_batch((x, y)) == Batch(x, None, y)
    assert as_batch([x, lengths, y]) == Batch(x, lengths, y)
    whole = Batch(x, lengths, y)
    assert as_batch(whole) is whole
    packed = torch.nn.utils.rnn.pack_sequence([torch.zeros(2)])
    for wrong in ({"x": x}, (x, y, y, y), packed, (x, [1, 2]), "words"):
        with pytest.raises(InputError, match=r"tensors: x, \(x, y\) or \(x, lengths, y\); got"):
            as_batch(wrong)


def test_examples_of_a_dataset():
    batch = batch_of([(torch.ones(2), 1.0), (torch.ones(3), 0.0)])
    assert batch.x.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.lengths.tolist() == [2, 3]
    assert batch.y.tolist() == [1, 0]
    assert batch_of([torch.ones(2), torch.ones(2)]).y is None
    assert batch_of([(torch.ones(2),), (torch.ones(2),)]).y is None
    for wrong in ((1, 2, 3), {"x": 1, "y": 2}):
        with pytest.raises(InputError, match=r"an example of a Dataset must be x or \(x, y\)"):
            batch_of([wrong])


def test_targets_are_known_where_they_can_be():
    x, y = dense()
    assert torch.equal(feed_of(x, y).targets, y)
    assert feed_of(x).targets is None
    assert feed_of(DataLoader(TensorDataset(x, y))).targets is None


def test_nothing_beside_data_that_hold_everything():
    class Own(Dataset):
        pass

    for data in (Own(), ragged_data(), DataLoader(ragged_data())):
        with pytest.raises(InputError, match="leave y and lengths out"):
            feed_of(data, [1])
        with pytest.raises(InputError, match="leave y and lengths out"):
            feed_of(data, lengths=[1])
    assert feed_of(Sequences([[1, 2]])).targets is None
