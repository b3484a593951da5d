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
Fed = Callable[..., tuple[Tensor, Tensor]]


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


def _lstm_coupled(state: State, gate: Gate, fed: Fed) -> State:
    forget, candidate, out_gate = gate(0).sigmoid(), gate(1).tanh(), gate(2).sigmoid()
    c = forget * state[1] + (1 - forget) * candidate
    return out_gate * c.tanh(), c


def _gru_before(state: State, gate: Gate, fed: Fed) -> State:
    reset, update = gate(0).sigmoid(), gate(1).sigmoid()
    from_input, from_state = fed(2, reset * state[0])
    return ((1 - update) * (from_input + from_state).tanh() + update * state[0],)


def _indrnn_tanh(state: State, gate: Gate, fed: Fed) -> State:
    from_input, own = fed(0)
    return ((from_input + own * state[0]).tanh(),)


def _indrnn_relu(state: State, gate: Gate, fed: Fed) -> State:
    from_input, own = fed(0)
    return ((from_input + own * state[0]).clamp(min=0),)


def _candidate(a: Tensor) -> Tensor:
    return torch.where(a < 0, a.sigmoid(), a + 0.5)


def _mingru(state: State, gate: Gate, fed: Fed) -> State:
    update, candidate = fed(0)[0].sigmoid(), _candidate(fed(1)[0])
    return ((1 - update) * state[0] + update * candidate,)


def _minlstm(state: State, gate: Gate, fed: Fed) -> State:
    forget, in_gate, candidate = fed(0)[0].sigmoid(), fed(1)[0].sigmoid(), _candidate(fed(2)[0])
    return ((forget * state[0] + in_gate * candidate) / (forget + in_gate),)


def _slstm(state: State, gate: Gate, fed: Fed) -> State:
    _, c, n, m = state
    in_gate, kept = gate(0), torch.nn.functional.logsigmoid(gate(1)) + m
    fresh = n == 0  # nothing to scale
    larger = torch.where(fresh | (in_gate >= kept), in_gate, kept)
    takes = (in_gate - larger).exp()
    keeps = torch.where(fresh, 0, (torch.where(fresh, larger, kept) - larger).exp())
    c, n = keeps * c + takes * gate(2).tanh(), keeps * n + takes
    return gate(3).sigmoid() * c / n, c, n, larger


# torch.nn's, and others.
PLAIN = {"rnn_tanh": _rnn_tanh, "rnn_relu": _rnn_relu, "lstm": _lstm, "gru": _gru}
OTHERS = {
    "lstm_coupled": _lstm_coupled,
    "gru_before": _gru_before,
    "indrnn_tanh": _indrnn_tanh,
    "indrnn_relu": _indrnn_relu,
    "mingru": _mingru,
    "minlstm": _minlstm,
    "slstm": _slstm,
}
CELLS = PLAIN | OTHERS
# Gates fed by the input; all are fed by the state too, but for these cells.
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3, "lstm_coupled": 3, "gru_before": 3}
GATES |= {"indrnn_tanh": 1, "indrnn_relu": 1, "mingru": 2, "minlstm": 3, "slstm": 4}
ALONE = ("indrnn_tanh", "indrnn_relu", "mingru", "minlstm")
WITH_UNITS = ("indrnn_tanh", "indrnn_relu")
STATES = {"lstm": "hc", "lstm_coupled": "hc", "slstm": "hcnm"}


def states(cell: str) -> list[str]:
    """The names of a cell's states."""
    return list(STATES.get(cell, "h"))


def one_step(
    cell: str,
    x: Tensor,
    state: State,
    weights: dict[str, Tensor],
    keep: Tensor | None = None,
) -> State:
    """One step of one row: x (I,), states (R,) and (H,), `keep` (gates, R)."""
    rows = GATES[cell]
    by_input = weights["w_ih"] @ x + weights.get("b_ih", 0)
    of_input = by_input.chunk(rows)

    def of_state(k: int, h: Tensor) -> Tensor:
        if cell in ALONE:
            return weights["units"][0] if cell in WITH_UNITS else torch.zeros_like(h)
        part = weights["w_hh"].chunk(rows)[k] @ (h if keep is None else h * keep[k])
        return part + weights["b_hh"].chunk(rows)[k] if "b_hh" in weights else part

    def fed(k: int, h: Tensor = state[0]) -> tuple[Tensor, Tensor]:
        return of_input[k], of_state(k, h)

    h, *others = CELLS[cell](state, lambda k: sum(fed(k)), fed)  # type: ignore[return-value]
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
    keep: Tensor | None = None,
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
        state = one_step(cell, x[t], state, weights, keep)
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
    keep: Tensor | None = None,
) -> tuple[Tensor, State]:
    """Walks a batch: x (T, B, I), flags (T, B); returns the outputs (T, B, R) and final states.

    `keep` (B, R), or for each gate (B, gates, R): what its product reads h times.
    """
    rows = [
        walk_row(
            cell,
            x[:, b],
            tuple(s[b] for s in state),
            weights,
            exists=exists[:, b].tolist(),
            reset=reset[:, b].tolist(),
            reverse=reverse,
            keep=None if keep is None else keep[b].expand(GATES[cell], -1),
        )
        for b in range(x.shape[1])
    ]
    if not rows:
        return x.new_zeros(x.shape[0], 0, state[0].shape[1]), state
    finals = tuple(torch.stack(parts) for parts in zip(*(final for _, final in rows), strict=True))
    return torch.stack([y for y, _ in rows], dim=1), finals
