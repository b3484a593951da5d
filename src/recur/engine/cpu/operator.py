"""The compiled walk as operators of torch: `recur::scan` and `recur::scan_backward`.

One call walks one layer, in one direction or both. The operators have fake and autograd
implementations, so that `torch.compile` and `torch.export` see one operator and no graph break.
Where nobody is tracing, the same functions are called without torch's dispatcher in between, which
would cost a small layer more than its arithmetic. A second derivative goes through the reference.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recur.cells import CELLS as ALL_CELLS
from recur.cells import Cell, State
from recur.engine import reference
from recur.engine.cpu import library, threads
from recur.engine.cpu.again import at_their_places, differentiated
from recur.engine.cpu.arrays import (
    all_dense,
    all_plain,
    dense,
    dense_rows,
    like_layout,
    part,
    pointer,
    strided,
)
from recur.engine.cpu.onlookers import batched, watched
from recur.engine.options import NOTHING
from recur.engine.problem import Weights

# As in scan.h.
CELLS = {"rnn_tanh": 0, "rnn_relu": 1, "lstm": 2, "gru": 3}
DTYPES = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2, torch.float16: 3}

# What a walk is given, in this order everywhere: how to walk, then tensors (None where there is
# none). State (D, B, size) and the weights of one direction or of both (D).
_HOW = "str cell, int directions, int every, bool outputs, bool learning"
_WEIGHTS = ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
_NAMES = (
    *("x", "h0", "c0", "lengths", "mask", "starts", "starts_reverse"),
    *_WEIGHTS,
    *(f"{name}_reverse" for name in _WEIGHTS),
)
_ALWAYS = ("x", "w_ih", "w_hh")
_TENSORS = ", ".join(f"Tensor{'' if name in _ALWAYS else '?'} {name}" for name in _NAMES)
_FIRST_WEIGHT = _NAMES.index("w_ih")
_LEARNT = (1, 2, *range(_FIRST_WEIGHT, len(_NAMES)))  # the states and the weights
FORWARD, REVERSE, BOTH = range(3)

_REVERSE = ((False,), (True,), (False, True))
_NOTHING: tuple[None, ...] = (None,) * len(_WEIGHTS)


class _How(NamedTuple):
    cell: str
    directions: int  # FORWARD, REVERSE or BOTH
    every: int  # 0, or: keep the states of every k-th step only
    outputs: bool
    learning: bool

    @property
    def reverse(self) -> tuple[bool, ...]:
        """Of each direction, whether it walks from the end."""
        return _REVERSE[self.directions]


def walk(
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
    """Walks one layer; the outputs are empty or None unless they are wanted or needed."""
    both = len(weights) == 2
    tensors = (
        x,
        None if state is None else state[0],
        None if state is None or len(state) < 2 else state[1],
        lengths,
        mask,
        starts[0],
        starts[1] if both else None,
        *weights[0][:5],
        *(weights[1][:5] if both else _NOTHING),
    )
    # torch.jit.trace runs a function again without gradients, and compares.
    learning = torch.is_grad_enabled() or torch._C._get_tracing_state() is not None
    learning = learning and any(t.requires_grad for t in tensors if t is not None)
    how = _How(cell.name, BOTH if both else int(reverse[0]), every, outputs, learning)
    if watched() or not all_plain(tensors):
        y, hn, cn, _ = torch.ops.recur.scan(*how, *tensors)
    elif learning:
        # Without those that there are not: torch looks at each argument.
        given = [t for t in tensors if t is not None]
        y, hn, cn, _ = _Walk.apply(how, tensors, *given)  # type: ignore[no-untyped-call]
    else:
        y, hn, cn, _ = _forward(how, tensors)
    return y, (hn, cn) if len(cell.states) > 1 else (hn,)


Results = tuple[Tensor | None, Tensor, Tensor | None, Tensor | None]


def _forward(how: _How, tensors: Sequence[Tensor | None]) -> Results:
    """The outputs, the final states (D, B, size) and what backward needs; None where not wanted."""
    tensors = all_dense(tensors)
    y, hn, cn, saved = results = _empty_results(how, tensors)
    count = len(how.reverse)
    walks = b""
    for d in range(count):
        kept = part(hn, d, count), part(cn, d, count), part(saved, d, count)
        walks += _structure(how, tensors, d, *strided(y, d, count), *kept, *_NO_GRADIENTS)
    loaded = library.library()
    assert loaded is not None
    loaded.forward(walks, count)
    return results


def _backward(
    how: _How,
    tensors: Sequence[Tensor | None],
    y: Tensor | None,
    saved: Tensor | None,
    dy: Tensor | None,
    dhn: Tensor | None,
    dcn: Tensor | None,
    needed: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients of the tensors, None where there is none."""
    tensors = all_dense(tensors)
    dy, dhn, dcn = dense_rows(dy), dense(dhn), dense(dcn)
    gradients = _empty_gradients(tensors, needed)
    dx, dh0, dc0 = gradients[:3]
    count = len(how.reverse)
    walks = b""
    for d in range(count):
        walks += _structure(
            how,
            tensors,
            d,
            *strided(y, d, count),
            *(0, 0, part(saved, d, count)),
            *strided(dy, d, count),
            part(dhn, d, count),
            part(dcn, d, count),
            *strided(dx, 0, 1),
            part(dh0, d, count),
            part(dc0, d, count),
            *map(pointer, gradients[_FIRST_WEIGHT + 5 * d : _FIRST_WEIGHT + 5 * d + 5]),
        )
    loaded = library.library()
    assert loaded is not None
    loaded.backward(walks, count)
    return gradients


_PACK = struct.Struct("=4i40q").pack
_NO_GRADIENTS = (0,) * 15


def _structure(how: _How, tensors: Sequence[Any], d: int, *results: int) -> bytes:
    """The `recur_scan` of direction `d`: the fields of scan.h in their order, from `y` on given."""
    x, h0, c0, lengths, mask = tensors[:5]
    first = _FIRST_WEIGHT + 5 * d
    w_ih, w_hh, b_ih, b_hh, w_hr = tensors[first : first + 5]
    outputs, count = w_hh.shape[1], len(how.reverse)
    return _PACK(
        CELLS[how.cell],
        DTYPES[x.dtype],
        how.reverse[d],
        threads.count(),
        *x.shape,
        outputs if w_hr is None else w_hr.shape[1],
        0 if w_hr is None else outputs,
        how.every,
        pointer(lengths),
        pointer(mask),
        pointer(tensors[5 + d]),
        x.data_ptr(),
        x.stride(0),
        x.stride(1),
        part(h0, d, count),
        part(c0, d, count),
        w_ih.data_ptr(),
        w_hh.data_ptr(),
        pointer(b_ih),
        pointer(b_hh),
        pointer(w_hr),
        *results,
    )


# Of the field `x` in the structure, in bytes.
X_OFFSET = 4 * 4 + 9 * 8


def one_step(
    cell: Cell, x: Tensor, state: State, weights: Weights
) -> tuple[bytes, list[Tensor | None]]:
    """The structure of a step from `state`, each (B, size), back into it; and what it points to."""
    how = _How(cell.name, FORWARD, 0, outputs=False, learning=False)
    h, c = state if len(state) > 1 else (state[0], None)
    tensors = [dense(t) for t in (x.unsqueeze(0), h, c, *[None] * 4, *weights[:5])]
    finals = (0, 0, 0, pointer(h), pointer(c), 0)
    return _structure(how, tensors, 0, *finals, *_NO_GRADIENTS), tensors


def _empty_results(how: _How, tensors: Sequence[Any]) -> Results:
    x, w_hh, w_hr = tensors[0], tensors[_FIRST_WEIGHT + 1], tensors[_FIRST_WEIGHT + 4]
    time, batch, _ = x.shape
    outputs = w_hh.shape[1]
    hidden, projection = (outputs, 0) if w_hr is None else (w_hr.shape[1], outputs)
    directions = len(how.reverse)
    y = cn = saved = None
    if how.outputs or (how.learning and not how.every):
        y = like_layout(x, directions * outputs)
    hn = x.new_empty(directions, batch, outputs)
    if how.cell == "lstm":
        cn = x.new_empty(directions, batch, hidden)
    if how.learning:
        loaded = library.library()
        assert loaded is not None
        # Room for every step; where rows are shorter the rest is never touched: it costs no memory.
        each = loaded.saved(CELLS[how.cell], DTYPES[x.dtype], hidden, projection, how.every)
        steps = -(-time // how.every) if how.every else time
        kept = torch.float64 if x.dtype == torch.float64 else torch.float32
        saved = x.new_empty(directions * each * steps * batch, dtype=kept)
    return y, hn, cn, saved


def _empty_gradients(tensors: Sequence[Any], needed: Sequence[bool]) -> list[Tensor | None]:
    """Of x and the states where needed, of all weights; None elsewhere."""
    gradients: list[Tensor | None] = [None] * len(tensors)
    if needed[0]:
        gradients[0] = like_layout(tensors[0], tensors[0].shape[2])
    for i in _LEARNT:
        if tensors[i] is not None and (needed[i] or i >= _FIRST_WEIGHT):
            gradients[i] = torch.empty_like(tensors[i])
    return gradients


def _differentiate(
    how: _How,
    tensors: list[Tensor | None],
    y: Tensor | None,
    saved: Tensor | None,
    needed: Sequence[bool],
    incoming: Sequence[Tensor | None],
) -> Sequence[Tensor | None]:
    """The gradients of the tensors, in their order."""
    dy, dhn, dcn = incoming[:3]
    again, given = torch.is_grad_enabled(), [g for g in (dy, dhn, dcn) if g is not None]
    if again or any(map(batched, given)):
        return _through_reference(how, tensors, needed, (dy, dhn, dcn), again)
    if not watched() and all_plain(given):
        found = _backward(how, tensors, y, saved, dy, dhn, dcn, needed)
    else:
        there = [
            t is not None and (i >= _FIRST_WEIGHT or n)
            for i, (t, n) in enumerate(zip(tensors, needed, strict=True))
        ]
        found = at_their_places(
            torch.ops.recur.scan_backward(*how, *tensors, y, saved, dy, dhn, dcn, list(needed)),
            there,
        )
    return [g if n else None for g, n in zip(found, needed, strict=True)]


def _through_reference(
    how: _How,
    tensors: list[Any],
    needed: Sequence[bool],
    incoming: Sequence[Tensor | None],
    again: bool,
) -> list[Tensor | None]:
    """Gradients that can be differentiated again (create_graph=True) or are batched."""
    x, h0, c0, lengths, mask, *starts = tensors[:_FIRST_WEIGHT]
    weights = tensors[_FIRST_WEIGHT:]
    directions = len(how.reverse)
    with torch.enable_grad():
        y, final = reference.scan(
            ALL_CELLS[how.cell],
            x,
            tuple(s for s in (h0, c0) if s is not None) or None,
            tuple(Weights(*weights[5 * d : 5 * d + 5]) for d in range(directions)),
            lengths=lengths,
            mask=mask,
            starts=starts[:directions],
            reverse=how.reverse,
            outputs=True,
            every=how.every,
            options=NOTHING,
        )
    return differentiated([y, *final], tensors, needed, incoming, create_graph=again)


class _Walk(torch.autograd.Function):
    """The walk where nobody traces; `given` are those of `tensors` that there are, for autograd."""

    @staticmethod
    def forward(ctx: Any, how: _How, tensors: Sequence[Tensor | None], *given: Tensor) -> Results:
        results = _forward(how, tensors)
        ctx.how, ctx.there = how, [t is not None for t in tensors]
        ctx.save_for_backward(*given, results[0], results[3])
        ctx.set_materialize_grads(False)
        if results[3] is not None:
            ctx.mark_non_differentiable(results[3])
        return results

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor | None) -> tuple[Any, ...]:
        *given, y, saved = ctx.saved_tensors
        tensors = at_their_places(given, ctx.there)
        needed = [bool(n) for n in at_their_places(ctx.needs_input_grad[2:], ctx.there)]
        gradients = _differentiate(ctx.how, tensors, y, saved, needed, incoming)
        return (None, None, *(g for g, here in zip(gradients, ctx.there, strict=True) if here))


# The operators. An operator returns tensors only: what there is not is empty there.


def _present(results: Sequence[Tensor | None], x: Tensor) -> tuple[Tensor, ...]:
    return tuple(x.new_empty(0) if r is None else r for r in results)


def _scan(*given: Any) -> tuple[Tensor, ...]:
    return _present(_forward(_How(*given[:5]), given[5:]), given[5])


def _scan_fake(*given: Any) -> tuple[Tensor, ...]:
    return _present(_empty_results(_How(*given[:5]), given[5:]), given[5])


def _scan_backward(*given: Any) -> list[Tensor]:
    how, tensors = _How(*given[:5]), given[5 : 5 + len(_NAMES)]
    y, saved, dy, dhn, dcn, needed = given[5 + len(_NAMES) :]
    y = y if how.outputs or not how.every else None
    return [g for g in _backward(how, tensors, y, saved, dy, dhn, dcn, needed) if g is not None]


def _scan_backward_fake(*given: Any) -> list[Tensor]:
    tensors, needed = given[5 : 5 + len(_NAMES)], given[-1]
    return [g for g in _empty_gradients(tensors, needed) if g is not None]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.how = _How(*inputs[:5])
    ctx.save_for_backward(*inputs[5:], output[0], output[3])
    ctx.set_materialize_grads(False)


def _scan_gradients(ctx: Any, *incoming: Tensor | None) -> tuple[Any, ...]:
    *tensors, y, saved = ctx.saved_tensors
    needed = ctx.needs_input_grad[5:]
    return (*[None] * 5, *_differentiate(ctx.how, tensors, y, saved, needed, incoming))


_operator = torch.library.custom_op(
    "recur::scan",
    _scan,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_HOW}, {_TENSORS}) -> (Tensor, Tensor, Tensor, Tensor)",
)
_operator.register_fake(_scan_fake)
_operator.register_autograd(_scan_gradients, setup_context=_remember)

torch.library.custom_op(
    "recur::scan_backward",
    _scan_backward,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_HOW}, {_TENSORS}, Tensor y, Tensor saved, Tensor? dy, Tensor? dhn, Tensor? dcn, "
    "bool[] needed) -> Tensor[]",
).register_fake(_scan_backward_fake)
