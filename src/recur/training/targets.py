"""Outputs and targets, brought to the same shape; never broadcast against each other in silence.

Outputs of shape (B, 1) and targets of shape (B,) mean the same thing, and torch would broadcast
them to (B, B) without a word. Here targets take the shape of the outputs, or an error says why
they cannot.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.messages import InputError, must


def like_outputs(outputs: Tensor, targets: Tensor) -> Tensor:
    """Returns targets in the shape and type of the outputs.

    Raises:
        InputError: if they differ by more than axes of length 1.
    """
    if outputs.shape != targets.shape:
        if not same_but_for_ones(outputs.shape, targets.shape):
            todo = (
                "Change the last layer or the targets, so that each output has its target; for "
                "class numbers take the loss 'cross_entropy'."
            )
            expected = f"of the shape of the model's outputs, {tuple(outputs.shape)}"
            raise InputError(must("targets", expected, f"shape {tuple(targets.shape)}", todo))
        targets = targets.reshape(outputs.shape)
    return targets.to(outputs.dtype)


def class_numbers(scores: Tensor, targets: Tensor) -> Tensor:
    """Returns class numbers (...) as int64 for scores (..., C), or probabilities (..., C).

    Raises:
        InputError: if there is not one class, or one probability for each score, an example.
    """
    if scores.dim() < 2 or scores.shape[-1] < 2:
        todo = "For two classes with one output take 'binary_crossentropy_with_logits'."
        expected = "at least two scores an example, (batch, ..., classes)"
        got = f"outputs of shape {tuple(scores.shape)}"
        raise InputError(must("outputs for 'cross_entropy'", expected, got, todo))
    if targets.shape == scores.shape:
        return targets.to(scores.dtype)
    rows = scores.shape[:-1]
    if targets.shape != rows:
        if not same_but_for_ones(rows, targets.shape):
            expected = f"one class number for each row of the scores, {tuple(rows)}"
            todo = "The model's output must be (batch, classes) or (batch, time, classes)."
            raise InputError(must("targets", expected, f"shape {tuple(targets.shape)}", todo))
        targets = targets.reshape(rows)
    return targets.long()


def existing(
    outputs: Tensor, targets: Tensor, lengths: Tensor | None, steps: int
) -> tuple[Tensor, Tensor]:
    """Leaves out padded steps where there is a target for every step (B, T, ...).

    Args:
        outputs: (B, T, ...) or (B, ...).
        targets: the same of the targets.
        lengths: (B,) steps that exist; None if all do.
        steps: T of the batch.

    Returns:
        the pair as given, or (L, ...) of the L steps that exist.
    """
    within = which_exist(outputs, targets, lengths, steps)
    if within is None:
        return outputs, targets
    return outputs[within], targets[within.to(targets.device)]


def which_exist(
    outputs: Tensor, targets: Tensor, lengths: Tensor | None, steps: int
) -> Tensor | None:
    """(B, T) True at the steps that `existing` keeps; None where it keeps all as they are."""
    per_step = (
        lengths is not None
        and min(outputs.dim(), targets.dim()) >= 2
        and targets.shape[1] == steps
        and outputs.shape[:2] == targets.shape[:2]
    )
    if not per_step:
        return None
    assert lengths is not None
    return torch.arange(steps, device=outputs.device) < lengths.to(outputs.device).unsqueeze(1)


def same_but_for_ones(a: torch.Size, b: torch.Size) -> bool:
    """Whether two shapes are the same when axes of length 1 are left out."""
    return [n for n in a if n != 1] == [n for n in b if n != 1]
