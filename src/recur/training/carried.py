"""What is carried from one piece of a sequence to the next: a recurrent state, detached.

A state is a tensor, or tuples, lists and dictionaries of states; None stands for zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from recur.messages import InputError, must, shown


def detached(state: Any) -> Any:
    """The same state, through which no gradient goes back.

    Raises:
        InputError: if it holds something that is no tensor.
    """
    return _each(state, Tensor.detach)


def packed(state: Any) -> tuple[dict[str, Tensor], Any]:
    """The tensors of a state by name, and how they lie in it, as JSON."""
    tensors: dict[str, Tensor] = {}

    def number(tensor: Tensor) -> int:
        tensors[str(len(tensors))] = tensor
        return len(tensors) - 1

    return tensors, _each(state, number)


def unpacked(tensors: Mapping[str, Tensor], lies: Any) -> Any:
    """The way back from `packed`, where JSON has made lists of tuples: they come back as tuples.

    Raises:
        InputError: if `lies` names other tensors than there are.
    """
    if isinstance(lies, dict):
        return {name: unpacked(tensors, part) for name, part in lies.items()}
    if isinstance(lies, list):
        return tuple(unpacked(tensors, part) for part in lies)
    if lies is not None and (type(lies) is not int or str(lies) not in tensors):
        raise InputError(must("a part of a carried state", "the number of a tensor", shown(lies)))
    return None if lies is None else tensors[str(lies)]


def on_device(state: Any, device: torch.device) -> Any:
    """The same state, on a device."""
    return _each(state, lambda tensor: tensor.to(device))


def _each(state: Any, change: Callable[[Tensor], Any]) -> Any:
    if state is None:
        return None
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, dict):
        return {name: _each(part, change) for name, part in state.items()}
    if isinstance(state, tuple | list):
        return tuple(_each(part, change) for part in state)
    raise InputError(must("a state", "tensors, or tuples of them", type(state).__name__))
