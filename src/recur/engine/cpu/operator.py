"""The compiled walk as operators of torch: `recur::scan` and `recur::scan_backward`.

Registered with fake and autograd implementations, so that `torch.compile` and `torch.export` see
one operator and no graph break. A second derivative goes through the reference.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from recur.cells import CELLS as ALL_CELLS
from recur.cells import Cell, State
from recur.engine import reference
from recur.engine.cpu import library
from recur.engine.problem import Weights

# As in scan.h.
CELLS = {"rnn_tanh": 0, "rnn_relu": 1, "lstm": 2, "gru": 3}
DTYPES = {torch.float32: 0, torch.float64: 1}

_INPUTS = (
    "str cell, Tensor x, Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih, "
    "Tensor? b_hh, Tensor? lengths, Tensor? mask, Tensor? starts, bool reverse"
)


def walk(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Tensor | None,
    reverse: bool,
    outputs: bool,
) -> tuple[Tensor, State]:
    """Walks one layer in one direction; the outputs are empty unless wanted or needed."""
    c0 = state[1] if len(state) > 1 else None
    learning = torch.is_grad_enabled() and any(
        tensor is not None and tensor.requires_grad for tensor in (x, *state, *weights)
    )
    y, hn, cn, _ = torch.ops.recur.scan(
        cell.name,
        x,
        state[0],
        c0,
        *weights[:4],
        lengths,
        mask,
        starts,
        reverse,
        outputs or learning,
        learning,
    )
    return y, ((hn, cn) if c0 is not None else (hn,))


@torch.library.custom_op(
    "recur::scan",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_INPUTS}, bool outputs, bool learning) -> (Tensor, Tensor, Tensor, Tensor)",
)
def _scan(
    cell: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Tensor | None,
    reverse: bool,
    outputs: bool,
    learning: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    y, hn, cn, saved = _empty_results(cell, x, h0, c0, outputs, learning)
    problem = _Problem(cell, x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, mask, starts, reverse)
    problem.put("y", y if outputs else None, strided=True)
    problem.put("hn", hn)
    problem.put("cn", cn if c0 is not None else None)
    problem.put("saved", saved if learning else None)
    problem.library.forward(problem.scan)
    return y, hn, cn, saved


@_scan.register_fake
def _(
    cell: str, x: Tensor, h0: Tensor, c0: Tensor | None, *rest: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    outputs, learning = rest[-2:]
    return _empty_results(cell, x, h0, c0, outputs, learning)


@torch.library.custom_op(
    "recur::scan_backward",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_INPUTS}, Tensor y, Tensor saved, Tensor? dy, Tensor? dhn, Tensor? dcn, "
    "bool needs_dx) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def _scan_backward(
    cell: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    lengths: Tensor | None,
    mask: Tensor | None,
    starts: Tensor | None,
    reverse: bool,
    y: Tensor,
    saved: Tensor,
    dy: Tensor | None,
    dhn: Tensor | None,
    dcn: Tensor | None,
    needs_dx: bool,
) -> tuple[Tensor, ...]:
    results = _empty_gradients(x, h0, c0, w_ih, w_hh, b_ih, b_hh, needs_dx)
    dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh = results
    problem = _Problem(cell, x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, mask, starts, reverse)
    problem.put("y", y, strided=True)
    problem.put("saved", saved)
    problem.put("dy", dy, strided=True)
    problem.put("dhn", dhn)
    problem.put("dcn", dcn if c0 is not None else None)
    problem.put("dx", dx if needs_dx else None, strided=True)
    problem.put("dh0", dh0)
    problem.put("dc0", dc0 if c0 is not None else None)
    problem.put("dw_ih", dw_ih)
    problem.put("dw_hh", dw_hh)
    problem.put("db_ih", db_ih if b_ih is not None else None)
    problem.put("db_hh", db_hh if b_hh is not None else None)
    problem.library.backward(problem.scan)
    return results


@_scan_backward.register_fake
def _(
    cell: str,
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    *rest: Any,
) -> tuple[Tensor, ...]:
    return _empty_gradients(x, h0, c0, w_ih, w_hh, b_ih, b_hh, rest[-1])


class _Problem:
    """Fills `recur_scan`, and keeps alive what it points to."""

    def __init__(
        self,
        cell: str,
        x: Tensor,
        h0: Tensor,
        c0: Tensor | None,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None,
        b_hh: Tensor | None,
        lengths: Tensor | None,
        mask: Tensor | None,
        starts: Tensor | None,
        reverse: bool,
    ) -> None:
        loaded = library.library()
        assert loaded is not None
        self.library = loaded
        self.scan = library.Scan()
        self._kept: list[Tensor] = []
        self.scan.cell, self.scan.dtype = CELLS[cell], DTYPES[x.dtype]
        self.scan.reverse, self.scan.threads = reverse, torch.get_num_threads()
        self.scan.time, self.scan.batch, self.scan.inputs = x.shape
        self.scan.hidden = w_hh.shape[1]
        self.put("x", x, strided=True)
        for name, tensor in (("h0", h0), ("c0", c0), ("w_ih", w_ih), ("w_hh", w_hh)):
            self.put(name, tensor)
        for name, tensor in (("b_ih", b_ih), ("b_hh", b_hh), ("lengths", lengths)):
            self.put(name, tensor)
        for name, tensor in (("mask", mask), ("starts", starts)):
            self.put(name, tensor)

    def put(self, name: str, tensor: Tensor | None, *, strided: bool = False) -> None:
        """Points a field to a tensor: dense, or with strides of its own for time and batch."""
        if tensor is None:
            return
        if not strided:
            tensor = tensor.contiguous()
        elif tensor.stride(-1) != 1:
            tensor = tensor.clone(memory_format=torch.contiguous_format)
        self._kept.append(tensor)
        setattr(self.scan, name, ctypes.c_void_p(tensor.data_ptr()))
        if strided:
            setattr(self.scan, f"{name}_time", tensor.stride(0))
            setattr(self.scan, f"{name}_batch", tensor.stride(1))


def _empty_results(
    cell: str, x: Tensor, h0: Tensor, c0: Tensor | None, outputs: bool, learning: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    time, batch, _ = x.shape
    hidden = h0.shape[1]
    y = _like_layout(x, hidden) if outputs else x.new_empty(0)
    hn = x.new_empty(batch, hidden)
    cn = x.new_empty(batch, hidden) if c0 is not None else x.new_empty(0)
    loaded = library.library()
    assert loaded is not None
    # Room for every step; where rows are shorter the rest is never touched, so costs no memory.
    count = loaded.saved(CELLS[cell], DTYPES[x.dtype], hidden, time * batch) if learning else 0
    return y, hn, cn, x.new_empty(count)


def _empty_gradients(
    x: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    needs_dx: bool,
) -> tuple[Tensor, ...]:
    def like(tensor: Tensor | None) -> Tensor:
        if tensor is None:
            return x.new_empty(0)
        return torch.empty_like(tensor, memory_format=torch.contiguous_format)

    dx = _like_layout(x, x.shape[2]) if needs_dx else x.new_empty(0)
    return (dx, *map(like, (h0, c0, w_ih, w_hh, b_ih, b_hh)))


def _like_layout(x: Tensor, size: int) -> Tensor:
    """An empty (T, B, size) that lies in memory as `x` does: time first or batch first."""
    time, batch = x.shape[:2]
    if x.stride(0) < x.stride(1):
        return x.new_empty(batch, time, size).transpose(0, 1)
    return x.new_empty(time, batch, size)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    cell, x, h0, c0, *others, reverse, _, _ = inputs
    y, _, _, saved = output
    ctx.cell, ctx.reverse = cell, reverse
    ctx.save_for_backward(x, h0, c0, *others, y, saved)
    ctx.set_materialize_grads(False)


def _differentiate(
    ctx: Any, dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None, _: Tensor | None
) -> tuple[Any, ...]:
    *inputs, y, saved = ctx.saved_tensors
    if torch.is_grad_enabled():
        gradients = _through_reference(ctx, inputs, (dy, dhn, dcn))
    else:
        gradients = torch.ops.recur.scan_backward(
            ctx.cell, *inputs, ctx.reverse, y, saved, dy, dhn, dcn, ctx.needs_input_grad[1]
        )
    dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh = (
        gradient if needed else None
        for gradient, needed in zip(gradients, ctx.needs_input_grad[1:8], strict=True)
    )
    return (None, dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, *[None] * 6)


def _through_reference(
    ctx: Any, inputs: list[Any], incoming: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """Gradients that can be differentiated again (create_graph=True)."""
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, mask, starts = inputs
    y, final = reference.scan(
        ALL_CELLS[ctx.cell],
        x,
        (h0,) if c0 is None else (h0, c0),
        Weights(w_ih, w_hh, b_ih, b_hh),
        lengths=lengths,
        mask=mask,
        starts=starts,
        reverse=ctx.reverse,
        outputs=True,
    )
    results: list[Any] = [y, *final]
    given = [i for i, gradient in enumerate(incoming) if gradient is not None]
    wanted = [i for i in range(7) if inputs[i] is not None and ctx.needs_input_grad[1 + i]]
    found = torch.autograd.grad(
        [results[i] for i in given],
        [inputs[i] for i in wanted],
        [incoming[i] for i in given],
        create_graph=True,
        allow_unused=True,
    )
    gradients: list[Tensor | None] = [None] * 7
    for i, gradient in zip(wanted, found, strict=True):
        gradients[i] = gradient
    return gradients


_scan.register_autograd(_differentiate, setup_context=_setup_context)
