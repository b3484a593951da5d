"""The minimal GRU: the gate looks at the input alone.

    z = sigmoid(W_iz x_t + b_iz)                update gate
    n = g(W_in x_t + b_in)                      candidate
    h_t = (1 - z) * h_{t-1} + z * n
    g(a) = a + 1/2 where a >= 0, else sigmoid(a)

Since h_t is linear in h_{t-1}, a loop over T steps can be walked in parallel, in log2(T) rounds.

Paper: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadegh, "Were RNNs all we needed?",
arXiv:2410.01201, 2024 (sections 3.1 and, for g, appendix B).

Gate order, in the rows of W_ih: z, n.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def above_zero(a: Tensor) -> Tensor:
    """What the candidates of minGRU and minLSTM go through: g of the paper."""
    return torch.where(a >= 0, a + 0.5, torch.sigmoid(a))


def linear(gx: Tensor) -> tuple[Tensor, Tensor]:
    """A and b of h_t = a * h_{t-1} + b, from `gx` (..., 2 hidden)."""
    z, n = gx.chunk(2, dim=-1)
    z = torch.sigmoid(z)
    return 1 - z, z * above_zero(n)


def step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h,) (batch, hidden), `gx` (batch, 2 hidden); `gh` is empty."""
    (h,) = state
    z, n = gx.chunk(2, dim=-1)
    z, n = torch.sigmoid(z), above_zero(n)
    extras.note(z=z, n=n)
    return (h + z * (n - h),)


MINGRU = Cell(
    *("mingru", 2, 0, 0, ("h",), step, ("z", "n"), ("update gate", "candidate")),
    takes="z",
    linear=linear,
)
