"""The gated recurrent unit, with the reset gate after the product, or before it.

    r = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)      reset gate
    z = sigmoid(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)      update gate
    n = tanh   (W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))  candidate
    h_t = (1 - z) * n + z * h_{t-1}

The two halves of the candidate stay apart until r has weighted the second: the input feeds three
gates, the state three, and they meet by addition in only two. With the reset gate before the
product they meet in all three, and the candidate is

    n = tanh(W_in x_t + b_in + W_hn (r * h_{t-1}) + b_hn)

Paper: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
machine translation", EMNLP 2014 (arXiv:1406.1078v1 has the reset gate after the product, as in
PyTorch, cuDNN and Keras; version 3 has it before).

Gate order, in the rows of W_ih and W_hh: r, z, n (PyTorch's).
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h,), each (batch, hidden); `gx` and `gh` (batch, 3 hidden)."""
    (h,) = state
    r_x, z_x, n_x = gx.chunk(3, dim=-1)
    r_h, z_h, n_h = gh.chunk(3, dim=-1)
    r = torch.sigmoid(r_x + r_h)
    z = torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    extras.note(r=r, z=z, n=n)
    return (n + z * (h - n),)


def feed(h: Tensor, gx: Tensor, gh: Tensor) -> Tensor:
    """What W_hn multiplies with the reset gate before the product; `gh` holds r and z."""
    hidden = h.shape[-1]
    return torch.sigmoid(gx[..., :hidden] + gh[..., :hidden]) * h


def before_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step in which r has already been at work in the last part of `gh`."""
    (h,) = state
    r, z, n = (gx + gh).chunk(3, dim=-1)
    z, n = torch.sigmoid(z), torch.tanh(n)
    extras.note(r=torch.sigmoid(r), z=z, n=n)
    return (n + z * (h - n),)


WORDS = ("reset gate", "update gate", "candidate")
GRU = Cell(
    *("gru", 3, 3, 2, ("h",), step, ("r", "z", "n"), WORDS),
    centred=("n",),
    keeps="z",
    starts=("chrono",),
)
GRU_BEFORE = Cell(
    *("gru_before", 3, 3, 3, ("h",), before_step, ("r", "z", "n"), WORDS),
    centred=("n",),
    keeps="z",
    starts=("chrono",),
    feed=feed,
)
