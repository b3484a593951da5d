"""What a network believes while a sequence is still coming in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recur.data.sequences import Sequences
from recur.training import predict


def beliefs(model: nn.Module, x: Any, moments: Sequence[int]) -> Tensor:
    """What the model would answer if the sequence ended there.

    Args:
        model: many-to-one, evaluated without dropout.
        x: (T, ...) one sequence.
        moments: M numbers of steps, from 1 to T.

    Returns:
        (M, ...) its outputs for the first steps, so many as each of `moments` says.
    """
    whole = torch.as_tensor(x)
    found: Tensor = predict(model, Sequences([whole[:steps] for steps in moments]))
    return found
