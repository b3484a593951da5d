"""Outputs and targets, brought to the same shape; never broadcast against each other in silence."""

from __future__ import annotations

import torch
from torch import Tensor

from recur.messages import InputError, must


def same_shape(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Makes (B, 1) and (B,) alike; targets take the type of the outputs.

    Raises:
        InputError: if the shapes still differ.
    """
    if output.dim() == target.dim() + 1 and output.shape[-1] == 1:
        output = output.squeeze(-1)
    elif target.dim() == output.dim() + 1 and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if output.shape != target.shape:
        raise InputError(
            must(
                "the targets y",
                f"of the model's output shape {tuple(output.shape)}",
                f"the shape {tuple(target.shape)}",
                "Change the last layer or the targets; for class numbers use the loss "
                "'cross_entropy'.",
            )
        )
    return output, target.to(output.dtype)


def class_scores(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (..., C) and class numbers (...), flattened to (N, C) and (N,).

    Raises:
        InputError: if the targets are no class numbers for these scores.
    """
    if target.dim() == output.dim() and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if output.dim() < 2 or target.shape != output.shape[:-1]:
        raise InputError(
            must(
                "the targets y",
                f"one class number for each of the scores' rows {tuple(output.shape[:-1])}",
                f"the shape {tuple(target.shape)}",
                "The model's output must be (batch, classes), or (batch, time, classes).",
            )
        )
    if target.is_floating_point():
        raise InputError(must("class numbers", "integers", str(target.dtype), "Convert y to int."))
    flat = target.reshape(-1).long()
    classes = output.shape[-1]
    low, high = (int(flat.min()), int(flat.max())) if flat.numel() else (0, 0)
    if low < 0 or high >= classes:
        bad = high if high >= classes else low
        raise InputError(
            must("class numbers", f"from 0 to {classes - 1} for {classes} scores", str(bad))
        )
    return output.reshape(-1, classes), flat


def existing(
    output: Tensor, target: Tensor, lengths: Tensor | None, steps: int
) -> tuple[Tensor, Tensor]:
    """Leaves out padded steps where there is a target for every step (B, T, ...)."""
    per_step = (
        lengths is not None
        and target.dim() >= 2
        and output.dim() >= 2
        and target.shape[1] == steps == output.shape[1]
        and output.shape[:2] == target.shape[:2]
    )
    if not per_step:
        return output, target
    assert lengths is not None
    within = torch.arange(steps, device=output.device) < lengths.to(output.device).unsqueeze(1)
    return output[within], target[within.to(target.device)]
