from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur import InputError
from recur.data.batching import batch_order

LENGTHS = np.random.default_rng(0).integers(1, 500, 1000)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 200), st.integers(1, 40), st.booleans(), st.booleans())
def test_every_example_occurs_once(n, batch_size, shuffle, bucket):
    order = batch_order(
        n, batch_size, lengths=LENGTHS[:n], shuffle=shuffle, bucket=bucket, generator=rng()
    )
    assert sorted(np.concatenate([*order, []]).tolist()) == list(range(n))
    sizes = sorted(len(batch) for batch in order)
    assert len(sizes) == -(-n // batch_size)
    assert all(size == batch_size for size in sizes[1:])


def test_in_order_without_shuffle():
    order = batch_order(5, 2)
    assert [batch.tolist() for batch in order] == [[0, 1], [2, 3], [4]]


def test_the_same_generator_gives_the_same_order_and_another_seed_another():
    def order(seed: int, bucket: bool) -> list[list[int]]:
        batches = batch_order(
            1000, 32, lengths=LENGTHS, shuffle=True, bucket=bucket, generator=rng(seed)
        )
        return [batch.tolist() for batch in batches]

    for bucket in (False, True):
        assert order(1, bucket) == order(1, bucket)
        assert order(1, bucket) != order(2, bucket)


def test_shuffle_without_a_generator_differs_from_call_to_call():
    first, second = (np.concatenate(batch_order(1000, 32, shuffle=True)) for _ in range(2))
    assert (first != second).any()


def padding(order: list[np.ndarray]) -> int:
    return sum(int(LENGTHS[batch].max() * len(batch) - LENGTHS[batch].sum()) for batch in order)


def test_buckets_save_most_of_the_padding_and_still_mix():
    plain = batch_order(1000, 10, shuffle=True, generator=rng())
    bucketed = batch_order(1000, 10, lengths=LENGTHS, shuffle=True, bucket=True, generator=rng())
    assert padding(bucketed) < padding(plain) / 10
    # Short and long batches alternate: the mean length has no trend over the epoch.
    means = np.array([LENGTHS[batch].mean() for batch in bucketed])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3
    # Another epoch has other batches, not the same ones in another order.
    again = batch_order(1000, 10, lengths=LENGTHS, shuffle=True, bucket=True, generator=rng(1))
    assert not {frozenset(b.tolist()) for b in bucketed} & {frozenset(b.tolist()) for b in again}


def test_buckets_without_shuffle_start_with_the_longest():
    order = np.concatenate(batch_order(1000, 32, lengths=LENGTHS, bucket=True))
    assert (np.diff(LENGTHS[order]) <= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
        ({"bucket": True}, "lengths must be given when bucket is on; got None"),
        ({"bucket": True, "lengths": LENGTHS[:3]}, r"lengths must be one for each of 5 examples"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        batch_order(**{"n": 5, "batch_size": 2, **arguments})
