"""What is carried from one piece of a sequence to the next: a recurrent state, detached.

A state is a tensor, or tuples, lists and dictionaries of states; None stands for zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from recur.messages import InputError, must


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
    """The way back from `packed`, where JSON has made lists of tuples: they come back as tuples."""
    if isinstance(lies, dict):
        return {name: unpacked(tensors, part) for name, part in lies.items()}
    if isinstance(lies, list):
        return tuple(unpacked(tensors, part) for part in lies)
    return None if lies is None else tensors[str(lies)]


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
