"""Where the recurrent weights start, and why it matters.

A gradient that travels k steps back is multiplied k times by the recurrent matrix (and by the
slope of the activation). Torch's default draws the matrix from U(-1/sqrt(H), 1/sqrt(H)), whose
spectral radius is about 0.58: over 50 steps little is left of any signal. An orthogonal matrix, or
the identity, starts with a radius of 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recur.messages import one_of

RECURRENT = ("orthogonal", "identity")


def start_recurrent(weight: Tensor, how: str, gates: int) -> None:
    """Fills W_hh (gates * H, R) gate by gate, in place.

    Args:
        weight: the matrix.
        how: "orthogonal" (A. M. Saxe et al., arXiv:1312.6120) or "identity" (Q. V. Le et al.,
            arXiv:1504.00941).
        gates: how many there are. With a projection each gate's part is no square.

    Raises:
        InputError: another word.
    """
    fill = nn.init.eye_ if one_of("recurrent_init", how, RECURRENT) == "identity" else _orthogonal
    with torch.no_grad():
        for gate in weight.chunk(gates, dim=0):
            fill(gate)


def start_forget_bias(b_ih: Tensor, b_hh: Tensor, value: float, *, gate: int, hidden: int) -> None:
    """Sets the sum of the LSTM's two forget-gate biases to `value`, in place.

    With 1 the cell starts by remembering: F. A. Gers et al., 2000; R. Jozefowicz et al., ICML 2015.
    """
    part = slice(gate * hidden, (gate + 1) * hidden)
    with torch.no_grad():
        b_ih[part] = value
        b_hh[part] = 0


def start_chrono(
    b_ih: Tensor, b_hh: Tensor, longest: int, *, keeps: int, takes: int | None, hidden: int
) -> None:
    """Starts biases of gates so that memories last from 1 to `longest` steps, in place.

    What keeps starts at log(u), u uniform from 1 to `longest` - 1, one for each unit; what takes in
    at its opposite. (C. Tallec, Y. Ollivier, "Can recurrent neural networks warp time?",
    arXiv:1804.11188.)

    Args:
        b_ih: the input's bias (gates * hidden); draws from torch's generator.
        b_hh: the state's, set to 0 there.
        longest: steps, at least 2.
        keeps: the gate that keeps: the LSTM's forget gate, the GRU's update gate.
        takes: the LSTM's input gate, or None.
        hidden: units.
    """
    span = b_ih.new_empty(hidden).uniform_(1, max(longest - 1, 1.001)).log()
    with torch.no_grad():
        for gate, value in ((keeps, span), (takes, -span)):
            if gate is not None:
                part = slice(gate * hidden, (gate + 1) * hidden)
                b_ih[part] = value
                b_hh[part] = 0


def _orthogonal(gate: Tensor) -> None:
    # In float32 at least: half precision has no QR.
    start = torch.empty(gate.shape, dtype=torch.promote_types(gate.dtype, torch.float32))
    nn.init.orthogonal_(start)
    gate.copy_(start)
