"""What both operators do with autograd: a second derivative, and tensors that may not be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def differentiated(
    results: Sequence[Any],
    tensors: Sequence[Any],
    needed: Sequence[bool],
    incoming: Sequence[Tensor | None],
    *,
    create_graph: bool,
) -> list[Tensor | None]:
    """The gradients of `tensors`, where needed, through the graph of `results`."""
    given = [i for i, gradient in enumerate(incoming[: len(results)]) if gradient is not None]
    wanted = [i for i, need in enumerate(needed) if need and tensors[i] is not None]
    found = torch.autograd.grad(
        [results[i] for i in given],
        [tensors[i] for i in wanted],
        [incoming[i] for i in given],
        create_graph=create_graph,
        allow_unused=True,
    )
    gradients: list[Tensor | None] = [None] * len(tensors)
    for i, gradient in zip(wanted, found, strict=True):
        gradients[i] = gradient
    return gradients


def at_their_places(given: Sequence[Any], there: Sequence[bool]) -> list[Any]:
    """The `given`, one after the other where one is there, else None."""
    left = iter(given)
    return [next(left) if here else None for here in there]
