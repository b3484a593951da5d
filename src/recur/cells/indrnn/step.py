"""The independently recurrent network: each unit sees its own past and no other's.

    h_t = relu(W_ih x_t + b_ih + u * h_{t-1})

u is a number for each unit. Over k steps a unit's gradient is multiplied by its own u^k, and so
kept alive by keeping |u| near 1; units meet in the layer above. With tanh in the place of relu on
request.

Paper: S. Li, W. Li, C. Cook, C. Zhu, Y. Gao, "Independently recurrent neural network (IndRNN)",
arXiv:1803.04831, 2018.

Gate order, in the rows of W_ih: h. Of each unit: u.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def relu_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h,) and `gx` (batch, hidden); `gh` is empty."""
    h = torch.relu(gx + extras.units[0] * state[0])
    extras.note(h=h)
    return (h,)


def tanh_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step with tanh."""
    h = torch.tanh(gx + extras.units[0] * state[0])
    extras.note(h=h)
    return (h,)


INDRNN_RELU = Cell(
    *("indrnn_relu", 1, 0, 0, ("h",), relu_step, ("h",), ("state",)),
    centred=("h",),
    rectified=True,
    unit_weights=("u",),
    needs_units=True,
)
INDRNN_TANH = Cell(
    *("indrnn_tanh", 1, 0, 0, ("h",), tanh_step, ("h",), ("state",)),
    centred=("h",),
    unit_weights=("u",),
    needs_units=True,
)
