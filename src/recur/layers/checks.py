"""What a layer is given, checked: errors of the same types as `torch.nn`'s, in its words.

Programs catch them and tests match them, so each text begins as torch's does and then says what to
do.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


def check_input(
    kind: str,
    input: Tensor | PackedSequence,  # noqa: A002 - torch's name
    *,
    size: int,
    dtype: torch.dtype,
) -> None:
    """Checks rank, dtype and feature size.

    Raises:
        TypeError: neither a tensor nor a PackedSequence.
        ValueError: a wrong rank, or a dtype that is not the weights'.
        RuntimeError: a wrong feature size.
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
    if data.dtype != dtype and not torch.is_autocast_enabled(data.device.type):
        raise ValueError(
            f"RNN input dtype ({data.dtype}) does not match weight dtype ({dtype}). "
            f"Convert input: input.to({dtype}), or convert model: model.to({data.dtype})"
        )
    if data.shape[-1] != size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {size}, got {data.shape[-1]}"
        )


def check_states(
    states: tuple[Tensor, ...], expected: list[tuple[int, int, int]], batched: bool
) -> None:
    """Checks the initial states against the shapes (layers * directions, batch, size).

    Raises:
        RuntimeError: a wrong rank or shape.
    """
    rank = 3 if batched else 2
    names = ["hx", "cx"][: len(expected)]
    if len(states) != len(expected):
        raise RuntimeError(
            f"Expected the initial state to be {len(expected)} tensors ({', '.join(names)}), "
            f"got {len(states)}"
        )
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
