"""The sLSTM: an LSTM whose input gate is exponential, with a normaliser and a stabiliser.

    i~, f~ = W_i x_t + b_i + R_i h_{t-1}, W_f x_t + b_f + R_f h_{t-1}
    z = tanh   (W_z x_t + b_z + R_z h_{t-1})      candidate
    o = sigmoid(W_o x_t + b_o + R_o h_{t-1})      output gate
    m_t = max(log sigmoid(f~) + m_{t-1}, i~)      stabiliser
    i = exp(i~ - m_t)                             input gate
    f = exp(log sigmoid(f~) + m_{t-1} - m_t)      forget gate
    c_t = f * c_{t-1} + i * z                     cell
    n_t = f * n_{t-1} + i                         normaliser
    h_t = o * c_t / n_t

m scales c and n alike and so changes no h: it keeps the exponentials in range. Where n_{t-1} is 0,
nothing is remembered yet: m_t = i~, f = 0.

Paper: M. Beck et al., "xLSTM: extended long short-term memory", arXiv:2405.04517, 2024 (section
2.2, equations 8 to 17, with the sigmoid as the forget gate's activation). Its blocks of R for
separate heads are the layer's matter: `recur.SLSTM(heads=)`.

Gate order, in the rows of W_ih and W_hh: i, f, z, o.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h, c, n, m), each (batch, hidden); `gx` and `gh` (batch, 4 hidden)."""
    _, c, n, m = state
    i, f, z, o = (gx + gh).chunk(4, dim=-1)
    kept = F.logsigmoid(f) + m
    nothing = n == 0
    by_input = (kept <= i) | nothing
    # The argument of the exponential that is not taken must not overflow: its gradient would be
    # NaN.
    to_input = torch.where(by_input & ~nothing, kept - i, 0).exp()
    to_kept = torch.where(by_input, 0, i - kept).exp()
    m = torch.where(by_input, i, kept)
    i = torch.where(by_input, 1, to_kept)
    f = torch.where(nothing, 0, torch.where(by_input, to_input, 1))
    z, o = torch.tanh(z), torch.sigmoid(o)
    extras.note(i=i, f=f, z=z, o=o)
    c, n = f * c + i * z, f * n + i
    return o * (c / n), c, n, m


WORDS = ("input gate", "forget gate", "candidate", "output gate")
SLSTM = Cell(
    *("slstm", 4, 4, 4, ("h", "c", "n", "m"), step, ("i", "f", "z", "o"), WORDS),
    centred=("z",),
    keeps="f",
    takes="i",
)
