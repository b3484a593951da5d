"""Long short-term memory.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)    input gate
    f = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)    forget gate
    g = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)    candidate
    o = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)    output gate
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

With a projection the loop multiplies h_t by W_hr before it goes on (the state h is then smaller
than c).

Papers: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997;
the forget gate: F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation
12(10), 2000; the projection: H. Sak, A. Senior, F. Beaufays, arXiv:1402.1128, 2014.

Gate order, in the rows of W_ih and W_hh: i, f, g, o (PyTorch's).
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import Cell, State


def step(state: State, gx: Tensor, gh: Tensor) -> State:
    """One step: `state` (h, c), each (batch, hidden); `gx` and `gh` (batch, 4 hidden)."""
    _, c = state
    i, f, g, o = (gx + gh).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, c


LSTM = Cell("lstm", 4, 4, 4, ("h", "c"), step)
