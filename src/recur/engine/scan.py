"""The doors of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from recur.cells import Cell, State
from recur.engine.choose import choose
from recur.engine.options import NOTHING, Options
from recur.engine.problem import (
    Problem,
    Weights,
    check,
    check_options,
    check_step,
    existing_steps,
)


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
    checkpoint_every: int = 0,
    options: Options = NOTHING,
) -> tuple[Tensor | None, State]:
    """Walks one layer over a batch of sequences, in one direction.

    As `scan_layer`, but `state` is without the axis of directions: the first (B, R), others (B, H);
    and so are the final states.
    """
    y, final = scan_layer(
        cell,
        x,
        tuple(s.unsqueeze(0) for s in state),
        (weights,),
        lengths=lengths,
        mask=mask,
        reset=reset,
        reverse=reverse,
        outputs=outputs,
        checkpoint_every=checkpoint_every,
        options=options,
    )
    return y, tuple(s.squeeze(0) for s in final)


def scan_layer(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Sequence[Weights],
    *,
    lengths: Tensor | None = None,
    mask: Tensor | None = None,
    reset: Tensor | None = None,
    reverse: bool = False,
    outputs: bool = True,
    checkpoint_every: int = 0,
    options: Options = NOTHING,
) -> tuple[Tensor | None, State]:
    """Walks one layer over a batch of sequences, in one direction or in both (D = 1 or 2).

    A step that does not exist (past its row's length, or masked) carries the state through
    unchanged and gives a zero output; nothing that lies there, NaN included, reaches a result or a
    gradient.

    Args:
        cell: what a step computes.
        x: input (T, B, I).
        state: the initial states, the first (D, B, R), others (D, B, H); None for zeros.
        weights: see `Weights`; for both directions a pair, forwards first.
        lengths: (B,) int64, the steps that exist in each row: those before its length.
        mask: (T, B) bool, True where a step exists; with `lengths`, both must allow it.
        reset: (T, B) bool, True at the first step of a new sequence within a row: nothing is
            carried over the boundary before it, in either direction. A flag on a step that does
            not exist is ignored.
        reverse: one direction: walk from the last step to the first.
        outputs: whether the output of every step is wanted; the last is the final state.
        checkpoint_every: 0 to keep what backward needs of every step; k to keep the state of every
            k-th step only, and to walk the steps between once more in backward. (T. Chen et al.,
            "Training deep nets with sublinear memory cost", arXiv:1604.06174.)
        options: dropout and zoneout of states, clipping, a record.

    Returns:
        The outputs (T, B, D * R) in the order of time, or None; and the final states, as `state`.

    Raises:
        RuntimeError: shapes, types or devices that do not fit together.
    """
    for d, each in enumerate(weights):
        check(cell, x, state, d, each, lengths=lengths, mask=mask, reset=reset)
    if options is not NOTHING:
        check_options(cell, options, weights, x.shape[1], x.device)
    directions = (False, True) if len(weights) == 2 else (reverse,)
    starts: Sequence[Tensor | None] = (None,) * len(directions)
    if reset is not None:
        exists = existing_steps(x, lengths, mask)
        starts = [_starts(reset, exists, backwards) for backwards in directions]
    path = choose(Problem.of(cell, weights[0], x, state or (), options, checkpoint_every)).path
    return path.scan(
        cell,
        x,
        state,
        weights,
        lengths=lengths,
        mask=mask,
        starts=starts,
        reverse=directions,
        outputs=outputs,
        every=checkpoint_every,
        options=options,
    )


def step(
    cell: Cell, x: Tensor, state: State, weights: Weights, options: Options = NOTHING
) -> State:
    """Walks one step of time: `x` (B, I); returns the new states, the first is the output.

    Raises:
        RuntimeError: shapes, types or devices that do not fit together.
    """
    check_step(cell, x, state, weights)
    if options is not NOTHING:
        check_options(cell, options, (weights,), len(x), x.device)
    problem = Problem.of(cell, weights, x, state, options)
    return choose(problem).path.step(cell, x, state, weights, options)


def stepper(
    cell: Cell,
    layers: Sequence[Weights],
    state: State,
    x: Tensor,
    options: Options = NOTHING,
) -> Callable[[Tensor], None]:
    """What takes one step of time after another, for inference; the path is chosen once.

    Args:
        cell: what a step computes.
        layers: the weights of each layer, lowest first; changes in place are seen.
        state: the first (L, B, R), others (L, B, H), dense; every call overwrites it.
        x: an example of the input (B, I), dense.
        options: clipping, and zoneout by expectation.

    Returns:
        A function of such an input that takes a step. It checks nothing, and on the compiled path
        it allocates nothing once it has been called, but for steps that torch.nn's layers have not.
    """
    below = x
    for index, weights in enumerate(layers):
        here = tuple(s[index].unsqueeze(0) for s in state)
        check(cell, below.unsqueeze(0), here, 0, weights, lengths=None, mask=None, reset=None)
        below = here[0][0]
    if options is not NOTHING:
        check_options(cell, options, layers[:1], len(x), x.device)
    problem = Problem.of(cell, layers[0], x, state, options)
    return choose(problem).path.stepper(cell, layers, state, x, options)


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
