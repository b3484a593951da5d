"""The minimal LSTM: two gates that look at the input alone, and share one memory out.

    f = sigmoid(W_if x_t + b_if)                forget gate
    i = sigmoid(W_ii x_t + b_ii)                input gate
    n = g(W_in x_t + b_in)                      candidate
    h_t = f / (f + i) * h_{t-1} + i / (f + i) * n

with g as for the minimal GRU (`recur.cells.mingru`), and as there a loop can be walked in parallel.

Paper: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadegh, "Were RNNs all we needed?",
arXiv:2410.01201, 2024 (section 3.2 and appendix B).

Gate order, in the rows of W_ih: f, i, n.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State
from recur.cells.mingru.step import above_zero


def log_odds(f: Tensor, i: Tensor) -> Tensor:
    """The logarithm of the odds of i / (f + i), from both gates before the sigmoid.

    Of logarithms: where both gates are nearly shut, f + i itself is 0.
    """
    return F.logsigmoid(i) - F.logsigmoid(f)


def linear(gx: Tensor) -> tuple[Tensor, Tensor]:
    """A and b of h_t = a * h_{t-1} + b, from `gx` (..., 3 hidden)."""
    f, i, n = gx.chunk(3, dim=-1)
    odds = log_odds(f, i)
    return torch.sigmoid(-odds), torch.sigmoid(odds) * above_zero(n)


def step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h,) (batch, hidden), `gx` (batch, 3 hidden); `gh` is empty."""
    (h,) = state
    f, i, n = gx.chunk(3, dim=-1)
    taken, n = torch.sigmoid(log_odds(f, i)), above_zero(n)
    extras.note(f=torch.sigmoid(f), i=torch.sigmoid(i), n=n)
    return (h + taken * (n - h),)


WORDS = ("forget gate", "input gate", "candidate")
MINLSTM = Cell(
    *("minlstm", 3, 0, 0, ("h",), step, ("f", "i", "n"), WORDS),
    keeps="f",
    takes="i",
    linear=linear,
)
