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
from recur.engine.cpu import library
from recur.engine.cpu.threads import count as threads_now
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
FORWARD, REVERSE, BOTH = range(3)


class _How(NamedTuple):
    cell: str
    directions: int  # FORWARD, REVERSE or BOTH
    every: int  # 0, or: keep the states of every k-th step only
    outputs: bool
    learning: bool

    @property
    def reverse(self) -> tuple[bool, ...]:
        """Of each direction, whether it walks from the end."""
        return (False, True) if self.directions == BOTH else (self.directions == REVERSE,)


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
) -> tuple[Tensor, State]:
    """Walks one layer; the outputs are empty unless they are wanted or needed."""
    h0, c0 = (*(state or ()), None, None)[:2]
    directions = BOTH if len(weights) == 2 else int(reverse[0])
    flags = (*starts, None)[:2]
    other = weights[1] if directions == BOTH else (None,) * len(_WEIGHTS)
    tensors = (x, h0, c0, lengths, mask, *flags, *weights[0], *other)
    learning = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    how = _How(cell.name, directions, every, outputs, learning)
    if not _is_plain(x):
        y, hn, cn, _ = torch.ops.recur.scan(*how, *tensors)
    elif learning:
        y, hn, cn, _ = _Walk.apply(*how, *tensors)  # type: ignore[no-untyped-call]
    else:
        y, hn, cn, _ = _forward(*how, *tensors)
    return y, (hn, cn) if len(cell.states) > 1 else (hn,)


def _is_plain(x: Tensor) -> bool:
    """Whether nobody traces: no compiler, no fake or functional tensors."""
    return (
        not torch.compiler.is_compiling()
        and torch._C._len_torch_dispatch_stack() == 0
        and type(x) in (Tensor, torch.nn.Parameter)
    )


def _forward(*given: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    how, tensors = _How(*given[:5]), given[5:]
    walks = _Walks(how, tensors)
    results = y, hn, cn, saved = _empty_results(how, tensors)
    for d in range(len(how.reverse)):
        walks.put(
            d,
            y=walks.strided(y, d) if y.numel() else _NOWHERE,
            finals=(walks.row(hn, d), walks.row(cn, d)),
            saved=walks.part(saved, d),
        )
    walks.library.forward(walks.packed(), len(how.reverse))
    return results


def _backward(*given: Any) -> list[Tensor]:
    how, tensors = _How(*given[:5]), given[5 : 5 + len(_NAMES)]
    y, saved, dy, dhn, dcn, needs_dx = given[5 + len(_NAMES) :]
    walks = _Walks(how, tensors)
    gradients = _empty_gradients(how, tensors, needs_dx)
    dx, dh0, dc0, *dw = gradients
    dy, dhn, dcn = walks.dense(dy, last_only=True), walks.dense(dhn), walks.dense(dcn)
    for d in range(len(how.reverse)):
        walks.put(
            d,
            y=walks.strided(y, d) if y.numel() else _NOWHERE,
            saved=walks.part(saved, d),
            incoming=(*walks.strided(dy, d), walks.row(dhn, d), walks.row(dcn, d)),
            gradients=(
                *((dx.data_ptr(), dx.stride(0), dx.stride(1)) if needs_dx else _NOWHERE),
                *(walks.row(dh0, d), walks.row(dc0, d)),
                *(t.data_ptr() for t in dw[d * len(_WEIGHTS) : (d + 1) * len(_WEIGHTS)]),
            ),
        )
    walks.library.backward(walks.packed(), len(how.reverse))
    return gradients


_NOWHERE = (0, 0, 0)  # pointer and strides of an array that there is not
_PACK = struct.Struct("=4i40q").pack


class _Walks:
    """The `recur_scan` structures of a call, and what keeps alive what they point to."""

    def __init__(self, how: _How, tensors: Sequence[Tensor | None]) -> None:
        loaded = library.library()
        assert loaded is not None
        self.library, self.how = loaded, how
        self.kept = [self.dense(t, last_only=i == 0) for i, t in enumerate(tensors)]
        x = self.kept[0]
        assert x is not None
        self.x, self.size = x, x.element_size()
        self.structures: list[bytes] = []

    def put(
        self,
        d: int,
        *,
        y: tuple[int, int, int],
        saved: int,
        finals: tuple[int, int] = (0, 0),
        incoming: tuple[int, ...] = (0,) * 5,
        gradients: tuple[int, ...] = (0,) * 10,
    ) -> None:
        """Adds the structure of direction `d`; the fields are those of scan.h, in their order."""
        how, kept = self.how, self.kept
        w_ih, w_hh, b_ih, b_hh, w_hr = kept[_FIRST_WEIGHT + 5 * d : _FIRST_WEIGHT + 5 * d + 5]
        assert w_ih is not None and w_hh is not None
        x = self.x
        projected = w_hr is not None
        self.structures.append(
            _PACK(
                CELLS[how.cell],
                DTYPES[x.dtype],
                how.reverse[d],
                threads_now(),
                *x.shape,
                w_hr.shape[1] if w_hr is not None else w_hh.shape[1],
                w_hh.shape[1] if projected else 0,
                how.every,
                *map(_pointer, (kept[3], kept[4], kept[5 + d])),
                x.data_ptr(),
                x.stride(0),
                x.stride(1),
                self.row(kept[1], d),
                self.row(kept[2], d),
                *map(_pointer, (w_ih, w_hh, b_ih, b_hh, w_hr)),
                *y,
                *finals,
                saved,
                *incoming,
                *gradients,
            )
        )

    def packed(self) -> bytes:
        """The structures in a row."""
        return self.structures[0] if len(self.structures) == 1 else b"".join(self.structures)

    @staticmethod
    def dense(tensor: Tensor | None, *, last_only: bool = False) -> Tensor | None:
        """The tensor, or a copy that is dense: all of it, or in its last axis."""
        if tensor is None or tensor.is_contiguous() or (last_only and tensor.stride(-1) == 1):
            return tensor
        return tensor.clone(memory_format=torch.contiguous_format)

    def strided(self, tensor: Tensor | None, d: int) -> tuple[int, int, int]:
        """Where direction `d` stands in a (T, B, D * R), and its strides of time and batch."""
        if tensor is None:
            return _NOWHERE
        part = tensor.shape[2] // len(self.how.reverse)
        return tensor.data_ptr() + d * part * self.size, tensor.stride(0), tensor.stride(1)

    def row(self, tensor: Tensor | None, d: int) -> int:
        """Where direction `d` stands in a (D, B, size)."""
        if tensor is None or not tensor.numel():
            return 0
        return tensor.data_ptr() + d * tensor.stride(0) * self.size

    def part(self, saved: Tensor, d: int) -> int:
        """Where direction `d` stands in what is saved."""
        if not saved.numel():
            return 0
        count = saved.numel() // len(self.how.reverse)
        return saved.data_ptr() + d * count * saved.element_size()


def _pointer(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _sizes(tensors: Sequence[Any]) -> tuple[int, int, int]:
    """The sizes of the outputs and the hidden units, and the projection's or 0."""
    w_hh, w_hr = tensors[_FIRST_WEIGHT + 1], tensors[_FIRST_WEIGHT + 4]
    outputs = w_hh.shape[1]
    return outputs, outputs if w_hr is None else w_hr.shape[1], 0 if w_hr is None else outputs


def _empty_results(how: _How, tensors: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x = tensors[0]
    time, batch, _ = x.shape
    outputs, hidden, projection = _sizes(tensors)
    directions = len(how.reverse)
    none = x.new_empty(0)
    wanted = how.outputs or (how.learning and not how.every)
    y = _like_layout(x, directions * outputs) if wanted else none
    hn = x.new_empty(directions, batch, outputs)
    cn = x.new_empty(directions, batch, hidden) if how.cell == "lstm" else none
    if not how.learning:
        return y, hn, cn, x.new_empty(0)
    loaded = library.library()
    assert loaded is not None
    # Room for every step; where rows are shorter the rest is never touched, so costs no memory.
    each = loaded.saved(CELLS[how.cell], DTYPES[x.dtype], hidden, projection, how.every)
    steps = -(-time // how.every) if how.every else time
    count = directions * each * steps * batch
    kept = torch.float64 if x.dtype == torch.float64 else torch.float32
    return y, hn, cn, x.new_empty(count, dtype=kept)


def _empty_gradients(how: _How, tensors: Sequence[Any], needs_dx: bool) -> list[Tensor]:
    """Of x, the states, and the weights of both directions; empty where there is none."""
    x, h0, c0 = tensors[:3]
    none = x.new_empty(0)
    dx = _like_layout(x, x.shape[2]) if needs_dx else none
    return [
        dx,
        *(
            none if t is None else torch.empty_like(t, memory_format=torch.contiguous_format)
            for t in (h0, c0, *tensors[_FIRST_WEIGHT:])
        ),
    ]


def _like_layout(x: Tensor, size: int) -> Tensor:
    """An empty (T, B, size) that lies in memory as `x` does: time first or batch first."""
    time, batch = x.shape[:2]
    if x.stride(0) < x.stride(1):
        return x.new_empty(batch, time, size).transpose(0, 1)
    return x.new_empty(time, batch, size)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    y, _, _, saved = output
    ctx.how = _How(*inputs[:5])
    ctx.save_for_backward(*inputs[5:], y, saved)
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, *incoming: Tensor | None) -> tuple[Any, ...]:
    *tensors, y, saved = ctx.saved_tensors
    needed = ctx.needs_input_grad[5:]
    dy, dhn, dcn = incoming[:3]
    if torch.is_grad_enabled():
        return (*[None] * 5, *_through_reference(ctx.how, tensors, needed, (dy, dhn, dcn)))
    run = _backward if _is_plain(y) else torch.ops.recur.scan_backward
    found = iter(run(*ctx.how, *tensors, y, saved, dy, dhn, dcn, needed[0]))
    # Lengths and flags have no gradient.
    gradients = [None if 3 <= i < _FIRST_WEIGHT else next(found) for i in range(len(tensors))]
    return (*[None] * 5, *(g if n else None for g, n in zip(gradients, needed, strict=True)))


def _through_reference(
    how: _How, tensors: list[Any], needed: Sequence[bool], incoming: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients that can be differentiated again (create_graph=True)."""
    x, h0, c0, lengths, mask, *starts = tensors[:_FIRST_WEIGHT]
    weights = tensors[_FIRST_WEIGHT:]
    directions = len(how.reverse)
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
    )
    results: list[Any] = [y, *final]
    given = [i for i, gradient in enumerate(incoming[: len(results)]) if gradient is not None]
    wanted = [i for i, need in enumerate(needed) if need and tensors[i] is not None]
    found = torch.autograd.grad(
        [results[i] for i in given],
        [tensors[i] for i in wanted],
        [incoming[i] for i in given],
        create_graph=True,
        allow_unused=True,
    )
    gradients: list[Tensor | None] = [None] * len(tensors)
    for i, gradient in zip(wanted, found, strict=True):
        gradients[i] = gradient
    return gradients


class _Walk(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, ...]:
        results = _forward(*given)
        _remember(ctx, given, results)
        ctx.mark_non_differentiable(results[3])
        return results

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor | None) -> tuple[Any, ...]:
        return _differentiate(ctx, *incoming)


_scan = torch.library.custom_op(
    "recur::scan",
    _forward,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_HOW}, {_TENSORS}) -> (Tensor, Tensor, Tensor, Tensor)",
)
_scan.register_fake(lambda *given: _empty_results(_How(*given[:5]), given[5:]))
_scan.register_autograd(_differentiate, setup_context=_remember)

_scan_backward = torch.library.custom_op(
    "recur::scan_backward",
    _backward,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_HOW}, {_TENSORS}, Tensor y, Tensor saved, Tensor? dy, Tensor? dhn, Tensor? dcn, "
    "bool needs_dx) -> Tensor[]",
)
_scan_backward.register_fake(
    lambda *given: _empty_gradients(_How(*given[:5]), given[5 : 5 + len(_NAMES)], given[-1])
)
