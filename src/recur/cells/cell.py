"""The contract between a cell and the loop over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

State = tuple[Tensor, ...]


class Extras(NamedTuple):
    """What a step may be given besides; the defaults change nothing.

    Attributes:
        units: the cell's `unit_weights`, each (hidden,); none where the layer has none.
        clip: the LSTM's c lies within -clip .. clip; 0 for anywhere.
        normalise: what c goes through where the output reads it; None for nothing.
        seen: takes the values of the gates, by their letters, each (batch, hidden).
    """

    units: tuple[Tensor, ...] = ()
    clip: float = 0.0
    normalise: Callable[[Tensor], Tensor] | None = None
    seen: dict[str, Tensor] | None = None

    def note(self, **gates: Tensor) -> None:
        """Keeps the values of gates, where somebody asked for them."""
        if self.seen is not None:
            self.seen.update(gates)


NONE = Extras()
POOLED = 'pooling="mean" or "attention"'


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: a pointwise function, and what a loop must know to feed it.

    In each step of time the loop computes two products and hands them to the cell::

        gx = x_t W_ih^T + b_ih        (batch, input_gates * hidden)
        gh = h_{t-1} W_hh^T + b_hh    (batch, state_gates * hidden)
        s_t = pointwise(s_{t-1}, gx, gh)

    Attributes:
        name: what messages call it.
        input_gates: gates that the input feeds; the rows of W_ih over the hidden size.
        state_gates: gates that the state feeds; the rows of W_hh over the hidden size. 0 for a cell
            in which no unit sees another's state.
        shared_gates: gates in which the two meet by addition, before anything else happens.
        states: the names of the states; the first is the one that W_hh multiplies and that is the
            output.
        pointwise: `(states, gx, gh, extras=NONE) -> states`, each state (batch, hidden);
            differentiable.
        gate_names: what `pointwise` notes in `extras.seen`, in the order of the compiled form.
        gate_words: what people call these gates, in the same order.
        centred: those of them that lie around 0, between -1 and 1; the others from 0 on.
        rectified: whether a value of 0 means that a unit is silent.
        keeps: the gate that keeps what is remembered, by its letter; empty for none.
        takes: the gate that takes in, where it is not the opposite of the one that keeps.
        starts: a layer's arguments that say where these gates start.
        plain: whether there is no gate that could learn to keep.
        unit_weights: numbers that each unit may have of its own, by name.
        needs_units: whether it always has them; else only where a layer asks for them.
        clips: whether `extras.clip` means something.
        normalises: whether `extras.normalise` does.
        feed: `(h, gx, gh) -> (batch, hidden)`: what the last of the state's gates multiplies in the
            place of h, from the gates before it; None for h itself.
        linear: `gx -> (a, b)` with h_t = a * h_{t-1} + b, for a cell whose gates do not look at the
            state: such a loop can be walked in parallel. None for others.
    """

    name: str
    input_gates: int
    state_gates: int
    shared_gates: int
    states: tuple[str, ...]
    pointwise: Callable[..., State]
    gate_names: tuple[str, ...] = ()
    gate_words: tuple[str, ...] = ()
    centred: tuple[str, ...] = ()
    rectified: bool = False
    keeps: str = ""
    takes: str = ""
    starts: tuple[str, ...] = ()
    plain: bool = False
    unit_weights: tuple[str, ...] = ()
    needs_units: bool = False
    clips: bool = False
    normalises: bool = False
    feed: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    linear: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None

    @property
    def advice(self) -> str:
        """What to do where gradients vanish on their way back."""
        if self.plain:
            return (
                'this network cannot learn dependencies longer than that; try cell="gru" or '
                f'"lstm", recurrent_init="orthogonal", or {POOLED}, which give every step a short '
                "way to the answer."
            )
        if not self.starts:
            return f"this network learns little of dependencies longer than that; try {POOLED}."
        # What a gated cell cannot learn as it stands it may learn later: its gates move.
        return (
            "as it stands, this network learns little of dependencies longer than that, unless "
            "training moves its gates; try to start them so that they hold "
            f"({', '.join(self.starts)}), or {POOLED}."
        )

    def word(self, gate: str) -> str:
        """What people call a gate, by its letter."""
        return self.gate_words[self.gate_names.index(gate)]

    @property
    def gates(self) -> int:
        """Gates in all: the values per hidden unit that a backward pass needs."""
        return self.input_gates + self.state_gates - self.shared_gates
