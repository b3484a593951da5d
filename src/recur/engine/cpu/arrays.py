"""Tensors as the compiled loops are handed them: where they lie, and what they must lie like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

_PLAIN = {Tensor, torch.nn.Parameter, type(None)}


def all_plain(tensors: Iterable[Any]) -> bool:
    """Whether each is a tensor or None, and no subclass, which may hold no memory of its own."""
    return _PLAIN.issuperset(map(type, tensors))


def all_dense(tensors: Sequence[Any]) -> Sequence[Any]:
    """The tensors, the first with a dense last axis, all others dense."""
    for tensor in tensors:
        if tensor is not None and not tensor.is_contiguous():
            return [dense_rows(tensors[0]), *map(dense, tensors[1:])]
    return tensors


def dense(tensor: Tensor | None) -> Tensor | None:
    """The tensor, or a dense copy."""
    return tensor if tensor is None or tensor.is_contiguous() else _copied(tensor)


def dense_rows(tensor: Tensor | None) -> Tensor | None:
    """The tensor, or a copy whose last axis is dense."""
    if tensor is None or tensor.is_contiguous() or tensor.stride(-1) == 1:
        return tensor
    return _copied(tensor)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def pointer(tensor: Tensor | None) -> int:
    """Where it begins; 0 for None."""
    return 0 if tensor is None else tensor.data_ptr()


def part(tensor: Tensor | None, d: int, count: int) -> int:
    """Where the part of direction `d` begins, of a dense tensor in as many parts as directions."""
    if tensor is None:
        return 0
    if not d:
        return tensor.data_ptr()
    return tensor.data_ptr() + tensor.numel() // count * d * tensor.element_size()


def strided(tensor: Tensor | None, d: int, count: int) -> tuple[int, int, int]:
    """Where direction `d` stands in a (T, B, D * R), and its strides of time and batch."""
    if tensor is None:
        return 0, 0, 0
    offset = tensor.shape[2] // count * d * tensor.element_size()
    return tensor.data_ptr() + offset, tensor.stride(0), tensor.stride(1)


def like_layout(x: Tensor, size: int) -> Tensor:
    """An empty (T, B, size) that lies in memory as `x` does: time first or batch first."""
    time, batch = x.shape[:2]
    if x.stride(0) < x.stride(1):
        return x.new_empty(batch, time, size).transpose(0, 1)
    return x.new_empty(time, batch, size)
