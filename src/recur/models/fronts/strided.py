"""Numbers over time, read through windows that move on by several steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recur.layers.lengths import Lengths
from recur.models.checks import check_sizes, numbers
from recur.models.fronts.front import Front, only, shorter, steps_of, strides_of


class Strided(Front):
    """Convolutions over time with a stride, each with a rectifier after it.

    They shorten time before it is walked: of T steps a layer leaves T / stride, rounded up, as the
    first layers of Deep Speech 2 do (D. Amodei et al., arXiv:1512.02595). Before a row's first
    step and after its last one are zeros, whatever stands there.

    Args:
        inputs: the numbers of a step.
        size: F, the numbers of each step of the features.
        width: steps that a window sees, of the layer below.
        stride: steps that it moves on by: of every layer, or a number for each.
        layers: convolutions on top of one another.

    Raises:
        InputError: sizes below 1, or strides that are not as many as the layers.
    """

    def __init__(
        self,
        inputs: int,
        size: int,
        *,
        width: int = 5,
        stride: int | Sequence[int] = 2,
        layers: int = 1,
    ) -> None:
        super().__init__()
        check_sizes(0, inputs=inputs, size=size, width=width, layers=layers)
        self.inputs, self.size, self.width = inputs, size, width
        self.strides = strides_of(stride, layers)
        self.layers = nn.ModuleList(
            nn.Conv1d(size if n else inputs, size, width, stride=each)
            for n, each in enumerate(self.strides)
        )
        self.aligned = set(self.strides) == {1}
        self.alone = self.aligned and width == 1

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, inputs) numbers with a fraction."""
        steps = steps_of(numbers(x, self.inputs), lengths)
        y = only(x, steps)
        before = (self.width - 1) // 2
        for layer, stride in zip(self.layers, self.strides, strict=True):
            if y.shape[1]:
                padded = F.pad(y.transpose(1, 2), (before, self.width - 1 - before))
                y = layer(padded).relu().transpose(1, 2)
            else:
                y = y.new_zeros(len(y), 0, self.size)
            steps = shorter(steps, stride)
            y = only(y, steps)
        return y, steps

    def stream(self) -> StridedStream:
        """What gives the features of steps that come piece by piece, for inference."""
        return StridedStream(self)


class StridedStream:
    """The features of a row that comes piece by piece: the same as those of the whole.

    It remembers no more than the windows that have begun.

    Args:
        front: the convolutions.
    """

    def __init__(self, front: Strided) -> None:
        self.front = front
        before = (front.width - 1) // 2
        like = next(front.parameters())
        sizes = [layer.in_channels for layer in front.layers if isinstance(layer, nn.Conv1d)]
        self._kept = [like.new_zeros(before, size) for size in sizes]

    def __call__(self, x: Tensor, *, last: bool = False) -> Tensor:
        """The features (T', F) that can be told now.

        Args:
            x: (T, inputs) the steps that follow; may be none.
            last: nothing comes any more.
        """
        width = self.front.width
        for n, (layer, stride) in enumerate(
            zip(self.front.layers, self.front.strides, strict=True)
        ):
            after = [x.new_zeros(width - 1 - (width - 1) // 2, x.shape[1])] if last else []
            found = torch.cat([self._kept[n], x, *after])
            # A stride may be greater than the window: what is passed over has to be here too.
            steps = max(0, (len(found) - (width if last else max(width, stride))) // stride + 1)
            self._kept[n] = found[steps * stride :]
            x = layer(found.T).relu().T[:steps] if steps else found.new_zeros(0, self.front.size)
        return x
