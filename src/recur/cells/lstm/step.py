"""Long short-term memory.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)    input gate
    f = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)    forget gate
    g = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)    candidate
    o = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)    output gate
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

With a projection the loop multiplies h_t by W_hr before it goes on (the state h is then smaller
than c). With peepholes the gates see the cell: p_i * c_{t-1} is added within i, p_f * c_{t-1}
within f, p_o * c_t within o. With coupled gates i = 1 - f, and there is no i of its own. c_t may be
clipped before anything reads it, and may be normalised where h_t reads it.

Papers: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997;
the forget gate: F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation
12(10), 2000; the projection: H. Sak, A. Senior, F. Beaufays, arXiv:1402.1128, 2014; peepholes:
F. A. Gers, J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000; coupled gates:
K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (CIFG).

Gate order, in the rows of W_ih and W_hh: i, f, g, o (PyTorch's); coupled: f, g, o. Peepholes: i, f,
o;
coupled: f, o.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells.cell import NONE, Cell, Extras, State


def step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step: `state` (h, c), each (batch, hidden); `gx` and `gh` (batch, 4 hidden)."""
    _, c = state
    i, f, g, o = (gx + gh).chunk(4, dim=-1)
    if extras.units:
        i = i + extras.units[0] * c
    return _step(c, torch.sigmoid(i), f, g, o, extras.units[1:], extras)


def coupled_step(state: State, gx: Tensor, gh: Tensor, extras: Extras = NONE) -> State:
    """One step with i = 1 - f: `gx` and `gh` (batch, 3 hidden)."""
    _, c = state
    f, g, o = (gx + gh).chunk(3, dim=-1)
    return _step(c, None, f, g, o, extras.units, extras)


def _step(
    c: Tensor,
    i: Tensor | None,
    f: Tensor,
    g: Tensor,
    o: Tensor,
    peepholes: tuple[Tensor, ...],
    extras: Extras,
) -> State:
    if peepholes:
        f = f + peepholes[0] * c
    f, g = torch.sigmoid(f), torch.tanh(g)
    extras.note(**({} if i is None else {"i": i}), f=f, g=g)
    c = f * c + (1 - f if i is None else i) * g
    if extras.clip:
        c = c.clamp(-extras.clip, extras.clip)
    if peepholes:
        o = o + peepholes[1] * c
    o = torch.sigmoid(o)
    extras.note(o=o)
    return o * torch.tanh(c if extras.normalise is None else extras.normalise(c)), c


LSTM = Cell(
    "lstm",
    4,
    4,
    4,
    ("h", "c"),
    step,
    gate_names=("i", "f", "g", "o"),
    gate_words=("input gate", "forget gate", "candidate", "output gate"),
    centred=("g",),
    keeps="f",
    takes="i",
    starts=("forget_bias", "chrono"),
    unit_weights=("i", "f", "o"),
    clips=True,
    normalises=True,
)
LSTM_COUPLED = Cell(
    "lstm_coupled",
    3,
    3,
    3,
    ("h", "c"),
    coupled_step,
    gate_names=("f", "g", "o"),
    gate_words=("forget gate", "candidate", "output gate"),
    centred=("g",),
    keeps="f",
    starts=("forget_bias", "chrono"),
    unit_weights=("f", "o"),
    clips=True,
    normalises=True,
)
