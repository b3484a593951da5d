"""The output layer of a language model with its loss, forward and back, beside torch's.

Three sides: torch's linear layer and cross-entropy apart; torch's `linear_cross_entropy` in pieces
(from 2.13 on, with its default options); recur's. The time is the processor time of one thread, and
the memory the peak over what was there before, each side in a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from alone import alone
from peer import Tell
from table import milliseconds, table, times
from torch import Tensor

import recur

# (tokens, numbers of each, classes)
SIZES = ((700, 200, 10_000), (700, 650, 10_000), (2048, 512, 32_000))
SIDES = ("torch, apart", "torch, in pieces", "recur")

PEAK = """
import json, re, sys
import torch
import torch.nn.functional as F
import recur
side, *sizes = sys.argv[1:]
tokens, features, classes = map(int, sizes)
def resident(name):
    return 1024 * int(re.search(rf"{name}:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
def loss(x, weight, y):
    if side == "recur":
        return recur.linear_cross_entropy(x, weight, y)
    if side == "torch, in pieces":
        options = torch.nn.LinearCrossEntropyOptions()
        return F.linear_cross_entropy(x, weight, y, options=options)
    return F.cross_entropy(F.linear(x, weight), y)
def train(tokens, features, classes):
    x = torch.randn(tokens, features, requires_grad=True)
    weight = torch.randn(classes, features, requires_grad=True)
    weight.grad = torch.zeros_like(weight)
    y = torch.randint(classes, (tokens,))
    before = resident("VmRSS")
    loss(x, weight, y).backward()
    return resident("VmHWM") - before
train(2, features, 8)
print(json.dumps({"bytes": train(tokens, features, classes)}))
"""


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    rows = []
    for sizes in SIZES if full else SIZES[:2]:
        seconds = _seconds(sizes, rounds=9 if full else 5)
        theirs = seconds[SIDES[0]]
        for side, took in seconds.items():
            peak = alone(PEAK, side, *sizes)["bytes"]
            words = [", ".join(f"{size:,}" for size in sizes), side]
            rows.append([*words, milliseconds(took), times(theirs / took), f"{peak / 1e6:.0f}"])
            tell(f"output layer, {', '.join(rows[-1])}")
    columns = ["tokens, features, classes", "", "ms of one thread", "over apart", "peak, MB"]
    return f"A loss and its gradients, float32.\n\n{table(columns, rows, words=2)}"


def _seconds(sizes: tuple[int, int, int], rounds: int) -> dict[str, float]:
    """The least processor time of each side, in turns; their gradients are compared first."""
    tokens, features, classes = sizes
    torch.manual_seed(0)
    x = (0.3 * torch.randn(tokens, features)).requires_grad_()
    weight = (0.05 * torch.randn(classes, features)).requires_grad_()
    y = torch.randint(classes, (tokens,))
    calls = {side: partial(_step, loss, x, weight, y) for side, loss in _losses().items()}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = [call() for call in calls.values()]
        for other in found[1:]:
            torch.testing.assert_close(other, found[0], atol=1e-6, rtol=1e-4)
        took: dict[str, list[float]] = {side: [] for side in calls}
        for _ in range(rounds):
            for side, call in calls.items():
                start = time.process_time()
                call()
                took[side].append(time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    return {side: min(each) for side, each in took.items()}


def _losses() -> dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]:
    sides: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
        SIDES[0]: lambda x, weight, y: F.cross_entropy(F.linear(x, weight), y),
        SIDES[2]: recur.linear_cross_entropy,
    }
    if hasattr(F, "linear_cross_entropy"):
        options = torch.nn.LinearCrossEntropyOptions()
        sides[SIDES[1]] = partial(F.linear_cross_entropy, options=options)
    return {side: sides[side] for side in SIDES if side in sides}


def _step(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, y: Tensor
) -> Tensor:
    return torch.autograd.grad(loss(x, weight, y), (x, weight))[0]
