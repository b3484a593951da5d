"""Long sequences cut into segments that are walked side by side, each from a state of zero.

R. Johnson and T. Zhang, "Supervised and semi-supervised text categorization using LSTM for region
embeddings", ICML 2016, section 3.2: where outputs are pooled over a whole text, a state need not
reach back further than a phrase, and many short rows are walked in less time than few long ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.layers.lengths import Lengths, as_lengths


def in_segments(
    walk: Callable[..., Tensor], x: Tensor, lengths: Lengths | Tensor | None, steps: int
) -> Tensor:
    """The outputs (batch, time, size) of layers that see a segment at a time.

    Args:
        walk: `walk(x, lengths=lengths)`, recurrent layers that return the outputs of all steps.
        x: (batch, time, features).
        lengths: the steps of each row; None if all are full.
        steps: of a segment, at most.

    Raises:
        InputError: lengths that do not fit.
    """
    batch, time, size = x.shape
    if time <= steps:
        return walk(x, lengths=lengths)
    full = torch.full((batch,), time, device=x.device)
    ends = full if lengths is None else as_lengths(lengths, time=time, batch=batch, device=x.device)
    count = -(-time // steps)
    filled = F.pad(x, (0, 0, 0, count * steps - time)).view(batch * count, steps, size)
    begins = torch.arange(count, device=x.device) * steps
    each = (ends.unsqueeze(1) - begins).clamp(0, steps).flatten()
    return walk(filled, lengths=each).reshape(batch, count * steps, -1)[:, :time]
