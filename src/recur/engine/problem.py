"""What a walk over time is given: one layer's weights in one direction, and the facts of the case.

Letters for shapes, here and in the files beside this one: T time, B batch, I input size, H hidden
size, R size of the state that is multiplied (H, or the projection's size where there is one),
Gx and Gh the gates fed by the input and by the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor

from recur.cells import Cell, State
from recur.engine.options import NOTHING, Options
from recur.messages import must


class Weights(NamedTuple):
    """The weights of one layer in one direction, laid out as in `torch.nn`."""

    w_ih: Tensor  # (Gx * H, I)
    w_hh: Tensor  # (Gh * H, R)
    b_ih: Tensor | None = None  # (Gx * H)
    b_hh: Tensor | None = None  # (Gh * H)
    w_hr: Tensor | None = None  # (R, H), the projection
    units: Tensor | None = None  # (P, H), the cell's unit weights
    # Layer normalisation, of both products before the biases are added: their scales. (J. L. Ba,
    # J. R. Kiros, G. E. Hinton, arXiv:1607.06450, with our biases as its shifts.)
    norm_x: Tensor | None = None  # (Gx * H)
    norm_h: Tensor | None = None  # (Gh * H)
    # And of the LSTM's c where the output reads it: scale and shift.
    norm_c: Tensor | None = None  # (H)
    norm_c_bias: Tensor | None = None  # (H)

    @property
    def hidden(self) -> int:
        """H."""
        return int((self.w_hh if self.w_hr is None else self.w_hr).shape[-1])

    @property
    def plain(self) -> bool:
        """Whether there are no others than torch.nn's."""
        return self[5:] == _NO_OTHERS


_NO_OTHERS = (None,) * 5


class Problem(NamedTuple):
    """All that the choice of a path depends on."""

    cell: Cell
    device: torch.device
    dtype: torch.dtype
    input_dtype: torch.dtype
    mixed: bool = False  # the weights, the states and the dropout are not all of one type
    transformed: bool = False  # a function transform or forward-mode differentiation is active
    general: bool = False  # there is more to a step than torch.nn's layers have
    projected: bool = False
    every: int = 0  # checkpoints
    normed_by_gate: bool = False  # of the normalised product each gate's part has its own dropout

    @staticmethod
    def of(
        cell: Cell,
        weights: Weights,
        x: Tensor | None = None,
        state: State = (),
        options: Options = NOTHING,
        every: int = 0,
    ) -> Problem:
        """The problem that these weights pose, with this input and state (or of their own type)."""
        w_hh, keep = weights.w_hh, options.keep
        dtype = w_hh.dtype
        mixed = False
        for tensor in (*weights, *state, keep):
            mixed = mixed or (tensor is not None and tensor.dtype != dtype)
        return Problem(
            cell,
            w_hh.device,
            dtype,
            dtype if x is None else x.dtype,
            mixed,
            torch._C._are_functorch_transforms_active()
            or torch.autograd.forward_ad._current_level >= 0,
            options is not NOTHING or not weights.plain,
            weights.w_hr is not None,
            every,
            weights.norm_h is not None and keep is not None and keep.dim() == 4,
        )


def check(
    cell: Cell,
    x: Tensor,
    state: State | None,
    direction: int,
    weights: Weights,
    *,
    lengths: Tensor | None,
    mask: Tensor | None,
    reset: Tensor | None,
) -> None:
    """Checks that everything fits together: a compiled loop would read what lies beyond a tensor.

    Raises:
        RuntimeError: a shape, the type of lengths or flags, or a device; the text names the tensor.
    """
    time, batch, inputs = x.shape
    device = x.device
    _check_weights(cell, weights, inputs, device)
    if state is not None:
        for name, tensor, size in zip(cell.states, state, _sizes(cell, weights), strict=True):
            if tensor.shape[1:] != (batch, size) or len(tensor) <= direction:
                _refuse(f"state {name}", tensor[direction], (batch, size), device)
            if tensor.device != device:
                _refuse(f"state {name}", tensor, tuple(tensor.shape), device)
    if lengths is not None:
        _check_flags("lengths", lengths, (batch,), torch.int64, device)
    for name, flags in (("mask", mask), ("reset", reset)):
        if flags is not None:
            _check_flags(name, flags, (time, batch), torch.bool, device)


def check_step(cell: Cell, x: Tensor, state: State, weights: Weights) -> None:
    """As `check`, for one step: x (B, I), the states (B, size).

    Raises:
        RuntimeError: a shape or a device; the text names the tensor.
    """
    batch, inputs = x.shape
    _check_weights(cell, weights, inputs, x.device)
    for name, tensor, size in zip(cell.states, state, _sizes(cell, weights), strict=True):
        if tensor.shape != (batch, size) or tensor.device != x.device:
            _refuse(f"state {name}", tensor, (batch, size), x.device)


def check_options(
    cell: Cell, options: Options, weights: Sequence[Weights], batch: int, device: torch.device
) -> None:
    """As `check`, for what there is one of for each direction: dropout, the seed of zoneout.

    Raises:
        RuntimeError: a shape, a device, or the type of the seed; the text names the tensor.
    """
    if options.keep is not None:
        _check_keep(cell, options.keep, (len(weights), batch, weights[0].w_hh.shape[-1]), device)
    if options.seed is not None:
        _check_flags("seed", options.seed, (len(weights),), torch.int64, device)


def _check_keep(cell: Cell, keep: Tensor, tied: tuple[int, ...], device: torch.device) -> None:
    by_gate = (*tied[:2], cell.state_gates, tied[2])
    if keep.shape not in (tied, by_gate):
        shapes = f"of the shape {tied}, or {by_gate} with a mask for each gate"
        raise RuntimeError(must("keep", shapes, tuple(keep.shape)))
    if keep.device != device:
        _refuse("keep", keep, tuple(keep.shape), device)


def _sizes(cell: Cell, weights: Weights) -> tuple[int, ...]:
    """The width of each state."""
    return (weights.w_hh.shape[-1], *[weights.hidden] * (len(cell.states) - 1))


def _check_weights(cell: Cell, weights: Weights, inputs: int, device: torch.device) -> None:
    width = weights.w_hh.shape[-1]
    hidden = width if weights.w_hr is None else weights.w_hr.shape[-1]
    fed, back = cell.input_gates * hidden, cell.state_gates * hidden
    # Shapes first, in as few steps as Python allows: a small layer takes less time than this.
    if weights.w_ih.shape != (fed, inputs) or weights.w_ih.device != device:
        _refuse("w_ih", weights.w_ih, (fed, inputs), device)
    if weights.w_hh.shape != (back, width) or weights.w_hh.device != device:
        _refuse("w_hh", weights.w_hh, (back, width), device)
    for name, tensor, size in (("b_ih", weights.b_ih, fed), ("b_hh", weights.b_hh, back)):
        if tensor is not None and (tensor.shape != (size,) or tensor.device != device):
            _refuse(name, tensor, (size,), device)
    if weights.w_hr is not None and (
        weights.w_hr.shape != (width, hidden) or weights.w_hr.device != device
    ):
        _refuse("w_hr", weights.w_hr, (width, hidden), device)
    if cell.needs_units or not weights.plain:
        _check_others(cell, weights, hidden, device)


def _check_others(cell: Cell, weights: Weights, hidden: int, device: torch.device) -> None:
    """Checks the weights that torch.nn's layers have not."""
    sizes = {
        "units": (len(cell.unit_weights), hidden),
        "norm_x": (cell.input_gates * hidden,),
        "norm_h": (cell.state_gates * hidden,),
        "norm_c": (hidden,),
        "norm_c_bias": (hidden,),
    }
    for name, shape in sizes.items():
        tensor = getattr(weights, name)
        if tensor is not None and (tensor.shape != shape or tensor.device != device):
            _refuse(name, tensor, shape, device)
    norms = [getattr(weights, name) is not None for name in list(sizes)[1:]]
    wanted = [any(norms)] * 2 + [any(norms) and cell.normalises] * 2
    if norms != wanted:
        expected = "all of norm_x and norm_h, and for an LSTM norm_c and norm_c_bias; or none"
        raise RuntimeError(must("the weights of layer normalisation", expected, norms))
    if any(norms) and (cell.feed is not None or not cell.state_gates):
        raise RuntimeError(must("layer normalisation", "of a cell that can have it", cell.name))
    if (weights.units is None) and cell.needs_units:
        raise RuntimeError(must("units", f"of the shape {sizes['units']}", None))
    if weights.units is not None and not cell.unit_weights:
        raise RuntimeError(must("units", f"None for the cell {cell.name!r}", "a tensor"))


def _check_flags(
    name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> None:
    if tensor.shape != shape or tensor.device != device:
        _refuse(name, tensor, shape, device)
    if tensor.dtype != dtype:
        raise RuntimeError(must(name, f"of the type {dtype}", tensor.dtype))


def _refuse(name: str, tensor: Tensor, shape: tuple[int, ...], device: torch.device) -> NoReturn:
    if tuple(tensor.shape) != shape:
        raise RuntimeError(must(name, f"of the shape {shape}", tuple(tensor.shape)))
    raise RuntimeError(must(name, f"on the device of x, {device}", tensor.device))


def existing_steps(x: Tensor, lengths: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """The steps that exist, (T, B) bool, or None for all of them."""
    if lengths is None:
        return mask
    within = torch.arange(x.shape[0], device=x.device).unsqueeze(1) < lengths
    return within if mask is None else within & mask
