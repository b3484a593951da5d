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
    unit_weights: tuple[str, ...] = ()
    needs_units: bool = False
    clips: bool = False
    normalises: bool = False
    feed: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    linear: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None

    @property
    def gates(self) -> int:
        """Gates in all: the values per hidden unit that a backward pass needs."""
        return self.input_gates + self.state_gates - self.shared_gates
