"""The gates of a cell: their values at every step, and how many of them are shut or open for good.

A gate that is always near 0 or 1 lets no gradient through its own weights, and the fraction of the
time that gates spend there tells what a network does with its memory (A. Karpathy, J. Johnson,
L. Fei-Fei, "Visualizing and understanding recurrent networks", arXiv:1506.02078, figure 4, whose
limits of 0.1 and 0.9 are taken here).

The equations are those of `recur.cells`, whose steps keep their gates to themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recur.diagnostics.walk import Walk

SHUT, OPEN = 0.1, 0.9


@dataclass(frozen=True)
class Gate:
    """A gate, over all steps of a batch and all units.

    Attributes:
        name: its letter in the equations.
        word: its name.
        mean: its mean value.
        low: the share of values below 0.1 (of a tanh: below -0.9; of a relu: 0).
        high: the share of values above 0.9.
    """

    name: str
    word: str
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.word} {self.mean:.2f} ({self.low:.0%} low, {self.high:.0%} high)"


Values = dict[str, Tensor]
"""By letter, each (T, B, H)."""


def _rnn(activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Values]:
    return lambda gx, gh: {"h": activation(gx + gh)}


def _lstm(gx: Tensor, gh: Tensor) -> Values:
    i, f, g, o = (gx + gh).chunk(4, dim=-1)
    return {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}


def _gru(gx: Tensor, gh: Tensor) -> Values:
    r_x, z_x, n_x = gx.chunk(3, dim=-1)
    r_h, z_h, n_h = gh.chunk(3, dim=-1)
    r = (r_x + r_h).sigmoid()
    return {"r": r, "z": (z_x + z_h).sigmoid(), "n": (n_x + r * n_h).tanh()}


EQUATIONS: dict[str, Callable[[Tensor, Tensor], Values]] = {
    "rnn_tanh": _rnn(torch.tanh),
    "rnn_relu": _rnn(torch.relu),
    "lstm": _lstm,
    "gru": _gru,
}
WORDS = {
    "i": "input gate",
    "f": "forget gate",
    "g": "candidate",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate",
    "n": "candidate",
    "h": "state",
}
AROUND_ZERO = ("g", "n", "h")
"""What a tanh gives: saturated near -1, not near 0."""


def values(walk: Walk) -> Values:
    """The gates of every step, by letter, (T, B, H); none for a cell that is not known here."""
    equations = EQUATIONS.get(walk.cell.name)
    return {} if equations is None else equations(*walk.products())


def letters(walk: Walk) -> list[str]:
    """The gates that the state feeds, in the order of the rows of W_hh."""
    width = walk.weights.w_hh.shape[1]
    known = EQUATIONS.get(walk.cell.name)
    if known is None:
        return [f"gate {n + 1}" for n in range(walk.cell.state_gates)]
    nothing = walk.weights.w_hh.new_zeros(1, 1, walk.cell.state_gates * width)
    return list(known(nothing, nothing))


def saturation(walk: Walk) -> tuple[Gate, ...]:
    """How the gates are over the steps that exist."""
    found = []
    for name, value in values(walk).items():
        seen = value[walk.exists].double()
        low = -OPEN if name in AROUND_ZERO else SHUT
        shut = seen <= 0 if walk.cell.name == "rnn_relu" else seen < low
        low_share, high_share = shut.double().mean(), (seen > OPEN).double().mean()
        found.append(
            Gate(name, WORDS[name], float(seen.mean()), float(low_share), float(high_share))
        )
    return tuple(found)
