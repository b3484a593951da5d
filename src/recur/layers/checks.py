"""What a layer is given, checked: errors of the same types as `torch.nn`'s, in its words.

Programs catch them and tests match them, so each text begins as torch's does and then says what to
do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from recur.messages import InputError, must

if TYPE_CHECKING:
    from recur.layers.recurrent import Recurrent


def check_input(
    mode: str,
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
            f"{_kind(mode)}: Expected input to be a Tensor or a PackedSequence, got "
            f"{type(input).__name__} instead. Convert it with torch.as_tensor."
        )
    if not packed and data.dim() not in (2, 3):
        raise ValueError(
            f"{_kind(mode)}: Expected input to be 2D or 3D, got {data.dim()}D instead. Give (time, "
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


LARGEST = {"num_layers": 10_000}
"""The most of what layers are made of; of anything else what 32 bits hold."""


def check_large(**sizes: object) -> None:
    """Refuses sizes that no machine has room for: torch would count layers for ever, or overflow.

    Raises:
        InputError: a number that is too large. Others that are wrong are torch's to refuse.
    """
    for name, size in sizes.items():
        if isinstance(size, int) and size > LARGEST.get(name, 2**31 - 1):
            raise InputError(must(name, f"at most {LARGEST.get(name, 2**31 - 1):,}", size))


def _kind(mode: str) -> str:
    """As torch names a layer of the mode, such as "RNN_TANH"."""
    return mode.split("_")[0]


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


def check_together(layer: Recurrent) -> None:
    """Checks that recur's own arguments fit the layer and one another.

    Raises:
        InputError: arguments that contradict one another, or mean nothing for the cell.
    """
    own, cell, name = layer.own, layer.cell, type(layer).__name__
    for argument in ("forget_bias", "chrono"):
        if getattr(own, argument) is not None and not layer.bias:
            raise InputError(must("bias", f"True where a {argument} is given", "False"))
    if own.forget_bias is not None and own.chrono is not None:
        raise InputError(must("forget_bias", "None where chrono is given", own.forget_bias))
    if own.merge != "concat" and not layer.bidirectional:
        expected = "'concat' where there is one direction"
        raise InputError(must("merge", expected, repr(own.merge), "Set bidirectional=True."))
    if not cell.state_gates:
        for argument in ("recurrent_init", "recurrent_dropout", "weight_drop", "layer_norm"):
            value = getattr(own, argument)
            if value:
                expected = f"left out: a {name} has no recurrent matrix"
                raise InputError(must(argument, expected, repr(value)))
    if own.layer_norm and cell.feed is not None:
        expected = (
            "False with reset_after=False: the reset gate would see part of what is normalised"
        )
        raise InputError(must("layer_norm", expected, "True"))
    if layer.proj_size and (own.peepholes or own.coupled or own.layer_norm):
        todo = "Use proj_size, or these, and a linear layer after."
        given = [n for n in ("peepholes", "coupled", "layer_norm") if getattr(own, n)]
        raise InputError(must("proj_size", f"0 with {' and '.join(given)}", layer.proj_size, todo))
    if layer.hidden_size % own.heads:
        raise InputError(must("heads", f"a divisor of {layer.hidden_size}, the units", own.heads))


def tensor(what: str, given: Any) -> Tensor:
    """Returns a tensor as it is.

    Raises:
        InputError: something else.
    """
    if isinstance(given, Tensor):
        return given
    todo = "Convert it with torch.as_tensor."
    raise InputError(must(what, "a tensor", type(given).__name__, todo))
