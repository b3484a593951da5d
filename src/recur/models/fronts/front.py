"""The contract of a front, and what those that know of lengths share.

Letters: B rows, T steps of what is read, T' steps of the features, F numbers of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recur.layers.checks import tensor
from recur.layers.lengths import Lengths, as_lengths
from recur.messages import InputError, must, whole


class Front(nn.Module):
    """`front(x, lengths) -> (features (B, T', F), lengths' or None)`, before recurrent layers.

    The features of a row depend neither on its neighbours nor on what lies beyond its length.
    Those beyond lengths' are not defined; recurrent layers don't read them.

    Attributes:
        size: F.
        aligned: whether time stays as it is, T' = T, so that step t of the features belongs to
            step t of what is read.
        alone: whether the features of a step depend on that step alone. Where they don't, a
            sequence cannot be read in pieces.
        tokens: whether a step is a token, so that dropout may take it whole.
    """

    size: int
    aligned = True
    alone = True
    tokens = False

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """The features of each step.

        Args:
            x: (B, T, ...); each front says which.
            lengths: the steps of each row; None if all rows are full.

        Returns:
            (B, T', F), and the steps of each row of it; None if all are full.

        Raises:
            InputError: what does not fit.
        """
        raise NotImplementedError


def steps_of(x: Tensor, lengths: Lengths | None) -> Tensor | None:
    """The steps (B,) of each row of (B, T, ...); None if all are full.

    Raises:
        InputError: lengths that do not fit.
    """
    if lengths is None:
        return None
    return as_lengths(lengths, time=x.shape[1], batch=len(x), device=x.device)


def there(steps: Tensor, time: int) -> Tensor:
    """(B, T), True for the steps that exist."""
    return torch.arange(time, device=steps.device) < steps.unsqueeze(1)


def only(x: Tensor, steps: Tensor | None) -> Tensor:
    """(B, T, ...) with zeros beyond a row's steps, whatever stood there."""
    if steps is None:
        return x
    exists = there(steps, x.shape[1])
    return torch.where(exists.view(*exists.shape, *[1] * (x.dim() - 2)), x, 0)


def shorter(steps: Tensor | None, stride: int) -> Tensor | None:
    """The steps after a convolution with a stride, which looks at every part of a step begun."""
    return None if steps is None else (steps + stride - 1) // stride


def strides_of(stride: int | Sequence[int], layers: int) -> tuple[int, ...]:
    """A stride for each layer, from one number for all or one for each.

    Raises:
        InputError: strides below 1, or another count.
    """
    found = [stride] * layers if isinstance(stride, int) else list(stride)
    if len(found) != layers:
        raise InputError(must("stride", f"one number, or one for each of {layers} layers", stride))
    return tuple(whole("stride", each) for each in found)


def pixels(x: Tensor, weight: Tensor) -> Tensor:
    """Pictures as the numbers that a network reads: whole ones, from 0 to 255, become 0 to 1."""
    if tensor("x", x).is_floating_point():
        return x
    return x.to(weight.dtype) / 255
