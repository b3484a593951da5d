"""The general compiled walk as operators: `recur::variant` and `recur::variant_backward`.

For cells and options that the plain walk (operator.py) has no room for. As there, the operators are
for who looks on; elsewhere their functions are called directly.
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
from recur.engine.chance import STATES
from recur.engine.cpu import library, threads
from recur.engine.cpu.again import at_their_places, differentiated
from recur.engine.cpu.arrays import all_dense, all_plain, like_layout, part, pointer, strided
from recur.engine.cpu.onlookers import batched, watched
from recur.engine.options import Options
from recur.engine.problem import Weights

# As in scan.h.
CELLS = {
    name: number
    for number, name in enumerate(
        (
            *("rnn_tanh", "rnn_relu", "lstm", "gru", "lstm_coupled", "gru_before"),
            *("indrnn_tanh", "indrnn_relu", "mingru", "minlstm", "slstm"),
        )
    )
}
DTYPES = {torch.float32: 0, torch.float64: 1}

_WEIGHTS = Weights._fields
_NAMES = (
    *("x", "s0", "s1", "s2", "s3", "lengths", "mask", "starts", "starts_reverse", "keep", "seed"),
    *_WEIGHTS,
    *(f"{name}_reverse" for name in _WEIGHTS),
)
_FIRST_STATE, _LENGTHS, _FIRST_WEIGHT = map(_NAMES.index, ("s0", "lengths", "w_ih"))
_COUNT = len(_WEIGHTS)
_NO_WEIGHTS: tuple[None, ...] = (None,) * _COUNT


class _How(NamedTuple):
    cell: str
    directions: int  # 0 forwards, 1 reverse, 2 both
    outputs: bool
    learning: bool
    recording: bool
    numbers: tuple[float, ...]  # the share of zoneout of each state, limits of states and gradients

    @property
    def reverse(self) -> tuple[bool, ...]:
        """Of each direction, whether it walks from the end."""
        return ((False,), (True,), (False, True))[self.directions]

    @property
    def states(self) -> int:
        return len(ALL_CELLS[self.cell].states)


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
    options: Options,
) -> tuple[Tensor | None, State]:
    """Walks one layer; see `recur.engine.scan_layer`."""
    both = len(weights) == 2
    given = state or ()
    tensors = (
        x,
        *given,
        *[None] * (STATES - len(given)),
        *(lengths, mask, starts[0], starts[1] if both else None, options.keep, options.seed),
        *weights[0],
        *(weights[1] if both else _NO_WEIGHTS),
    )
    needed = any(t is not None and t.requires_grad for t in tensors)
    # torch.jit.trace runs a function again without gradients, and compares.
    learning = needed and (torch.is_grad_enabled() or torch._C._get_tracing_state() is not None)
    zoneout = (*options.zoneout, *[0.0] * STATES)[:STATES]
    numbers = (*map(float, zoneout), float(options.clip_state), float(options.clip_gradient))
    directions = 2 if both else int(reverse[0])
    how = _How(cell.name, directions, outputs, learning, options.record is not None, numbers)
    there = [t is not None for t in tensors]
    if watched() or not all_plain(tensors):
        found = [t for t in tensors if t is not None]
        results = list(torch.ops.recur.variant(*how[:-1], list(numbers), [*map(int, there)], found))
    elif learning:
        results = list(_Walk.apply(how, there, *(t for t in tensors if t is not None)))  # type: ignore[no-untyped-call]
    else:
        results = _forward(how, tensors)
    if options.record is not None:
        options.record.update(_named(cell, results[-1].detach()))
    return (results[0] if outputs else None), tuple(results[1 : 1 + how.states])


def _named(cell: Cell, inside: Tensor) -> dict[str, Tensor]:
    """What was recorded (numbers, T, B, D * H), by letter."""
    names = (*cell.gate_names, *cell.states[1:])
    last = len(cell.states) - 1
    first = len(inside) - last
    places = [*range(len(cell.gate_names)), *range(first, first + last)]
    return {name: inside[place] for name, place in zip(names, places, strict=True)}


# The functions. Results: the outputs or empty, the states, what backward needs, the record.


def _forward(how: _How, tensors: Sequence[Any]) -> list[Tensor]:
    tensors = all_dense(tensors)
    results = _empty_results(how, tensors)
    y, saved, inside = results[0], results[-2], results[-1]
    states = results[1:-2]
    count = len(how.reverse)
    scans, extras = b"", b""
    for d in range(count):
        places = [part(s, d, count) for s in states]
        scans += _scan(how, tensors, d, y, saved, None, None, (0,) * 5)
        extras += _extras(how, tensors, d, places, (0,) * 4, (0,) * 4, inside, (0,) * 5)
    _library().variant_forward(scans, extras, count)
    return results


def _backward(
    how: _How,
    tensors: Sequence[Any],
    y: Tensor,
    saved: Tensor,
    incoming: Sequence[Tensor | None],
    needed: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients of the tensors, None where there is none."""
    tensors = all_dense(tensors)
    dy, *dsn = all_dense(incoming[: 1 + how.states])
    gradients = _empty_gradients(tensors, needed)
    count = len(how.reverse)
    scans, extras = b"", b""
    for d in range(count):
        first = _FIRST_WEIGHT + _COUNT * d
        dw_ih, dw_hh, db_ih, db_hh, _, *others = gradients[first : first + _COUNT]
        dw = tuple(map(pointer, (dw_ih, dw_hh, db_ih, db_hh, None)))
        ds0 = [part(g, d, count) for g in gradients[_FIRST_STATE:_LENGTHS]]
        places = [part(g, d, count) for g in dsn]
        scans += _scan(how, tensors, d, y, saved, dy, gradients[0], dw)
        extras += _extras(how, tensors, d, (), places, ds0, None, tuple(map(pointer, others)))
    _library().variant_backward(scans, extras, count)
    return gradients


_PACK_SCAN = struct.Struct("=4i40q").pack
_PACK_EXTRAS = struct.Struct("=24q6d8q").pack


def _scan(
    how: _How,
    tensors: Sequence[Any],
    d: int,
    y: Tensor,
    saved: Tensor,
    dy: Tensor | None,
    dx: Tensor | None,
    dw: tuple[int, ...],
) -> bytes:
    """The `recur_scan` of direction `d`; states are in the extras."""
    x, w_ih, w_hh, b_ih, b_hh = _of(tensors, d, "x", "w_ih", "w_hh", "b_ih", "b_hh")
    hidden = w_hh.shape[1]
    count = len(how.reverse)
    return _PACK_SCAN(
        CELLS[how.cell],
        DTYPES[x.dtype],
        how.reverse[d],
        threads.count(),
        *x.shape,
        hidden,
        *(0, 0),
        *map(pointer, (tensors[_LENGTHS], tensors[_LENGTHS + 1], tensors[_LENGTHS + 2 + d])),
        *strided(x, 0, 1),
        *(0, 0, w_ih.data_ptr(), w_hh.data_ptr(), pointer(b_ih), pointer(b_hh), 0),
        *strided(y if y.numel() else None, d, count),
        *(0, 0, part(saved, d, count)),
        *strided(dy, d, count),
        *(0, 0),
        *strided(dx, 0, 1),
        *(0, 0),
        *dw,
    )


def _extras(
    how: _How,
    tensors: Sequence[Any],
    d: int,
    sn: Sequence[int],
    dsn: Sequence[int],
    ds0: Sequence[int],
    inside: Tensor | None,
    gradients: tuple[int, ...],
) -> bytes:
    """The `recur_extras` of direction `d`."""
    count = len(how.reverse)
    own = _of(tensors, d, "units", "norm_x", "norm_h", "norm_c", "norm_c_bias")
    units, *norms = map(pointer, own)
    keep, seed = _of(tensors, 0, "keep", "seed")
    return _PACK_EXTRAS(
        *(part(s, d, count) for s in tensors[_FIRST_STATE:_LENGTHS]),
        *_four(sn),
        *_four(dsn),
        *_four(ds0),
        units,
        part(keep, d, count),
        keep.shape[2] if keep is not None and keep.dim() == 4 else 1,
        *norms,
        part(seed, d, count),
        *how.numbers,
        *_places_in(inside, d, count),
        *gradients,
    )


def _places_in(inside: Tensor | None, d: int, count: int) -> tuple[int, int, int]:
    """Where a record (numbers, T, B, D * H) has direction `d`; between numbers; between rows."""
    if inside is None or inside.dim() != 4:
        return 0, 0, 0
    offset = inside.shape[3] // count * d * inside.element_size()
    return inside.data_ptr() + offset, inside.stride(0), inside.stride(2)


def _of(tensors: Sequence[Any], d: int, *names: str) -> list[Any]:
    """Tensors by name; those of a direction for direction `d`."""
    return [tensors[_NAMES.index(name) + (_COUNT * d if name in _WEIGHTS else 0)] for name in names]


def _four(places: Sequence[int]) -> tuple[int, ...]:
    return (*places, *[0] * STATES)[:STATES]


def _empty_results(how: _How, tensors: Sequence[Any]) -> list[Tensor]:
    x, w_hh = tensors[0], tensors[_FIRST_WEIGHT + 1]
    normed = tensors[_FIRST_WEIGHT + _WEIGHTS.index("norm_x")] is not None
    time, batch, inputs = x.shape
    hidden, count = w_hh.shape[1], len(how.reverse)
    y = saved = inside = x.new_empty(0)
    if how.outputs or how.learning:
        y = like_layout(x, count * hidden)
    states = [x.new_empty(count, batch, hidden) for _ in range(how.states)]
    loaded, cell = _library(), CELLS[how.cell]
    if how.learning:
        each = loaded.variant_saved(cell, DTYPES[x.dtype], inputs, hidden, normed)
        saved = x.new_empty(count * each * time * batch)
    if how.recording:
        size = (loaded.variant_inside(cell), time, batch, count * hidden)
        whole = tensors[_LENGTHS] is None and tensors[_LENGTHS + 1] is None
        inside = x.new_empty(size) if whole else x.new_zeros(size)
    return [y, *states, saved, inside]


def _empty_gradients(tensors: Sequence[Any], needed: Sequence[bool]) -> list[Tensor | None]:
    """Of x and the states where needed, of all weights; None elsewhere."""
    gradients: list[Tensor | None] = [None] * len(tensors)
    if needed[0]:
        gradients[0] = like_layout(tensors[0], tensors[0].shape[2])
    for i in (*range(_FIRST_STATE, _LENGTHS), *range(_FIRST_WEIGHT, len(tensors))):
        if tensors[i] is not None and (needed[i] or i >= _FIRST_WEIGHT):
            gradients[i] = torch.empty_like(tensors[i], memory_format=torch.contiguous_format)
    return gradients


def _library() -> library.Library:
    loaded = library.library()
    assert loaded is not None
    return loaded


def _differentiate(
    how: _How,
    tensors: list[Any],
    y: Tensor,
    saved: Tensor,
    needed: Sequence[bool],
    incoming: Sequence[Tensor | None],
) -> Sequence[Tensor | None]:
    """The gradients of the tensors, in their order."""
    incoming = incoming[: 1 + how.states]
    again = torch.is_grad_enabled()
    if again or any(g is not None and batched(g) for g in incoming):
        return _through_reference(how, tensors, needed, incoming, again)
    if not watched() and all_plain(incoming):
        found = _backward(how, tensors, y, saved, incoming, needed)
    else:
        there = [t is not None for t in tensors]
        pulled = [g is not None for g in incoming]
        gradients = torch.ops.recur.variant_backward(
            *(*how[:-1], list(how.numbers), there, [t for t in tensors if t is not None]),
            *(y, saved, pulled, [g for g in incoming if g is not None], list(needed)),
        )
        places = [
            here and (i >= _FIRST_WEIGHT or (n and i < _LENGTHS))
            for i, (here, n) in enumerate(zip(there, needed, strict=True))
        ]
        found = at_their_places(gradients, places)
    return [g if n else None for g, n in zip(found, needed, strict=True)]


def _through_reference(
    how: _How,
    tensors: list[Any],
    needed: Sequence[bool],
    incoming: Sequence[Tensor | None],
    again: bool,
) -> list[Tensor | None]:
    """Gradients that can be differentiated again (create_graph=True) or are batched."""
    lengths, mask, *starts, keep, seed = tensors[_LENGTHS:_FIRST_WEIGHT]
    *zoneout, clip_state, clip_gradient = how.numbers
    weights = tensors[_FIRST_WEIGHT:]
    count = len(how.reverse)
    with torch.enable_grad():
        y, final = reference.scan(
            ALL_CELLS[how.cell],
            tensors[0],
            tuple(s for s in tensors[_FIRST_STATE:_LENGTHS] if s is not None) or None,
            tuple(Weights(*weights[_COUNT * d : _COUNT * (d + 1)]) for d in range(count)),
            lengths=lengths,
            mask=mask,
            starts=starts[:count],
            reverse=how.reverse,
            outputs=True,
            every=0,
            options=Options(keep, tuple(zoneout), seed, clip_state, clip_gradient),
        )
    return differentiated([y, *final], tensors, needed, incoming, create_graph=again)


class _Walk(torch.autograd.Function):
    """The walk where nobody traces."""

    @staticmethod
    def forward(ctx: Any, how: _How, there: Sequence[bool], *given: Tensor) -> tuple[Tensor, ...]:
        results = _forward(how, at_their_places(given, there))
        ctx.how, ctx.there = how, there
        ctx.save_for_backward(*given, results[0], results[-2])
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*results[-2:])
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor | None) -> tuple[Any, ...]:
        *given, y, saved = ctx.saved_tensors
        tensors = at_their_places(given, ctx.there)
        needed = [bool(n) for n in at_their_places(ctx.needs_input_grad[2:], ctx.there)]
        gradients = _differentiate(ctx.how, tensors, y, saved, needed, incoming)
        return (None, None, *(g for g, here in zip(gradients, ctx.there, strict=True) if here))


# The operators.

# An operator takes tensors only: which of them are there is said beside them, in 0 and 1, for
# torch.jit.trace knows no list of bool.
_SCHEMA = (
    "str cell, int directions, bool outputs, bool learning, bool recording, float[] numbers, "
    "int[] there, Tensor[] given"
)
_SETTINGS = 7  # before the tensors


def _read(given: Sequence[Any]) -> tuple[_How, list[Any]]:
    cell, directions, outputs, learning, recording, numbers, there, tensors = given[: _SETTINGS + 1]
    how = _How(cell, directions, outputs, learning, recording, tuple(numbers))
    return how, at_their_places(tensors, there)


def _variant(*given: Any) -> list[Tensor]:
    return _forward(*_read(given))


def _variant_fake(*given: Any) -> list[Tensor]:
    return _empty_results(*_read(given))


def _variant_backward(*given: Any) -> list[Tensor]:
    y, saved, pulled, incoming, needed = given[_SETTINGS + 1 :]
    found = _backward(*_read(given), y, saved, at_their_places(incoming, pulled), needed)
    return [g for g in found if g is not None]


def _variant_backward_fake(*given: Any) -> list[Tensor]:
    _, tensors = _read(given)
    return [g for g in _empty_gradients(tensors, given[-1]) if g is not None]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.how, _ = _read(inputs)
    ctx.there, given = inputs[_SETTINGS - 1 : _SETTINGS + 1]
    ctx.save_for_backward(*given, output[0], output[-2])
    ctx.set_materialize_grads(False)


def _variant_gradients(ctx: Any, incoming: Sequence[Tensor | None]) -> tuple[Any, ...]:
    *given, y, saved = ctx.saved_tensors
    tensors = at_their_places(given, ctx.there)
    needed = [bool(n) for n in at_their_places(ctx.needs_input_grad[_SETTINGS], ctx.there)]
    gradients = _differentiate(ctx.how, tensors, y, saved, needed, incoming)
    return (*[None] * _SETTINGS, [g for g, here in zip(gradients, ctx.there, strict=True) if here])


_operator = torch.library.custom_op(
    "recur::variant",
    _variant,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_SCHEMA}) -> Tensor[]",
)
_operator.register_fake(_variant_fake)
_operator.register_autograd(_variant_gradients, setup_context=_remember)

torch.library.custom_op(
    "recur::variant_backward",
    _variant_backward,
    mutates_args=(),
    device_types="cpu",
    schema=f"({_SCHEMA}, Tensor y, Tensor saved, int[] pulled, Tensor[] incoming, "
    "bool[] needed) -> Tensor[]",
).register_fake(_variant_backward_fake)
