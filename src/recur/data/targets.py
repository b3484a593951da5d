"""Target sequences of unequal length, in one tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from recur.layers.checks import tensor
from recur.messages import InputError, must

IGNORED = -100
"""The class number that counts for nothing, as in torch's losses: it fills up rows of targets."""


def target_lengths(targets: Tensor, *, classes: int, least: int = 0) -> Tensor:
    """The length of each row of targets, (batch,): what comes before the first -100.

    Args:
        targets: (batch, time) class numbers, filled up with -100.
        classes: the class numbers are below this.
        least: the least class number.

    Raises:
        InputError: a wrong rank, numbers with a fraction, other classes, or -100 within a row.
    """
    tensor("targets", targets)
    if targets.dim() != 2 or targets.is_floating_point() or targets.dtype == torch.bool:
        got = f"{targets.dtype} of the shape {tuple(targets.shape)}"
        raise InputError(must("targets", "class numbers (batch, time)", got))
    known = targets != IGNORED
    lengths = known.sum(dim=1)
    within = torch.arange(targets.shape[1], device=targets.device) < lengths.unsqueeze(1)
    if not torch.equal(known, within):
        row = int((known != within).any(dim=1).nonzero()[0])
        todo = "Fill up the ends of the rows only."
        raise InputError(must("targets of -100", "only at the ends of rows", f"row {row}", todo))
    wrong = targets[known & ((targets < least) | (targets >= classes))]
    if wrong.numel():
        todo = f"Fill up rows with {IGNORED}."
        raise InputError(
            must("targets", f"class numbers from {least} to {classes - 1}", wrong[0].item(), todo)
        )
    return lengths
