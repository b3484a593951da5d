"""What a layer is given, checked: errors of the same types as `torch.nn`'s, in its words.

Programs catch them and tests match them, so each text begins as torch's does and then says what to
do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from recur.messages import must


def check_input(
    kind: str,
    input: Tensor | PackedSequence,  # noqa: A002 - torch's name
    *,
    size: int,
    weight: Tensor,
) -> None:
    """Checks rank, dtype, feature size and device against a weight of the layer.

    Raises:
        TypeError: neither a tensor nor a PackedSequence.
        ValueError: a wrong rank, or a dtype that is not the weights'.
        RuntimeError: a wrong feature size, a wrong rank in a PackedSequence, or another device.
    """
    packed = isinstance(input, PackedSequence)
    data = input.data if isinstance(input, PackedSequence) else input
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{kind}: Expected input to be a Tensor or a PackedSequence, got "
            f"{type(input).__name__} instead. Convert it with torch.as_tensor."
        )
    if not packed and data.dim() not in (2, 3):
        raise ValueError(
            f"{kind}: Expected input to be 2D or 3D, got {data.dim()}D instead. Give (time, "
            "features) for one sequence, or a batch of them with three axes."
        )
    if data.dtype != weight.dtype and not torch.is_autocast_enabled(data.device.type):
        raise ValueError(
            f"RNN input dtype ({data.dtype}) does not match weight dtype ({weight.dtype}). "
            f"Convert input: input.to({weight.dtype}), or convert model: model.to({data.dtype})"
        )
    if packed and data.dim() != 2:
        raise RuntimeError(
            f"input must have 2 dimensions, got {data.dim()}. Pack (time, batch, features)."
        )
    if data.shape[-1] != size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {size}, got {data.shape[-1]}"
        )
    if data.device != weight.device:
        raise RuntimeError(
            "Input and parameter tensors are not at the same device, found input tensor at "
            f"{data.device} and parameter tensor at {weight.device}. Move one with .to(device)."
        )


def check_states(
    states: tuple[Any, ...], expected: list[tuple[int, int, int]], batched: bool, x: Tensor
) -> None:
    """Checks the initial states against the shapes (layers * directions, batch, size), and x.

    Raises:
        TypeError: something else than tensors.
        RuntimeError: a wrong number, rank or shape, or another dtype or device than x has.
    """
    rank = 3 if batched else 2
    names = ["hx", "cx"][: len(expected)]
    if len(states) != len(expected):
        raise RuntimeError(
            f"Expected the initial state to be {len(expected)} tensors ({', '.join(names)}), "
            f"got {len(states)}"
        )
    for state in states:
        if not isinstance(state, Tensor):
            got = type(state).__name__
            raise TypeError(must("The initial state", "made of tensors", got))
    if any(state.dim() != rank for state in states):
        kind = "batched 3-D" if batched else "unbatched 2-D"
        got = ", ".join(f"{state.dim()}-D" for state in states)
        many = len(states) > 1
        raise RuntimeError(
            f"For {kind} input, {' and '.join(names)} should also be {rank}-D but got "
            + (f"({got}) tensors" if many else f"{got} tensor")
        )
    for index, (state, shape) in enumerate(zip(states, expected, strict=True)):
        want = shape if batched else (shape[0], shape[2])
        if tuple(state.shape) != want:
            which = f"hidden[{index}]" if len(states) > 1 else "hidden"
            raise RuntimeError(f"Expected {which} size {want}, got {list(state.shape)}")
        if state.device != x.device:
            raise RuntimeError(
                "Input and hidden tensors are not at the same device, found input tensor at "
                f"{x.device} and hidden tensor at {state.device}. Move one with .to(device)."
            )
        if state.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
            raise RuntimeError(
                must(names[index], f"{x.dtype}, as the input is", state.dtype, "Use .to(dtype).")
            )
