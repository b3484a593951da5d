"""The contract between a cell and the loop over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

State = tuple[Tensor, ...]


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
        state_gates: gates that the state feeds; the rows of W_hh over the hidden size.
        shared_gates: gates in which the two meet by addition, before anything else happens.
        states: the names of the states; the first is the one that W_hh multiplies and that is the
            output.
        pointwise: `(states, gx, gh) -> states`, each state (batch, hidden); differentiable.
    """

    name: str
    input_gates: int
    state_gates: int
    shared_gates: int
    states: tuple[str, ...]
    pointwise: Callable[[State, Tensor, Tensor], State]

    @property
    def gates(self) -> int:
        """Gates in all: the values per hidden unit that a backward pass needs."""
        return self.input_gates + self.state_gates - self.shared_gates
