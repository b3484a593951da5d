"""More numbers than 32 bits can count."""

from __future__ import annotations

import importlib
import mmap
import os
import sys

import pytest
import torch
from tests.engine.cases import Case, numbers_of
from tests.engine.paths import PATHS, forced

import recur
from recur import engine
from recur.cells import CELLS
from recur.engine.cpu import library

operator = importlib.import_module("recur.engine.cpu.operator")
variant = importlib.import_module("recur.engine.cpu.variant")
pytestmark = pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")

FAR = 2**31 + 5  # numbers from a step, or a row, to the next: the third is beyond 2^32
MAP_NORESERVE = 0x4000  # Linux; Python names it from 3.13 on


def far_apart(shape, dtype, axis):
    """A (T, B, size) of NaN whose steps (axis 0) or rows (1) lie FAR apart.

    Address space alone: the memory between is never touched, so there is none.
    """
    count = (shape[axis] - 1) * FAR + shape[0] * shape[1] * shape[2]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    try:
        space = mmap.mmap(-1, count * dtype.itemsize, flags=flags)
    except (OSError, OverflowError, ValueError) as error:
        pytest.skip(f"the system gives no {count * dtype.itemsize:,} bytes of addresses: {error}")
    strides = (FAR, shape[2], 1) if axis == 0 else (shape[2], FAR, 1)
    return torch.frombuffer(space, dtype=dtype).as_strided(shape, strides).fill_(torch.nan)


@pytest.mark.skipif(sys.platform != "linux", reason="memory without pages is asked for as on Linux")
@pytest.mark.parametrize("axis", [0, 1], ids=["steps", "rows"])
@pytest.mark.parametrize("path", PATHS[1:])
@pytest.mark.parametrize("cell", CELLS)
def test_steps_and_rows_far_apart(cell, path, axis, monkeypatch):
    case = Case(cell, 3, 3, 2, 3, lengths=(3, 1, 2), dtype=torch.float32)

    def walked(place):
        numbers = numbers_of(case)
        numbers.x = place(numbers.x)
        leaves = list(numbers.learning().values())
        for module in (operator, variant):
            monkeypatch.setattr(
                module, "like_layout", lambda x, size: place(x.new_empty(3, 3, size))
            )
        y, final = engine.scan(
            CELLS[cell], numbers.x, numbers.start, numbers.weights, lengths=numbers.lengths
        )
        incoming = [place(numbers.incoming["y"]), *(numbers.incoming[s] for s in numbers.states)]
        return [y, *final, *torch.autograd.grad([y, *final], leaves, incoming)]

    def spread(tensor):
        return far_apart(tensor.shape, tensor.dtype, axis).copy_(tensor)

    with forced(path):
        for far, near in zip(walked(spread), walked(torch.clone), strict=True):
            assert torch.equal(far, near)


@pytest.mark.skipif(
    "RECUR_LARGE" not in os.environ, reason="set RECUR_LARGE=1: takes 5 GB, a minute"
)
def test_outputs_beyond_two_to_the_31st():
    """Half precision, a wide batch of long sequences; the past fades, so pieces are an oracle."""
    time, rows, hidden, piece = 131_200, 1024, 16, 400
    assert time * rows * hidden > 2**31
    layer = recur.RNN(1, hidden, dtype=torch.bfloat16)
    x = torch.randn(rows, 1, dtype=torch.bfloat16).expand(time, rows, 1)
    y, last = layer(x)
    assert y.numel() > 2**31
    last.sum().backward()
    found = [w.grad.clone() for w in layer.parameters()]
    layer.zero_grad()
    want, state = layer(x[:piece])
    state.sum().backward()
    close = {"rtol": 0.02, "atol": 0.02}
    torch.testing.assert_close(last, state, **close)
    for low in (0, time // 2, time - piece):
        torch.testing.assert_close(y[low + piece - 10 : low + piece], want[-10:], **close)
    for got, weight in zip(found, layer.parameters(), strict=True):
        scale = weight.grad.abs().max().item()
        torch.testing.assert_close(got, weight.grad, rtol=0.02, atol=0.02 * scale)
