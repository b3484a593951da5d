"""Chance from one seed: every random state set, kept, put back."""

from __future__ import annotations

import random

import numpy as np
import torch

from recur.training import randomness

CPU = torch.device("cpu")


def drawn():
    # An odd number of normal draws leaves one in store, in Python and in numpy.
    return (
        torch.rand(2).tolist(),
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.normal(),
    )


def test_a_seed_sets_them_all():
    randomness.set_seed(2**62 + 5)
    first = drawn()
    drawn()
    randomness.set_seed(2**62 + 5)
    assert drawn() == first
    randomness.set_seed(6)
    assert all(a != b for a, b in zip(drawn(), first, strict=True))


def test_states_go_through_tensors_exactly():
    for _ in range(2):  # with and without a normal number in store
        drawn()
        saved = randomness.states(CPU)
        assert all(isinstance(value, torch.Tensor) for value in saved.values())
        expected = [drawn() for _ in range(3)]
        randomness.set_seed(0)
        randomness.restore(saved, CPU)
        assert [drawn() for _ in range(3)] == expected
        random.gauss(0, 1), np.random.normal()


def test_kept_apart_even_after_an_error():
    saved = randomness.states(CPU)
    expected = drawn()
    randomness.restore(saved, CPU)
    try:
        with randomness.kept_apart(CPU):
            randomness.set_seed(1)
            drawn()
            raise RuntimeError
    except RuntimeError:
        pass
    assert drawn() == expected


def test_epochs_and_seeds_share_no_order():
    seeds = {randomness.epoch_seed(seed, epoch) for seed in range(100) for epoch in range(100)}
    assert len(seeds) == 10_000
    assert all(0 <= seed < 2**63 for seed in seeds)
    # A promise to runs that are under way: these numbers never change.
    assert randomness.epoch_seed(0, 0) == 7896617691693857887
    assert randomness.epoch_seed(7, 3) == 2530781778362038830
