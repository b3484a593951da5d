"""The gates of a cell: their values at every step, and how many of them are shut or open for good.

A gate that is always near 0 or 1 lets no gradient through its own weights, and the fraction of the
time that gates spend there tells what a network does with its memory (A. Karpathy, J. Johnson,
L. Fei-Fei, "Visualizing and understanding recurrent networks", arXiv:1506.02078, figure 4, whose
limits of 0.1 and 0.9 are taken here).
"""

from __future__ import annotations

from dataclasses import dataclass

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


def letters(walk: Walk) -> list[str]:
    """The gates that the state feeds, in the order of the rows of W_hh."""
    return list(walk.cell.gate_names) if walk.cell.state_gates else []


def saturation(walk: Walk) -> tuple[Gate, ...]:
    """How the gates are over the steps that exist."""
    found = []
    for letter, value in walk.gates().items():
        seen, name = value[walk.exists].double(), walk.cell.word(letter)
        low = -OPEN if letter in walk.cell.centred else SHUT
        shut = seen <= 0 if walk.cell.rectified else seen < low
        low_share, high_share = shut.double().mean(), (seen > OPEN).double().mean()
        found.append(Gate(letter, name, float(seen.mean()), float(low_share), float(high_share)))
    return tuple(found)
