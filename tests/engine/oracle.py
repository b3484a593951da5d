"""An independent walk to compare with: float64, a row at a time, a gate at a time.

Only the steps that exist are ever touched, and autograd differentiates what was done. Nothing here
imports recur: the equations are written again, from the papers that the cells name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

State = tuple[Tensor, ...]
# `gate(k)` is what input and state feed to gate k, summed; `fed(k)` is the two parts of it.
Gate = Callable[[int], Tensor]
Fed = Callable[[int], tuple[Tensor, Tensor]]


def _rnn_tanh(state: State, gate: Gate, fed: Fed) -> State:
    return (torch.tanh(gate(0)),)


def _rnn_relu(state: State, gate: Gate, fed: Fed) -> State:
    return (gate(0).clamp(min=0),)


def _lstm(state: State, gate: Gate, fed: Fed) -> State:
    in_gate, forget, candidate, out_gate = gate(0), gate(1), gate(2), gate(3)
    c = forget.sigmoid() * state[1] + in_gate.sigmoid() * candidate.tanh()
    return out_gate.sigmoid() * c.tanh(), c


def _gru(state: State, gate: Gate, fed: Fed) -> State:
    reset, update = gate(0).sigmoid(), gate(1).sigmoid()
    from_input, from_state = fed(2)
    candidate = (from_input + reset * from_state).tanh()
    return ((1 - update) * candidate + update * state[0],)


CELLS = {"rnn_tanh": _rnn_tanh, "rnn_relu": _rnn_relu, "lstm": _lstm, "gru": _gru}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}
STATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 2, "gru": 1}


def one_step(cell: str, x: Tensor, state: State, weights: dict[str, Tensor]) -> State:
    """One step of one row: x (I,), states (R,) and (H,)."""
    by_input, by_state = weights["w_ih"] @ x, weights["w_hh"] @ state[0]
    if "b_ih" in weights:
        by_input, by_state = by_input + weights["b_ih"], by_state + weights["b_hh"]
    of_input, of_state = by_input.chunk(GATES[cell]), by_state.chunk(GATES[cell])

    h, *others = CELLS[cell](
        state, lambda k: of_input[k] + of_state[k], lambda k: (of_input[k], of_state[k])
    )
    if "w_hr" in weights:
        h = weights["w_hr"] @ h
    return (h, *others)


def walk_row(
    cell: str,
    x: Tensor,
    state: State,
    weights: dict[str, Tensor],
    *,
    exists: Sequence[bool],
    reset: Sequence[bool],
    reverse: bool,
) -> tuple[Tensor, State]:
    """Walks one row: x (T, I); returns the outputs (T, R), zero where no step exists."""
    times = [t for t in range(len(exists)) if exists[t]]
    outputs = [torch.zeros_like(state[0])] * len(exists)
    nothing = tuple(torch.zeros_like(s) for s in state)
    came_from = None
    for t in reversed(times) if reverse else times:
        # A flag lies on the boundary before its step, whichever way that is crossed.
        if reset[t] if not reverse else came_from is not None and reset[came_from]:
            state = nothing
        state = one_step(cell, x[t], state, weights)
        outputs[t] = state[0]
        came_from = t
    return torch.stack(outputs) if outputs else state[0].new_zeros(0, len(state[0])), state


def walk(
    cell: str,
    x: Tensor,
    state: State,
    weights: dict[str, Tensor],
    *,
    exists: Tensor,
    reset: Tensor,
    reverse: bool = False,
) -> tuple[Tensor, State]:
    """Walks a batch: x (T, B, I), flags (T, B); returns the outputs (T, B, R) and final states."""
    rows = [
        walk_row(
            cell,
            x[:, b],
            tuple(s[b] for s in state),
            weights,
            exists=exists[:, b].tolist(),
            reset=reset[:, b].tolist(),
            reverse=reverse,
        )
        for b in range(x.shape[1])
    ]
    if not rows:
        return x.new_zeros(x.shape[0], 0, state[0].shape[1]), state
    finals = tuple(torch.stack(parts) for parts in zip(*(final for _, final in rows), strict=True))
    return torch.stack([y for y, _ in rows], dim=1), finals
