"""The specification: the loop over time in plain PyTorch, for any device and float dtype.

Every line is an ordinary differentiable operation, so autograd derives backpropagation through
time, double backward included. What another path computes is compared with this one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.cells import Cell, State
from recur.engine.problem import Problem, Weights, existing_steps

name = "reference"


def about() -> str:
    """What the path is."""
    return "a loop in plain PyTorch"


def declines(problem: Problem) -> str | None:
    """The reference does everything."""
    return None


def scan(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    *,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Tensor | None,
    reverse: bool,
    outputs: bool,
) -> tuple[Tensor | None, State]:
    """Walks `x` (T, B, I) from `state`; see `recur.engine.scan` for what the arguments mean.

    `starts` (T, B) marks the steps whose incoming state is zero.
    """
    mask = existing_steps(x, lengths, mask)
    if mask is not None:
        # Whatever lies in the padding, NaN too, must reach neither a result nor a gradient.
        x = torch.where(mask.unsqueeze(-1), x, 0)
    gx = F.linear(x, weights.w_ih, weights.b_ih)
    times = range(x.shape[0])
    walked: list[Tensor] = []
    for t in reversed(times) if reverse else times:
        before = state if starts is None else _choose_rows(starts[t], _zeros(state), state)
        after = _advance(cell, gx[t], before, weights)
        state = after if mask is None else _choose_rows(mask[t], after, state)
        if outputs:
            walked.append(state[0])
    if not outputs:
        return None, state
    if not walked:
        # No step, no numbers; but part of the graph, so that a loss on it can go backward.
        return gx[..., : state[0].shape[-1]], state
    return _collect(walked, mask, reverse), state


def step(cell: Cell, x: Tensor, state: State, weights: Weights) -> State:
    """Walks one step: `x` (B, I)."""
    return _advance(cell, F.linear(x, weights.w_ih, weights.b_ih), state, weights)


def _advance(cell: Cell, gx: Tensor, state: State, weights: Weights) -> State:
    gh = F.linear(state[0], weights.w_hh, weights.b_hh)
    h, *others = cell.pointwise(state, gx, gh)
    if weights.w_hr is not None:
        h = F.linear(h, weights.w_hr)
    return (h, *others)


def _choose_rows(rows: Tensor, chosen: State, otherwise: State) -> State:
    where = rows.unsqueeze(-1)
    return tuple(torch.where(where, a, b) for a, b in zip(chosen, otherwise, strict=True))


def _zeros(state: State) -> State:
    return tuple(s.new_zeros(()) for s in state)


def _collect(walked: list[Tensor], mask: Tensor | None, reverse: bool) -> Tensor:
    output = torch.stack(walked[::-1] if reverse else walked)
    return output if mask is None else torch.where(mask.unsqueeze(-1), output, 0)
