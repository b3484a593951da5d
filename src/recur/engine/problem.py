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

from recur.cells import Cell


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
    projected: bool = False
    transformed: bool = False  # a function transform or forward-mode differentiation is active

    @staticmethod
    def of(cell: Cell, weights: Weights, x: Tensor | None = None) -> Problem:
        """The problem that these weights pose, with the input `x` (or one of their own type)."""
        w_hh = weights.w_hh
        return Problem(
            cell=cell,
            device=w_hh.device,
            dtype=w_hh.dtype,
            input_dtype=w_hh.dtype if x is None else x.dtype,
            projected=weights.w_hr is not None,
            transformed=torch._C._are_functorch_transforms_active()
            or torch.autograd.forward_ad._current_level >= 0,
        )


def existing_steps(x: Tensor, lengths: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """The steps that exist, (T, B) bool, or None for all of them."""
    if lengths is None:
        return mask
    within = torch.arange(x.shape[0], device=x.device).unsqueeze(1) < lengths
    return within if mask is None else within & mask
