from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from recur import Batch, Documents, InputError, Sequences, collate

TOKENS = [[5, 6, 7], [8], [], [9, 1]]
FEATURES = [np.ones((3, 2)), np.zeros((0, 2)), np.full((1, 2), 4.0)]


def dense(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape)


# What goes in comes out.


def test_token_lists():
    data = Sequences(TOKENS, [1, 0, 1, 0])
    assert len(data) == 4
    assert data.lengths is not None
    assert data.lengths.tolist() == [3, 1, 0, 2]
    batch = data.batch([3, 0, 2])
    assert batch.x.tolist() == [[9, 1, 0], [5, 6, 7], [0, 0, 0]]
    assert batch.lengths is not None
    assert batch.lengths.tolist() == [2, 3, 0]
    assert batch.y is not None
    assert batch.y.tolist() == [0, 1, 1]
    assert (batch.x.dtype, batch.lengths.dtype, batch.y.dtype) == (torch.int64,) * 3
    x, y = data[-1]
    assert x.tolist() == [9, 1]
    assert y == 0


def test_features_of_unequal_length():
    batch = Sequences(FEATURES, [0.5, 1.5, 2.5]).batch([2, 0])
    assert batch.x.shape == (2, 3, 2)
    assert batch.x.dtype == torch.float32
    assert batch.x[0].tolist() == [[4, 4], [0, 0], [0, 0]]
    assert batch.y is not None
    assert batch.y.dtype == torch.float32


def test_only_empty_sequences_in_a_batch():
    batch = Sequences(TOKENS).batch([2])
    assert batch.x.shape == (1, 0)
    assert batch.y is None


@pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["array", "tensor"])
def test_one_array(make):
    values = dense(4, 3, 2).astype(np.float32)
    data = Sequences(make(values), make(np.arange(4)))
    assert data.lengths is None
    batch = data.batch([2, 0])
    assert batch.lengths is None
    assert batch.x.tolist() == values[[2, 0]].tolist()
    assert data[1][0].tolist() == values[1].tolist()


@pytest.mark.parametrize("make", [list, np.array, torch.tensor], ids=["list", "array", "tensor"])
def test_one_array_with_lengths(make):
    data = Sequences(dense(3, 4), lengths=make([4, 0, 2]))
    batch = data.batch([2, 1])
    assert batch.lengths is not None
    assert batch.lengths.tolist() == [2, 0]
    assert batch.x.shape == (2, 4)  # its own width, so that targets for each step still fit
    assert data[2][0].tolist() == [8, 9]
    assert data[1][0].tolist() == []


def test_object_arrays_as_keras_hands_them_out():
    x = np.empty(2, dtype=object)
    x[:] = [[1, 2, 3], [4]]
    assert Sequences(x).batch([0, 1]).x.tolist() == [[1, 2, 3], [4, 0, 0]]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, ::-1],
        lambda x: np.flip(x, 0),
        lambda x: x[::2, ::-1],
        lambda x: x.astype(object),
        lambda x: x.astype(">f8"),
        lambda x: np.asfortranarray(x),
    ],
)
def test_arrays_however_they_lie_in_memory(view):
    x = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    y = np.arange(4)
    seen = view(x)
    data = Sequences(seen, view(np.repeat(y[:, None], 3, 1))[:, 0])
    assert data.batch(range(len(seen))).x.tolist() == seen.tolist()
    assert data.y.dtype == (torch.float32 if seen.dtype == ">f8" else torch.int64)
    whole = Documents(seen.reshape(-1, 2)[::-1], np.arange(len(seen) * 3)[::-1])
    assert whole[0][0].tolist() == seen.reshape(-1, 2)[::-1].tolist()


def test_objects_that_are_no_numbers_are_refused():
    for wrong in ([["a", "b"]], [[None, 1]], [[1, "2"]]):
        with pytest.raises(InputError, match="must be numbers; got"):
            Sequences(np.array(wrong, dtype=object))


def test_equal_lists_are_sequences_too():
    data = Sequences([[1, 2], [3, 4]])
    assert data.lengths is not None
    assert data.lengths.tolist() == [2, 2]


def test_fractions_are_not_cut_off():
    assert Sequences([[1, 2.5], [3]]).batch([0, 1]).x.tolist() == [[1, 2.5], [3, 0]]


def test_tensors_keep_their_type_and_arrays_take_the_default():
    double = torch.ones(2, 3, dtype=torch.float64)
    assert Sequences(double).batch([0]).x.dtype == torch.float64
    assert Sequences(list(double)).batch([0]).x.dtype == torch.float64
    assert Sequences(double.numpy()).batch([0]).x.dtype == torch.float32


def test_changing_the_array_afterwards_changes_nothing():
    values = dense(2, 3)
    data = Sequences(values)
    values[:] = -1
    assert data.batch([0]).x.tolist() == [[0, 1, 2]]


# A target for each step.


TAGS = [[[n, 1.5] for n in tokens] for tokens in ([1, 2, 3], [4], [], [5, 6])]


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor], ids=["list", "array", "tensor"])
def test_targets_for_each_step_of_unequal_sequences(kind):
    values = [np.zeros((n, 3)) for n in (3, 1, 0, 2)]
    tags = [kind(each) if each else np.zeros((0, 2)) for each in TAGS]
    data = Sequences(values, tags)
    batch = data.batch([3, 0, 2])
    assert batch.y is not None
    assert batch.x.shape == (3, 3, 3)
    assert batch.y.dtype == torch.float32 or kind is not list
    assert batch.y.tolist() == [[*TAGS[3], [0, 0]], TAGS[0], [[0, 0]] * 3]
    assert data.y is None
    x, y = data[-1]
    assert y is not None
    assert (len(x), y.tolist()) == (2, TAGS[3])
    part = data.subset([1, 3]).batch([1])
    assert part.y is not None
    assert part.y.tolist() == [TAGS[3]]
    again = collate([data[0], data[3]])
    assert again.y is not None
    assert again.y.tolist() == [TAGS[0], [*TAGS[3], [0, 0]]]


def test_class_numbers_for_each_step_stay_whole_numbers():
    first = Sequences([[1, 2], [3]], [[0, 1], [1]]).batch([0, 1]).y
    assert first is not None
    assert first.dtype == torch.int64
    assert first.tolist() == [[0, 1], [1, -100]]
    part = Sequences([[1, 2], [3]], [[0, 1], [1]]).subset([1, 0]).batch([0, 1]).y
    assert part is not None
    assert part.tolist() == [[1, -100], [0, 1]]


# Parts.


@given(st.data())
def test_subset_is_the_same_sequences(data):
    whole = Sequences(TOKENS, [1, 2, 3, 4])
    indices = data.draw(st.lists(st.integers(-4, 3), min_size=1, max_size=6))
    part = whole.subset(indices)
    assert len(part) == len(indices)
    for one, two in zip(part.batch(range(len(indices)))[:3], whole.batch(indices)[:3], strict=True):
        assert one is not None
        assert two is not None
        assert torch.equal(one, two)
    assert part[0][0].tolist() == TOKENS[indices[0]]


def test_split_takes_the_last_fraction_in_order():
    first, last = Sequences(dense(10, 2), np.arange(10), lengths=[1] * 10).split(0.2)
    assert first.y is not None
    assert last.y is not None
    assert first.y.tolist() == list(range(8))
    assert last.y.tolist() == [8, 9]
    assert last.lengths is not None
    assert last.lengths.tolist() == [1, 1]


def test_parts_share_memory():
    values = torch.zeros(10, 3)
    first, last = Sequences(values).split(0.5)
    values[-1] = 7
    assert first.batch([0]).x.sum() == 0
    assert last.batch([-1]).x.tolist() == [[7, 7, 7]]


def test_dense_subset_in_another_order():
    part = Sequences(dense(4, 1)).subset([3, 1, 1])
    assert part.batch([0, 1, 2]).x.tolist() == [[3], [1], [1]]


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (0, "fraction to split off must be between 0 and 1; got 0"),
        (1.0, "fraction to split off must be between 0 and 1; got 1"),
    ],
)
def test_fractions_that_are_none(fraction, message):
    with pytest.raises(InputError, match=message):
        Sequences(TOKENS).split(fraction)


def test_a_split_rounds_as_in_keras_and_leaves_no_part_empty():
    assert [len(part) for part in Sequences(TOKENS).split(0.1)] == [3, 1]
    with pytest.raises(InputError, match=r"got 0\.5 of 1 sequence\. Give more sequences"):
        Sequences([[1, 2]]).split(0.5)


def test_an_index_out_of_range():
    data = Sequences(TOKENS)
    with pytest.raises(IndexError, match="index must be between -4 and 3; got 4"):
        data[4]
    with pytest.raises(IndexError, match="indices must be between -4 and 3; got -5"):
        data.batch([0, -5])


# With torch's own loader.


def test_collate_in_a_data_loader():
    data = Sequences(TOKENS, [1, 0, 1, 0])
    first, second = DataLoader(data, batch_size=3, collate_fn=collate)
    assert isinstance(first, Batch)
    assert torch.equal(first.x, data.batch([0, 1, 2]).x)
    assert second.y is not None
    assert second.y.tolist() == [0]


def test_collate_without_targets_and_with_plain_numbers():
    assert collate([([1, 2], None), ([3], None)]).y is None
    batch = collate([([1.0, 2.0], 1), ([3.0], 0)])
    assert batch.x.tolist() == [[1, 2], [3, 0]]
    assert batch.y is not None
    assert batch.y.tolist() == [1, 0]


# What is wrong gets one sentence.


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], "x must be at least one sequence; got an empty list"),
        (np.zeros((0, 3)), r"x must be at least one example; got shape \(0, 3\)"),
        (5, "x must be an array, a tensor or a list of sequences; got int"),
        (np.zeros(3), r"x must be an array of at least 2 dimensions; got shape \(3,\)"),
        ([1, 2, 3], r"sequence 0 of x must be of shape \(steps,\) or \(steps, features\); got 1\."),
        (
            [np.zeros((2, 3)), np.zeros((2, 4))],
            r"sequence 1 of x must be of shape \(steps, 3\) as those before it; got shape \(2, 4\)",
        ),
        ([np.zeros(2), np.zeros((2, 4))], r"sequence 1 of x must be of shape \(steps,\) as those"),
        ([[[1, 2], [3]]], "sequence 0 of x must be steps of one shape; got unequal ones"),
        ([["good", "film"]], r"sequence 0 of x must be numbers; got .*'good'.* Turn words"),
        (np.array([["a", "b"]]), r"x must be numbers; got .*'a'.* Turn words"),
    ],
)
def test_wrong_x(x, message):
    with pytest.raises(InputError, match=message):
        Sequences(x)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2, 3], r"y must be as long as x \(4 sequences\); got 3 targets\."),
        (["pos", "neg", "pos", "neg"], r"y must be numbers; got .*'pos'"),
        (
            [[1], [1, 2], [1], [1]],
            "the targets y of sequence 0 must be one for each of the 3 steps of x, or all be alike"
            "; got 1 target.",
        ),
        ([1, [1, 2], [1], [1]], "y must be examples of one shape; got unequal ones"),
        (3, "y must be at least one example"),
    ],
)
def test_wrong_y(y, message):
    with pytest.raises(InputError, match=message):
        Sequences(TOKENS, y)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2], r"lengths must be one number for each of the 3 sequences in x; got shape \(2,\)"),
        ([[1], [2], [3]], r"lengths must be one number for each"),
        ([1, 5, 2], r"lengths \(x has 4 time steps\) must be at most 4; got 5 for sequence 1"),
        ([1, 2, -1], r"lengths \(x has 4 time steps\) must be 0 or more; got -1 for sequence 2"),
        ([1.0, 2.5, 3.0], "lengths must be whole numbers; got values of type float64"),
    ],
)
def test_wrong_lengths(lengths, message):
    with pytest.raises(InputError, match=message):
        Sequences(dense(3, 4), lengths=lengths)


def test_lengths_for_a_list():
    with pytest.raises(InputError, match=r"Leave lengths out: a list of sequences carries its own"):
        Sequences(TOKENS, lengths=[3, 1, 0, 2])


def test_a_batch_costs_little():
    chance = np.random.default_rng(0)
    data = Sequences([chance.integers(1, 9, 500) for _ in range(64)])
    rows = np.arange(32)
    took = []
    for _ in range(50):
        start = time.perf_counter()
        data.batch(rows)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.3e-3
