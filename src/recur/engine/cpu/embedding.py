"""The compiled embedding: rows of a table by token, and the table's gradient.

The numbers are torch's own, bit for bit: the gradient of a row is the sum over its tokens in their
order. Torch adds them one call for each token; here it is one loop (embedding.h).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from ctypes import c_int32, c_int64, c_void_p
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Parameter

from recur.engine.cpu import library, threads
from recur.engine.cpu.onlookers import batched, watched

DTYPES = {torch.float32: 0, torch.float64: 1}  # as in scan.h
_OUT_OF_RANGE = 3  # as in embedding.cpp
# Of fewer tokens torch's operator takes less time: its backward takes about 0.055 microseconds a
# token, and ours 25 before its first.
FEW = 512


def declines(table: Tensor) -> str | None:
    """Why the compiled loops cannot serve this table; None if they can."""
    if type(table) is not Parameter and type(table) is not Tensor:
        return f"the table is a {type(table).__name__}"
    if not table.is_cpu:
        return f"the table is on the device {table.device.type!r}"
    if table.dtype not in DTYPES:
        return f"the type is {table.dtype}; compiled are float32 and float64"
    if library.library() is None:
        return f"no compiled engine is installed, or {library.SETTING} is 'none'"
    return None


def embed(table: Tensor, tokens: Tensor, padding: int = -1) -> Tensor:
    """The row of each token, (*tokens.shape, columns); `padding` adds nothing to the gradient.

    The caller has asked `declines` and `watched`; `tokens` is an integer tensor on the CPU.

    Raises:
        IndexError: a token without a row, in torch's words.
    """
    if tokens.numel() < FEW:
        return F.embedding(tokens, table, None if padding < 0 else padding)
    if table.requires_grad and torch.is_grad_enabled():
        rows: Tensor = _Embed.apply(table, tokens, padding)  # type: ignore[no-untyped-call]
        return rows
    return _gather(table, tokens)


class _Embed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, tokens: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.rows, ctx.padding = table.shape[0], padding
        return _gather(table, tokens)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (tokens,) = ctx.saved_tensors
        if torch.is_grad_enabled() or watched() or not _plain(gradient):
            # Torch's operator can be differentiated again, mapped and traced.
            summed = torch.ops.aten.embedding_dense_backward(
                gradient, tokens, ctx.rows, ctx.padding, False
            )
        else:
            summed = _sum(gradient, tokens, ctx.rows, ctx.padding)
        return summed, None, None


def _plain(gradient: Tensor) -> bool:
    return type(gradient) is Tensor and not batched(gradient)


def _gather(table: Tensor, tokens: Tensor) -> Tensor:
    rows, columns = table.shape
    out = table.new_empty((*tokens.shape, columns))
    table, tokens = table.contiguous(), tokens.long().contiguous()
    status = _entry("forward", library.library())(
        DTYPES[table.dtype],
        table.data_ptr(),
        tokens.data_ptr(),
        tokens.numel(),
        rows,
        columns,
        threads.count(),
        out.data_ptr(),
    )
    if status == _OUT_OF_RANGE:
        raise IndexError("index out of range in self")
    assert status == 0, status
    return out


def _sum(gradient: Tensor, tokens: Tensor, rows: int, padding: int) -> Tensor:
    columns = gradient.shape[-1]
    summed = gradient.new_empty((rows, columns))
    gradient, tokens = gradient.contiguous(), tokens.long().contiguous()
    status = _entry("backward", library.library())(
        DTYPES[gradient.dtype],
        gradient.data_ptr(),
        tokens.data_ptr(),
        tokens.numel(),
        rows,
        columns,
        padding,
        threads.count(),
        summed.data_ptr(),
    )
    assert status == 0, status
    return summed


@functools.cache
def _entry(which: str, loaded: library.Library) -> Callable[..., int]:
    entry: Any = getattr(loaded._library, f"recur_embedding_{which}")
    numbers = {"forward": 4, "backward": 5}[which]
    entry.argtypes = [c_int32, c_void_p, c_void_p, *[c_int64] * numbers, c_void_p]
    return cast(Callable[..., int], entry)
