"""What people want from a recurrent layer's outputs, right for padding and both directions.

The mistake that everyone makes once: `outputs[:, -1]` is padding in every row but the longest, and
for the reverse direction it is the output after one step, not after all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recur.layers.lengths import Lengths, as_lengths
from recur.messages import InputError, must


def last_output(
    outputs: Tensor,
    lengths: Lengths | None = None,
    *,
    batch_first: bool = False,
    bidirectional: bool = False,
) -> Tensor:
    """The output of each row after all its steps.

    Args:
        outputs: (time, batch, size), or (batch, time, size) with `batch_first`.
        lengths: the steps of each row; None if all rows are full. A row of length 0 gives zeros.
        batch_first: the layout of `outputs`.
        bidirectional: the second half of `size` walked from the end: its last output is at step 0.

    Returns:
        (batch, size).

    Raises:
        InputError: a wrong rank, an odd size with `bidirectional`, or lengths that do not fit.
    """
    y, steps = _time_first(outputs, lengths, batch_first)
    time, batch, size = y.shape
    if not time:
        return y.new_zeros(batch, size)
    at = (steps - 1).clamp(min=0).view(1, batch, 1).expand(1, batch, size)
    ends = y.gather(0, at).squeeze(0)
    if bidirectional:
        half = _half(size)
        ends = torch.cat([ends[:, :half], y[0, :, half:]], dim=-1)
    return torch.where((steps > 0).unsqueeze(-1), ends, 0)


def mean_output(
    outputs: Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> Tensor:
    """The mean of each row's outputs over its own steps, (batch, size); zeros for a length of 0.

    Arguments and errors as for `last_output`.
    """
    y, steps = _time_first(outputs, lengths, batch_first)
    total = torch.where(_exists(y, steps), y, 0).sum(dim=0)
    return total / steps.clamp(min=1).unsqueeze(-1).to(y.dtype)


def sum_output(
    outputs: Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> Tensor:
    """The sum of each row's outputs over the square root of its steps, (batch, size).

    Of outputs that hang together by chance alone it is as large as one of them, however long the
    row. A row of length 0 gives zeros. Arguments and errors as for `last_output`.
    """
    y, steps = _time_first(outputs, lengths, batch_first)
    total = torch.where(_exists(y, steps), y, 0).sum(dim=0)
    return total / steps.clamp(min=1).sqrt().unsqueeze(-1).to(y.dtype)


def max_output(
    outputs: Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> Tensor:
    """The greatest value of each unit over each row's own steps, (batch, size).

    A row of length 0 gives zeros. Arguments and errors as for `last_output`.
    """
    y, steps = _time_first(outputs, lengths, batch_first)
    if not y.shape[0]:
        return y.new_zeros(y.shape[1:])
    greatest = torch.where(_exists(y, steps), y, -torch.inf).amax(dim=0)
    return torch.where((steps > 0).unsqueeze(-1), greatest, 0)


def last_hidden(h_n: Tensor, *, bidirectional: bool = False) -> Tensor:
    """The top layer's final state from `h_n` (layers * directions, batch, size).

    Returns:
        (batch, directions * size): the two directions side by side. It is what `last_output` gives.

    Raises:
        InputError: if `h_n` has another rank, or an odd first axis with `bidirectional`.
    """
    if h_n.dim() != 3:
        raise InputError(must("h_n", "of three axes (layers * directions, batch, size)", h_n.dim()))
    directions = 2 if bidirectional else 1
    if h_n.shape[0] % directions or not h_n.shape[0]:
        raise InputError(
            must("h_n's first axis", f"a multiple of {directions} above 0", h_n.shape[0])
        )
    return torch.cat(list(h_n[-directions:]), dim=-1)


def split_directions(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """The forward and the reverse half of a bidirectional layer's outputs (..., 2 * size).

    Raises:
        InputError: if the last axis is odd.
    """
    half = _half(outputs.shape[-1])
    return outputs[..., :half], outputs[..., half:]


def reverse_sequences(
    x: Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> Tensor:
    """Turns each row around within its own length; the padding stays where it is.

    Args:
        x: (time, batch, ...), or (batch, time, ...) with `batch_first`.
        lengths: the steps of each row; None if all rows are full.
        batch_first: the layout of `x`.

    Raises:
        InputError: a rank below 2, or lengths that do not fit.
    """
    if x.dim() < 2:
        raise InputError(must("x", "of at least two axes", f"{x.dim()}"))
    y = x.transpose(0, 1) if batch_first else x
    time, batch = y.shape[:2]
    steps = torch.arange(time, device=y.device).unsqueeze(1).expand(time, batch)
    ends = _steps(y, lengths)
    source = torch.where(steps < ends, ends - 1 - steps, steps)
    rows = torch.arange(batch, device=y.device).unsqueeze(0)
    turned = y[source, rows]
    return turned.transpose(0, 1) if batch_first else turned


def _time_first(
    outputs: Tensor, lengths: Lengths | None, batch_first: bool
) -> tuple[Tensor, Tensor]:
    if outputs.dim() != 3:
        layout = "(batch, time, size)" if batch_first else "(time, batch, size)"
        raise InputError(must("outputs", f"of three axes {layout}", f"{outputs.dim()}"))
    y = outputs.transpose(0, 1) if batch_first else outputs
    return y, _steps(y, lengths)


def _steps(y: Tensor, lengths: Lengths | None) -> Tensor:
    if lengths is None:
        return torch.full((y.shape[1],), y.shape[0], device=y.device)
    return as_lengths(lengths, time=y.shape[0], batch=y.shape[1], device=y.device)


def _exists(y: Tensor, steps: Tensor) -> Tensor:
    return (torch.arange(y.shape[0], device=y.device).unsqueeze(1) < steps).unsqueeze(-1)


def _half(size: int) -> int:
    if size % 2:
        raise InputError(must("the size of bidirectional outputs", "even", size))
    return size // 2
