"""What a walk over time is given: one layer's weights in one direction, and the facts of the case.

Letters for shapes, here and in the files beside this one: T time, B batch, I input size, H hidden
size, R size of the state that is multiplied (H, or the projection's size where there is one),
Gx and Gh the gates fed by the input and by the state.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

import torch
from torch import Tensor

from recur.cells import Cell, State
from recur.messages import must


class Weights(NamedTuple):
    """The weights of one layer in one direction, laid out as in `torch.nn`."""

    w_ih: Tensor  # (Gx * H, I)
    w_hh: Tensor  # (Gh * H, R)
    b_ih: Tensor | None = None  # (Gx * H)
    b_hh: Tensor | None = None  # (Gh * H)
    w_hr: Tensor | None = None  # (R, H), the projection


class Problem(NamedTuple):
    """All that the choice of a path depends on."""

    cell: Cell
    device: torch.device
    dtype: torch.dtype
    input_dtype: torch.dtype
    mixed: bool = False  # the weights and the states are not all of one type
    transformed: bool = False  # a function transform or forward-mode differentiation is active

    @staticmethod
    def of(cell: Cell, weights: Weights, x: Tensor | None = None, state: State = ()) -> Problem:
        """The problem that these weights pose, with this input and state (or of their own type)."""
        w_hh = weights.w_hh
        dtype = w_hh.dtype
        mixed = False
        for tensor in (*weights, *state):
            mixed = mixed or (tensor is not None and tensor.dtype != dtype)
        return Problem(
            cell,
            w_hh.device,
            dtype,
            dtype if x is None else x.dtype,
            mixed,
            torch._C._are_functorch_transforms_active()
            or torch.autograd.forward_ad._current_level >= 0,
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
    width = weights.w_hh.shape[-1]
    hidden = width if weights.w_hr is None else weights.w_hr.shape[-1]
    fed, back = cell.input_gates * hidden, cell.state_gates * hidden
    device = x.device
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
    if state is not None:
        sizes = (width, *[hidden] * (len(cell.states) - 1))
        for name, tensor, size in zip(cell.states, state, sizes, strict=True):
            if tensor.shape[1:] != (batch, size) or len(tensor) <= direction:
                _refuse(f"state {name}", tensor[direction], (batch, size), device)
            if tensor.device != device:
                _refuse(f"state {name}", tensor, tuple(tensor.shape), device)
    if lengths is not None:
        _check_flags("lengths", lengths, (batch,), torch.int64, device)
    for name, tensor in (("mask", mask), ("reset", reset)):
        if tensor is not None:
            _check_flags(name, tensor, (time, batch), torch.bool, device)


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
