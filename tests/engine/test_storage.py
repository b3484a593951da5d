"""Half precision as the compiled loops store it: every number that there is, both ways."""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, forced

from recur import engine
from recur.cells import RNN_RELU
from recur.engine.cpu import library

pytestmark = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
EVERY = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
# 1 is a copy; with the others the product has more digits than fit, ties among them.
FACTORS = (1.0, 1.0078125, 1.5, 0.0009765625)


@pytest.fixture(params=[torch.bfloat16, torch.float16], ids=str)
def half(request):
    return request.param


def same(got, want):
    """The same bits; but a NaN is a NaN."""
    assert got.dtype == want.dtype
    assert torch.equal(got.isnan(), want.isnan())
    there = ~want.isnan()
    assert torch.equal(got[there].view(torch.int16), want[there].view(torch.int16))


def normal(numbers):
    """With zero where float32 is subnormal, as in a walk (test_subnormal.py)."""
    return torch.where(numbers.abs() < torch.finfo(torch.float32).tiny, 0.0, numbers)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("path", PATHS[1:])
def test_each_is_read_and_rounded_as_torch_does(path, factor, half):
    """A network of one unit, one step and no past puts out relu(factor * x): one rounding.

    Its gradient is factor * dy where the unit is on.
    """
    numbers = EVERY.view(half)
    numbers = torch.cat([numbers, numbers[:5]]).reshape(-1, 1)  # and an end that fills no vector
    weights = engine.Weights(torch.full((1, 1), factor, dtype=half), torch.zeros(1, 1, dtype=half))
    nothing = torch.zeros_like(numbers)
    product = normal(normal(numbers.float()) * weights.w_ih.float())
    product = product + 0.0  # a sum: no zero is negative
    with forced(path):
        y, (hn,) = engine.scan(RNN_RELU, numbers.unsqueeze(0), (nothing,), weights)
        on = torch.ones_like(numbers).unsqueeze(0).requires_grad_()
        always, _ = engine.scan(RNN_RELU, on, (nothing,), weights)
        (dx,) = torch.autograd.grad(always, on, numbers.unsqueeze(0))
    for got in (y[0], hn):
        same(got, product.relu().to(half))
    same(dx[0], product.to(half))
