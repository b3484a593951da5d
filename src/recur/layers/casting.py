"""Automatic mixed precision: what `torch.autocast` makes of a recurrent layer.

Results come in autocast's type, as those of `nn.Linear` and `torch.nn.LSTM` do, whatever types
input and state have. The walk itself is in the weights' own type on a CPU: float32 is what the
compiled loops are fastest in, and a state that is rounded at each of hundreds of steps drifts.
"""

from __future__ import annotations

import contextlib
from typing import TypeVar, cast

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

T = TypeVar("T", bound=Tensor | PackedSequence)


def autocast_type(weight: Tensor) -> torch.dtype | None:
    """The type that autocast wants results in; None where it is off, and for float64."""
    kind = weight.device.type
    if weight.dtype == torch.float64 or not (
        kind == "cpu" or torch.amp.is_autocast_available(kind)
    ):
        return None
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None


def as_type(given: T, dtype: torch.dtype) -> T:
    """The same numbers in another float type; integers are left for the checks to refuse."""
    data = given.data if isinstance(given, PackedSequence) else given
    if not data.is_floating_point() or data.dtype == dtype:
        return given
    return cast(T, given.to(dtype))


def walking(weight: Tensor) -> contextlib.AbstractContextManager[None]:
    """Keeps autocast out of the walk on a CPU; elsewhere its products are what it is for."""
    if weight.device.type != "cpu":
        return contextlib.nullcontext()
    return torch.autocast("cpu", enabled=False)
