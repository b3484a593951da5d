"""The simple recurrent network, with tanh or with relu.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

Paper: J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990. With relu and W_hh
started at the identity: Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent
networks of rectified linear units", arXiv:1504.00941, 2015 (the IRNN).

Gate order, in the rows of W_ih and W_hh: h.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def tanh_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h,), each (batch, hidden); `gx` and `gh` (batch, hidden)."""
    h = torch.tanh(gx + gh)
    extras.note(h=h)
    return (h,)


def relu_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step with max(0, .) in the place of tanh."""
    h = torch.relu(gx + gh)
    extras.note(h=h)
    return (h,)


RNN_TANH = Cell(
    "rnn_tanh", 1, 1, 1, ("h",), tanh_step, ("h",), ("state",), centred=("h",), plain=True
)
RNN_RELU = Cell(
    *("rnn_relu", 1, 1, 1, ("h",), relu_step, ("h",), ("state",)),
    centred=("h",),
    rectified=True,
    plain=True,
)
