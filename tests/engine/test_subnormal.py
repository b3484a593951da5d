"""Subnormal numbers (in float32 those below 1.2e-38) count as zero in the compiled walks.

Some processors take a hundred times as long for each operation on one, and a gradient that vanishes
over many steps ends in them.
"""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, forced

import recur
from recur.engine.cpu import library

pytestmark = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
TINY = torch.finfo(torch.float32).tiny


def subnormal(numbers):
    return ((numbers != 0) & (numbers.abs() < TINY)).any().item()


@pytest.mark.parametrize("layer", [recur.RNN, recur.LSTM, recur.GRU, recur.SLSTM])
@pytest.mark.parametrize("path", PATHS)
def test_a_gradient_that_vanishes_ends_in_zeros(path, layer):
    model = layer(4, 5)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.1)
    x = torch.randn(200, 3, 4, requires_grad=True)
    with forced(path):
        out, _ = model(x)
        out[-1].sum().backward()
    assert subnormal(x.grad) == path.startswith("reference")
    assert x.grad[-1].abs().min() > TINY
    assert not x.grad[0].any()


@pytest.mark.parametrize("layer", [recur.RNN, recur.LSTM, recur.GRU])
@pytest.mark.parametrize("path", PATHS[1:])
def test_nor_are_they_in_a_single_step(path, layer):
    model, x = layer(2, 3, bias=False), torch.full((1, 1, 2), TINY / 8)
    with forced(path), torch.no_grad():
        assert not model(x)[0].any()
        assert not recur.Stream(model)(x[0, 0]).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_outside_of_a_walk_they_are_numbers_still(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        recur.LSTM(8, 8)(torch.randn(40, 4, 8, requires_grad=True))[0].sum().backward()
        halves = torch.full((200_000,), TINY) / 2  # enough for torch to use all its threads
        assert halves.ne(0).all()
    finally:
        torch.set_num_threads(before)
