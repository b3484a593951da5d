"""The specification: the loop over time in plain PyTorch, for any device and float dtype.

Every line is an ordinary differentiable operation, so autograd derives backpropagation through
time, double backward included. What another path computes is compared with this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from recur.cells import Cell, Extras, State
from recur.engine.chance import kept_units
from recur.engine.options import NOTHING, Options
from recur.engine.problem import Problem, Weights, existing_steps
from recur.messages import InputError

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
    options: Options,
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
    ys, finals, records = [], [], []
    for d, each in enumerate(weights):
        record: dict[str, Tensor] | None = None if options.record is None else {}
        walk = Walk(cell, x, each, mask, starts[d], reverse[d], outputs, every, options, d, record)
        y, final = walk.run(tuple(s[d] for s in state))
        ys.append(y)
        finals.append(final)
        records.append(record)
    if options.record is not None:
        for name in records[0] or ():
            options.record[name] = torch.cat([r[name] for r in records if r is not None], dim=-1)
    return (
        torch.cat([y for y in ys if y is not None], dim=-1) if outputs else None,
        tuple(torch.stack(states) for states in zip(*finals, strict=True)),
    )


def step(
    cell: Cell, x: Tensor, state: State, weights: Weights, options: Options = NOTHING
) -> State:
    """Walks one step: `x` (B, I)."""
    one = Walk(cell, x.unsqueeze(0), weights, None, None, False, False, 0, options, 0, None)
    return one.run(state)[1]


def stepper(
    cell: Cell, layers: Sequence[Weights], state: State, x: Tensor, options: Options
) -> Callable[[Tensor], None]:
    """A stack of layers that takes a step in place; see `recur.engine.stepper`."""
    return in_place(lambda x, s, w: step(cell, x, s, w, options), layers, state)


def in_place(
    step: Callable[[Tensor, State, Weights], State], layers: Sequence[Weights], state: State
) -> Callable[[Tensor], None]:
    """What takes a step of every layer by `step`, and puts the new states over the old ones."""

    @torch.no_grad()
    def take(x: Tensor) -> None:
        x = x.reshape(state[0].shape[1], -1)
        for index, weights in enumerate(layers):
            after = step(x, tuple(s[index] for s in state), weights)
            for kept, new in zip(state, after, strict=True):
                kept[index] = new
            x = state[0][index]

    return take


def _first(cell: Cell, x: Tensor, weights: Sequence[Weights]) -> State:
    width = weights[0].w_hh.shape[-1]
    w_hr = weights[0].w_hr
    sizes = [width] + [width if w_hr is None else w_hr.shape[-1]] * (len(cell.states) - 1)
    return tuple(x.new_zeros(len(weights), x.shape[1], size) for size in sizes)


class Walk(NamedTuple):
    """One direction over one batch."""

    cell: Cell
    x: Tensor  # (T, B, I)
    weights: Weights
    mask: Tensor | None  # (T, B), True where a step exists
    starts: Tensor | None  # (T, B), True where the incoming state is zero
    reverse: bool
    outputs: bool
    every: int
    options: Options
    direction: int  # of those that the options have one of each for
    record: dict[str, Tensor] | None

    def run(self, state: State) -> tuple[Tensor | None, State]:
        """Walks from `state`; the outputs are in the order of time."""
        time, outputs = self.x.shape[0], self.outputs
        if not time:
            return self._without_a_step(state)
        if self.cell.linear is not None and self.options is NOTHING and not self.every:
            return self._in_parallel(state)
        span = self.every or max(time, 1)
        pieces: list[Tensor] = []
        seen: list[dict[str, Tensor]] = []
        starts = range(0, time, span)
        for low in reversed(starts) if self.reverse else starts:
            steps = range(low, min(low + span, time))
            order = steps[::-1] if self.reverse else steps

            def piece(state: State, order: range = order) -> tuple[Tensor | None, State]:
                return self._steps(state, order, seen)

            if self._checkpoints():
                walked, state = checkpoint(piece, state, use_reentrant=False)
            else:
                walked, state = piece(state)
            if walked is not None:
                pieces.append(walked)
        self._keep(seen)
        if not outputs:
            return None, state
        return torch.cat(pieces[::-1] if self.reverse else pieces), state

    def _without_a_step(self, state: State) -> tuple[Tensor | None, State]:
        """No step, no numbers; but part of the graph, so that a loss on it can go backward."""
        self._keep([])
        nothing = self.x.sum()
        for weight in self.weights:
            if weight is not None:
                nothing = nothing + weight[:0].sum()
        y = self.x.new_zeros(0, *state[0].shape) + nothing if self.outputs else None
        return y, tuple(s + nothing for s in state)

    def _checkpoints(self) -> bool:
        # Torch's checkpoints cannot be had within a function transform, which keeps all then.
        transformed = torch._C._are_functorch_transforms_active()
        return bool(self.every) and torch.is_grad_enabled() and not transformed

    def _steps(
        self, state: State, order: range, seen: list[dict[str, Tensor]]
    ) -> tuple[Tensor | None, State]:
        """Walks the steps in `order`; the outputs are in the order of time."""
        first = min(order)
        gx = self._by_input(self.x[first : max(order) + 1])
        walked: list[Tensor] = []
        for t in order:
            starts = self.starts
            before = state if starts is None else _choose_rows(starts[t], _zeros(state), state)
            after = self._advance(t, gx[t - first], before, seen)
            state = after if self.mask is None else _choose_rows(self.mask[t], after, state)
            if self.outputs:
                walked.append(state[0])
        if not self.outputs:
            return None, state
        y = torch.stack(walked if order.step > 0 else walked[::-1])
        if self.mask is not None:
            y = torch.where(self.mask[first : max(order) + 1].unsqueeze(-1), y, 0)
        return y, state

    def _by_input(self, x: Tensor) -> Tensor:
        weights = self.weights
        return _product(x, weights.w_ih, weights.b_ih, weights.norm_x)

    def _advance(self, t: int, gx: Tensor, state: State, seen: list[dict[str, Tensor]]) -> State:
        """The states after the step at time `t`."""
        cell, weights, options = self.cell, self.weights, self.options
        gx = self._clipped(gx)
        noted: dict[str, Tensor] | None = None if self.record is None else {}
        units = () if weights.units is None else tuple(weights.units)
        normalise = None if weights.norm_c is None else self._normalise
        extras = Extras(units, options.clip_state, normalise, noted)
        gates = self._by_state(gx, state[0])
        h, *others = cell.pointwise(state, gx, gates, extras)
        if weights.w_hr is not None:
            h = F.linear(h, weights.w_hr)
        after = tuple(
            self._zoneout(t, n, old, new)
            for n, (old, new) in enumerate(zip(state, (h, *others), strict=True))
        )
        if noted is not None:
            noted.update(zip(cell.states[1:], after[1:], strict=True))
            seen.append({k: v.detach() for k, v in noted.items()})
        return after

    def _by_state(self, gx: Tensor, h: Tensor) -> Tensor:
        weights, keep = self.weights, self.options.keep
        read = h if keep is None else _masked(h, keep[self.direction])
        linear = F.linear if read.dim() == h.dim() else _by_gate
        feed, w, b = self.cell.feed, weights.w_hh, weights.b_hh
        if feed is None:
            return self._clipped(_product(read, w, b, weights.norm_h, linear))
        own = w.shape[0] - w.shape[1]
        before, last = (read, read) if linear is F.linear else (read[:, :-1], read[:, -1])
        gates = self._clipped(linear(before, w[:own], None if b is None else b[:own]))
        fed = F.linear(feed(last, gx, gates), w[own:], None if b is None else b[own:])
        return torch.cat([gates, self._clipped(fed)], dim=-1)

    def _normalise(self, c: Tensor) -> Tensor:
        return F.layer_norm(c, c.shape[-1:], self.weights.norm_c, self.weights.norm_c_bias)

    def _clipped(self, gates: Tensor) -> Tensor:
        most = self.options.clip_gradient
        return clip_gradient(gates, most) if most else gates

    def _zoneout(self, t: int, state: int, old: Tensor, new: Tensor) -> Tensor:
        share = self.options.zoneout[state] if self.options.zoneout else 0.0
        if not share:
            return new
        if self.options.seed is None:
            return share * old + (1 - share) * new
        seed = self.options.seed[self.direction]
        kept = kept_units(seed, t, state, share, *new.shape)
        return torch.where(kept, old, new)

    def _keep(self, seen: list[dict[str, Tensor]]) -> None:
        """What was noted at every step, in the order of time."""
        if self.record is None:
            return
        names = (*self.cell.gate_names, *self.cell.states[1:])
        for name in names:
            steps = [noted[name] for noted in seen[:: -1 if self.reverse else 1]]
            empty = self.x.new_zeros(0, self.x.shape[1], self.weights.hidden)
            inside = torch.stack(steps) if steps else empty
            if self.mask is not None:
                inside = torch.where(self.mask.unsqueeze(-1), inside, 0)
            self.record[name] = inside

    def _in_parallel(self, state: State) -> tuple[Tensor | None, State]:
        """h_t = a_t h_{t-1} + b_t in log2(T) rounds: each doubles how far a step has looked.

        (W. D. Hillis, G. L. Steele Jr., "Data parallel algorithms", CACM 29(12), 1986.)
        """
        assert self.cell.linear is not None
        a, b = self.cell.linear(self._by_input(self.x))
        starts = self.starts
        if starts is not None:
            a = torch.where(starts.unsqueeze(-1), 0, a)
        if self.mask is not None:
            there = self.mask.unsqueeze(-1)
            a, b = torch.where(there, a, 1), torch.where(there, b, 0)
        if self.reverse:
            a, b = a.flip(0), b.flip(0)
            starts = None if starts is None else starts.flip(0)
        before = state[0]
        if starts is not None:
            # 0 times a state that is not finite is not 0.
            before = torch.where(starts.cumsum(0).bool().unsqueeze(-1), 0, before)
        far = 1
        while far < len(a):
            b = torch.cat([b[:far], b[far:] + a[far:] * b[:-far]])
            a = torch.cat([a[:far], a[far:] * a[:-far]])
            far *= 2
        h = b + a * before if len(a) else b
        final = h[-1] if len(a) else state[0]
        if not self.outputs:
            return None, (final,)
        y = h.flip(0) if self.reverse else h
        return (y if self.mask is None else torch.where(there, y, 0)), (final,)


def _product(
    x: Tensor,
    w: Tensor,
    b: Tensor | None,
    norm: Tensor | None,
    linear: Callable[[Tensor, Tensor, Tensor | None], Tensor] = F.linear,
) -> Tensor:
    """X W^T + b, or with the product normalised and scaled before b is added."""
    if norm is None:
        return linear(x, w, b)
    return F.layer_norm(linear(x, w, None), w.shape[:1], norm, b)


def _masked(h: Tensor, keep: Tensor) -> Tensor:
    """What W_hh reads of h (B, R): as much, or (B, G, R) by the masks of each gate."""
    return h * keep if keep.dim() == h.dim() else h.unsqueeze(-2) * keep


def _by_gate(h: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """As `F.linear`, where each gate's rows of `w` have an `h` of their own: h (B, G, R)."""
    products = torch.einsum("bgr,ghr->bgh", h, w.reshape(h.shape[1], -1, w.shape[1])).flatten(1)
    return products if b is None else products + b


def _choose_rows(rows: Tensor, chosen: State, otherwise: State) -> State:
    where = rows.unsqueeze(-1)
    return tuple(torch.where(where, a, b) for a, b in zip(chosen, otherwise, strict=True))


def _zeros(state: State) -> State:
    return tuple(s.new_zeros(()) for s in state)


class _ClipGradient(torch.autograd.Function):
    """What it is given; its gradient clamped."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, most: float) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.most = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Clamp.apply(gradient, ctx.most), None  # type: ignore[no-untyped-call]


class _Clamp(torch.autograd.Function):
    """A clamp that is not differentiated.

    Its derivative is known, but the way back from there leads through `_ClipGradient` once more,
    which would clamp what is no gradient of the loss.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(gradient: Tensor, most: float) -> Tensor:
        return gradient.clamp(-most, most)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> NoReturn:
        raise InputError(
            "A gradient that clip_gradient has clipped cannot be differentiated again. Make the "
            "layer with clip_gradient=0, or limit the whole gradient (recur.fit's clip_norm)."
        )


def clip_gradient(x: Tensor, most: float) -> Tensor:
    """`x`, whose gradient lies within -most .. most."""
    return _ClipGradient.apply(x, most)  # type: ignore[no-any-return,no-untyped-call]
