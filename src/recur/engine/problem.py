"""What a walk over time is given: one layer's weights in one direction, and the facts of the case.

Letters for shapes, here and in the files beside this one: T time, B batch, I input size, H hidden
size, R size of the state that is multiplied (H, or the projection's size where there is one),
Gx and Gh the gates fed by the input and by the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(frozen=True)
class Problem:
    """All that the choice of a path depends on."""

    cell: Cell
    device: torch.device
    dtype: torch.dtype
    input_dtype: torch.dtype
    mixed: bool = False  # the weights and the states are not all of one type
    projected: bool = False
    transformed: bool = False  # a function transform or forward-mode differentiation is active

    @staticmethod
    def of(cell: Cell, weights: Weights, x: Tensor | None = None, state: State = ()) -> Problem:
        """The problem that these weights pose, with this input and state (or of their own type)."""
        w_hh = weights.w_hh
        return Problem(
            cell=cell,
            device=w_hh.device,
            dtype=w_hh.dtype,
            input_dtype=w_hh.dtype if x is None else x.dtype,
            mixed=any(t is not None and t.dtype != w_hh.dtype for t in (*weights, *state)),
            projected=weights.w_hr is not None,
            transformed=torch._C._are_functorch_transforms_active()
            or torch.autograd.forward_ad._current_level >= 0,
        )


def check(
    cell: Cell,
    x: Tensor,
    state: State,
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
    widths = [width] + [hidden] * (len(cell.states) - 1)
    fed, back = cell.input_gates * hidden, cell.state_gates * hidden
    given = [
        ("w_ih", weights.w_ih, (fed, inputs), None),
        ("w_hh", weights.w_hh, (back, width), None),
        ("b_ih", weights.b_ih, (fed,), None),
        ("b_hh", weights.b_hh, (back,), None),
        ("w_hr", weights.w_hr, (width, hidden), None),
        *(
            (f"state {name}", tensor, (batch, size), None)
            for name, tensor, size in zip(cell.states, state, widths, strict=True)
        ),
        ("lengths", lengths, (batch,), torch.int64),
        ("mask", mask, (time, batch), torch.bool),
        ("reset", reset, (time, batch), torch.bool),
    ]
    for name, tensor, shape, dtype in given:
        if tensor is None:
            continue
        if tuple(tensor.shape) != shape:
            raise RuntimeError(must(name, f"of the shape {shape}", tuple(tensor.shape)))
        if dtype is not None and tensor.dtype != dtype:
            raise RuntimeError(must(name, f"of the type {dtype}", tensor.dtype))
        if tensor.device != x.device:
            raise RuntimeError(must(name, f"on the device of x, {x.device}", tensor.device))


def existing_steps(x: Tensor, lengths: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """The steps that exist, (T, B) bool, or None for all of them."""
    if lengths is None:
        return mask
    within = torch.arange(x.shape[0], device=x.device).unsqueeze(1) < lengths
    return within if mask is None else within & mask
