"""The two doors of the engine."""

from __future__ import annotations

import torch
from torch import Tensor

from recur.cells import Cell, State
from recur.engine.choose import choose
from recur.engine.problem import Problem, Weights, check, existing_steps


def scan(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    *,
    lengths: Tensor | None = None,
    mask: Tensor | None = None,
    reset: Tensor | None = None,
    reverse: bool = False,
    outputs: bool = True,
) -> tuple[Tensor | None, State]:
    """Walks one layer over a batch of sequences, in one direction.

    A step that does not exist (past its row's length, or masked) carries the state through
    unchanged and gives a zero output; nothing that lies there, NaN included, reaches a result or a
    gradient.

    Args:
        cell: what a step computes.
        x: input (T, B, I).
        state: the initial states, the first (B, R), others (B, H).
        weights: see `Weights`.
        lengths: (B,) int64, the steps that exist in each row: those before its length.
        mask: (T, B) bool, True where a step exists; with `lengths`, both must allow it.
        reset: (T, B) bool, True at the first step of a new sequence within a row: nothing is
            carried over the boundary before it, in either direction. A flag on a step that does
            not exist is ignored.
        reverse: walk from the last step to the first.
        outputs: whether the output of every step is wanted; the last is the final state.

    Returns:
        The outputs (T, B, R) in the order of time, or None; and the final states.

    Raises:
        RuntimeError: shapes, types or devices that do not fit together.
    """
    check(cell, x, state, weights, lengths=lengths, mask=mask, reset=reset)
    starts = None
    if reset is not None:
        starts = _starts(reset, existing_steps(x, lengths, mask), reverse)
    path = choose(Problem.of(cell, weights, x, state)).path
    return path.scan(
        cell,
        x,
        state,
        weights,
        lengths=lengths,
        mask=mask,
        starts=starts,
        reverse=reverse,
        outputs=outputs,
    )


def step(cell: Cell, x: Tensor, state: State, weights: Weights) -> State:
    """Walks one step of time: `x` (B, I); returns the new states, the first is the output."""
    return choose(Problem.of(cell, weights, x, state)).path.step(cell, x, state, weights)


def _starts(reset: Tensor, mask: Tensor | None, reverse: bool) -> Tensor:
    """The steps whose incoming state is zero, (T, B) bool, for the direction of the walk.

    Forwards that is the flagged step itself. Backwards it is the step that the walk takes after
    the flagged one: the existing step before it in time.
    """
    flagged = reset if mask is None else reset & mask
    time, batch = flagged.shape
    if not reverse or not time:
        return flagged
    exists = torch.ones_like(flagged) if mask is None else mask
    # `after[t]`: the first existing step later than t, or `time` where there is none.
    steps = torch.arange(time, device=reset.device).unsqueeze(1).expand(time, batch)
    here_or_after = torch.where(exists, steps, time).flip(0).cummin(0).values.flip(0)
    beyond = torch.full((1, batch), time, device=reset.device)
    after = torch.cat([here_or_after, beyond])[1:]
    none = torch.zeros(1, batch, dtype=torch.bool, device=reset.device)
    return torch.cat([flagged, none]).gather(0, after) & exists
