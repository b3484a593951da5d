"""The specification: the loop over time in plain PyTorch, for any device and float dtype.

Every line is an ordinary differentiable operation, so autograd derives backpropagation through
time, double backward included. What another path computes is compared with this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

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
    state: State | None,
    weights: Sequence[Weights],
    *,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Sequence[Tensor | None],
    reverse: Sequence[bool],
    outputs: bool,
    every: int,
) -> tuple[Tensor | None, State]:
    """Walks `x` (T, B, I) from `state`; see `recur.engine.scan_layer` for the arguments.

    `starts` (T, B), for each direction, marks the steps whose incoming state is zero.
    """
    mask = existing_steps(x, lengths, mask)
    if mask is not None:
        # Whatever lies in the padding, NaN too, must reach neither a result nor a gradient.
        x = torch.where(mask.unsqueeze(-1), x, 0)
    if state is None:
        state = _first(cell, x, weights)
    walked = [
        _direction(
            cell,
            x,
            tuple(s[d] for s in state),
            weights[d],
            mask,
            starts[d],
            reverse[d],
            outputs,
            every,
        )
        for d in range(len(weights))
    ]
    finals = tuple(torch.stack(states) for states in zip(*(s for _, s in walked), strict=True))
    ys = [y for y, _ in walked if y is not None]
    return (torch.cat(ys, dim=-1) if ys else None), finals


def step(cell: Cell, x: Tensor, state: State, weights: Weights) -> State:
    """Walks one step: `x` (B, I)."""
    return _advance(cell, F.linear(x, weights.w_ih, weights.b_ih), state, weights)


def stepper(
    cell: Cell, layers: Sequence[Weights], state: State, x: Tensor
) -> Callable[[Tensor], None]:
    """A stack of layers that takes a step in place; see `recur.engine.stepper`."""

    @torch.no_grad()
    def take(x: Tensor) -> None:
        for index, weights in enumerate(layers):
            after = step(cell, x, tuple(s[index] for s in state), weights)
            for kept, new in zip(state, after, strict=True):
                kept[index] = new
            x = state[0][index]

    return take


def _first(cell: Cell, x: Tensor, weights: Sequence[Weights]) -> State:
    width = weights[0].w_hh.shape[-1]
    w_hr = weights[0].w_hr
    sizes = [width] + [width if w_hr is None else w_hr.shape[-1]] * (len(cell.states) - 1)
    return tuple(x.new_zeros(len(weights), x.shape[1], size) for size in sizes)


def _direction(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    mask: Tensor | None,
    starts: Tensor | None,
    reverse: bool,
    outputs: bool,
    every: int,
) -> tuple[Tensor | None, State]:
    time = x.shape[0]
    if not time and outputs:
        # No step, no numbers; but part of the graph, so that a loss on it can go backward.
        return F.linear(x, weights.w_ih, weights.b_ih)[..., : state[0].shape[-1]], state
    span = every or max(time, 1)
    pieces: list[Tensor] = []
    for low in reversed(range(0, time, span)) if reverse else range(0, time, span):
        steps = range(low, min(low + span, time))
        order = steps[::-1] if reverse else steps

        def piece(state: State, order: range = order) -> tuple[Tensor | None, State]:
            return _steps(cell, x, state, weights, mask, starts, order, outputs)

        if every and torch.is_grad_enabled():
            y, state = checkpoint(piece, state, use_reentrant=False)
        else:
            y, state = piece(state)
        if y is not None:
            pieces.append(y)
    if not outputs:
        return None, state
    return torch.cat(pieces[::-1] if reverse else pieces), state


def _steps(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    mask: Tensor | None,
    starts: Tensor | None,
    order: range,
    outputs: bool,
) -> tuple[Tensor | None, State]:
    """Walks the steps in `order`; the outputs are in the order of time."""
    first = min(order)
    gx = F.linear(x[first : max(order) + 1], weights.w_ih, weights.b_ih)
    walked: list[Tensor] = []
    for t in order:
        before = state if starts is None else _choose_rows(starts[t], _zeros(state), state)
        after = _advance(cell, gx[t - first], before, weights)
        state = after if mask is None else _choose_rows(mask[t], after, state)
        if outputs:
            walked.append(state[0])
    if not outputs:
        return None, state
    y = torch.stack(walked if order.step > 0 else walked[::-1])
    if mask is not None:
        y = torch.where(mask[first : max(order) + 1].unsqueeze(-1), y, 0)
    return y, state


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
