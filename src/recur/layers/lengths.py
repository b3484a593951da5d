"""Lengths and flags as people give them, checked and made into tensors."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recur.messages import InputError, must

# Anything that torch.as_tensor takes: lists, numpy arrays, tensors on any device.
Lengths = Sequence[int] | Tensor | Any


def as_lengths(lengths: Lengths, *, time: int, batch: int, device: torch.device) -> Tensor:
    """Returns lengths as an int64 tensor (batch,) on `device`.

    Args:
        lengths: the number of steps in each row, 0 to `time`; a list, an array, or a tensor on
            any device. For one row a plain number will do.
        time: the steps that the padded tensor has.
        batch: its rows.
        device: where the tensor is wanted.

    Raises:
        InputError: a wrong count, kind or value; the text names the first row that is wrong. In
            a compiled graph a wrong value is a RuntimeError of the run.
    """
    tensor = _as_tensor("lengths", "integers, one for each row", lengths)
    if tensor.is_meta:
        raise InputError(
            must("lengths", "numbers", "a tensor on the device 'meta'", "Give a list of integers.")
        )
    if tensor.ndim == 0 and batch == 1:
        tensor = tensor.reshape(1)
    if tensor.ndim != 1 or tensor.shape[0] != batch:
        got = f"the shape {tuple(tensor.shape)}"
        raise InputError(must("lengths", f"one number for each of the {batch} rows", got))
    if tensor.numel() and (tensor.is_floating_point() or tensor.dtype == torch.bool):
        raise InputError(must("lengths", "integers", str(tensor.dtype), "Convert with .long()."))
    advice = "Check the lengths, and that batch_first matches the input."
    if torch.compiler.is_compiling():
        # A trace must read no number, or the graph would serve it alone: checked when it runs.
        fits = ((tensor >= 0) & (tensor <= time)).all()
        limits = "between 0 and the steps of the padded input"
        torch._assert_async(fits, must("lengths", limits, "others", advice))
        # A graph may walk before it checks, and must not walk beyond the input.
        tensor = tensor.clamp(0, time)
    elif not torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        # (Within vmap there is no number to read; the reference walks, and a length that is too
        # great is the whole row.)
        limits = f"between 0 and {time}, the steps of the padded input"
        for row, length in enumerate(tensor.tolist()):
            if not 0 <= length <= time:
                raise InputError(must("lengths", limits, f"{length} in row {row}", advice))
    return tensor.to(device=device, dtype=torch.int64)


def as_flags(what: str, flags: Any, *, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Returns a mask or reset flags as a bool tensor of `shape` on `device`.

    Raises:
        InputError: if the shape differs, or the values are no booleans (0 and 1 are accepted).
    """
    tensor = _as_tensor(what, "booleans, one for each step and row", flags)
    if tuple(tensor.shape) != shape:
        raise InputError(
            must(
                what,
                f"of the shape {shape}, a flag for each step and row of the input",
                f"the shape {tuple(tensor.shape)}",
                "Its axes are laid out as the input's are (batch_first).",
            )
        )
    if tensor.dtype != torch.bool:
        other = tensor[(tensor != 0) & (tensor != 1)]
        if other.numel():
            raise InputError(must(what, "booleans, or 0 and 1", f"the value {other[0].item()}"))
        tensor = tensor != 0
    return tensor.to(device)


def _as_tensor(what: str, kind: str, given: Any) -> Tensor:
    if not isinstance(given, Tensor | list | tuple):
        # Torch takes neither a reversed array nor (without a warning) one that is read-only.
        given = np.array(given)
    try:
        return torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(must(what, kind, reprlib.repr(given))) from error
