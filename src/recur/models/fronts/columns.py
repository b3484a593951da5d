"""A picture of a line, read from left to right: a convolutional network, a step for each column."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from recur.layers.lengths import Lengths
from recur.messages import InputError, must
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front, only, pixels, shorter, steps_of, strides_of


class Columns(Front):
    """Convolutions over a picture of any width, whose columns are the steps.

    As B. Shi, X. Bai and C. Yao read written lines, arXiv:1507.05717 (CRNN). Each convolution
    (3 by 3) halves the height, and divides the width by its stride, rounded up; after it the
    numbers of a column are normalised together, so that no column knows of another one but by the
    convolutions, and rectified. A linear layer with a rectifier makes F numbers of each column
    that is left. Left and right of a row's own columns are zeros, whatever stands there.

    Args:
        height: of the pictures.
        size: F, the features of a column.
        channels: of the pictures.
        filters: of each convolution, how many.
        stride: columns that a window moves on by: of every convolution, or a number for each.

    Raises:
        InputError: sizes below 1, or strides that are not as many as the convolutions.
    """

    alone = False

    def __init__(
        self,
        height: int,
        size: int = 128,
        *,
        channels: int = 1,
        filters: Sequence[int] = (16, 32, 64),
        stride: int | Sequence[int] = (2, 2, 1),
    ) -> None:
        super().__init__()
        check_sizes(0, height=height, size=size, channels=channels, layers=len(filters))
        self.height, self.channels, self.size = height, channels, size
        self.strides = strides_of(stride, len(filters))
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        for filters_here, across in zip(filters, self.strides, strict=True):
            check_sizes(0, filters=filters_here)
            convolution = nn.Conv2d(channels, filters_here, 3, stride=(across, 2), padding=1)
            self.layers.append(convolution)
            self.norms.append(nn.GroupNorm(1, filters_here))
            channels, height = filters_here, (height + 1) // 2
        self.last = nn.Linear(channels * height, size)
        self.aligned = set(self.strides) == {1}

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, W, H) with one channel, or (B, W, C, H), by columns.

        Numbers, or whole ones from 0 to 255; lengths are widths.
        """
        x = pixels(x, self.last.weight)
        y = x.unsqueeze(2) if x.dim() == 3 else x
        if y.dim() != 4 or tuple(y.shape[2:]) != (self.channels, self.height):
            expected = f"pictures (batch, width, {self.channels}, {self.height})"
            raise InputError(must("x", expected, f"the shape {tuple(x.shape)}"))
        steps = steps_of(y, lengths)
        y = only(y, steps)
        for layer, norm, stride in zip(self.layers, self.norms, self.strides, strict=True):
            # (B, W, C, H) to (B, C, W, H) and back.
            y = layer(y.transpose(1, 2)).transpose(1, 2) if y.shape[1] else _none(y, layer)
            steps = shorter(steps, stride)
            y = only(norm(y.flatten(0, 1)).view_as(y).relu(), steps)
        return self.last(y.flatten(2)).relu(), steps


def _none(y: Tensor, layer: nn.Module) -> Tensor:
    """What a convolution makes of pictures without any column, which torch refuses."""
    assert isinstance(layer, nn.Conv2d)
    return y.new_zeros(len(y), 0, layer.out_channels, (y.shape[3] + 1) // 2)
