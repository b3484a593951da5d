"""The embedding layer: a vector for each token."""

from __future__ import annotations

import functools
from typing import Any, cast

import torch
from torch import Tensor, nn

from recur.engine.conditions import Condition, declined
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
        rows = quick(self, input)
        return super().forward(input) if rows is None else rows


def quick(layer: nn.Embedding, tokens: Tensor) -> Tensor | None:
    """The rows by recur's loops; None where torch's operator serves."""
    # A compiler sees torch's operator, which it knows how to fuse.
    if watched() or type(tokens) is not Tensor or tokens.dtype not in TOKENS or not tokens.is_cpu:
        return None
    if declined(CONDITIONS, layer) is not None:
        return None
    return embedding.embed(layer.weight, tokens, _padding(layer))


def _padding(layer: nn.Embedding) -> int:
    return -1 if layer.padding_idx is None else layer.padding_idx


def _option(layer: nn.Embedding) -> str | None:
    for name in ("sparse", "scale_grad_by_freq"):
        if getattr(layer, name):
            return f"{name}=True is left to torch"
    return None if layer.max_norm is None else "max_norm is left to torch"


# Why recur's loops cannot serve a layer, and torch's operator does.
CONDITIONS = (
    Condition("an embedding with `sparse`, `scale_grad_by_freq` or `max_norm`", _option),
    Condition(
        "an embedding in other types than float32 and float64, or not on the CPU",
        lambda layer: embedding.declines(layer.weight),
    ),
)
