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
    """The gradients of `tensors`, where needed, through the graph of `results`.

    Zeros where no result depends on a tensor: without a step, none does on the state's weights.
    """
    wanted = [i for i, need in enumerate(needed) if need and tensors[i] is not None]
    given = [
        (result, gradient)
        for result, gradient in zip(results, incoming, strict=False)
        if gradient is not None and result.requires_grad
    ]
    found: Sequence[Tensor | None] = [None] * len(wanted)
    if given:
        found = torch.autograd.grad(
            [result for result, _ in given],
            [tensors[i] for i in wanted],
            [gradient for _, gradient in given],
            create_graph=create_graph,
            allow_unused=True,
        )
    gradients: list[Tensor | None] = [None] * len(tensors)
    for i, gradient in zip(wanted, found, strict=True):
        if gradient is None and tensors[i].numel():
            gradient = torch.zeros_like(tensors[i])
        gradients[i] = gradient
    return gradients


def at_their_places(given: Sequence[Any], there: Sequence[bool]) -> list[Any]:
    """The `given`, one after the other where one is there, else None."""
    left = iter(given)
    return [next(left) if here else None for here in there]
