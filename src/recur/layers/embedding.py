"""The embedding layer: a vector for each token."""

from __future__ import annotations

import functools
from typing import Any, cast

import torch
from torch import Tensor, nn

from recur.engine.cpu import embedding
from recur.engine.cpu.onlookers import watched
from recur.layers import graphs
from recur.layers.checks import check_large

TOKENS = (torch.int64, torch.int32)


class Embedding(graphs.OneNode, nn.Embedding):
    """A table of vectors looked up by token, drop-in for `torch.nn.Embedding`.

    Same constructor, `from_pretrained`, weights, results and errors, bit for bit. On a CPU, for
    float32 and float64, the rows are gathered and the gradient is summed by recur's compiled loops;
    for everything else (`sparse`, `scale_grad_by_freq`, `max_norm`, other devices and types, under
    `torch.compile` and function transforms) torch's own operator serves. Gradients can be
    differentiated again.
    """

    @functools.wraps(nn.Embedding.__init__)  # type: ignore[misc]
    def __init__(self, num_embeddings: int, embedding_dim: int, *args: Any, **options: Any) -> None:
        check_large(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        super().__init__(num_embeddings, embedding_dim, *args, **options)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The vector of each token.

        Args:
            input: tokens from 0 to `num_embeddings` - 1, int64 or int32, of any shape.

        Returns:
            (*input.shape, embedding_dim).

        Raises:
            IndexError: a token outside the table.
            RuntimeError: tokens that are no integers, or on another device than the table.
        """
        tracer: Any = graphs.tracer_of(input)
        if tracer is not None and tracer.root is not self:
            return cast(Tensor, graphs.node(tracer, self, input))
        # A compiler sees torch's operator, which it knows how to fuse.
        if watched() or declines(self) is not None:
            return super().forward(input)
        if type(input) is not Tensor or input.dtype not in TOKENS or not input.is_cpu:
            return super().forward(input)
        padding = -1 if self.padding_idx is None else self.padding_idx
        return embedding.embed(self.weight, input, padding)


def declines(layer: nn.Embedding) -> str | None:
    """Why recur's loops cannot serve this layer, and torch's operator does; None if they can."""
    for name in ("sparse", "scale_grad_by_freq"):
        if getattr(layer, name):
            return f"{name}=True is left to torch"
    if layer.max_norm is not None:
        return "max_norm is left to torch"
    return embedding.declines(layer.weight)
