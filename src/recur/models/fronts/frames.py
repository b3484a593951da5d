"""Pictures that follow one another: a small convolutional network over each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recur.layers.lengths import Lengths
from recur.messages import InputError, must
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front, pixels, steps_of, strides_of, there


class Spread(nn.Module):
    """Pixels from 0 to 1 as numbers around 0, from -2 to 2: what is the same in all weighs less."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), as it comes."""
        return (x - 0.5) * 4


def convolutions(
    channels: int, filters: Sequence[int], strides: int | Sequence[int] = 2
) -> list[nn.Module]:
    """Layers from pictures (N, channels, H, W) to (N, filters[-1], H', W').

    Convolutions, 3 by 3, after each of which the numbers of a picture are normalised together
    (Y. Wu and K. He, arXiv:1803.08494, with one group) and rectified.

    Args:
        channels: of the pictures.
        filters: of each convolution, how many.
        strides: pixels that a window moves on by: of every convolution, or a number for each; by so
            much height and width are divided, rounded up.

    Raises:
        InputError: sizes below 1, or strides that are not as many as the convolutions.
    """
    layers: list[nn.Module] = []
    moves = strides_of(strides, len(filters))
    for before, after, stride in zip([channels, *filters], filters, moves, strict=False):
        check_sizes(0, filters=after)
        layers += [
            nn.Conv2d(before, after, 3, stride=stride, padding=1),
            nn.GroupNorm(1, after),
            nn.ReLU(),
        ]
    return layers


class Frames(Front):
    """The features of each frame of a clip, found by convolutions; only frames that exist are seen.

    Each of the `convolutions` halves height and width. A linear layer with a rectifier makes F
    numbers of what is left.

    Args:
        shape: (channels, height, width) of a frame, or (height, width) where it has one channel
            and no axis for it.
        size: F, the features of a frame.
        filters: of each convolution, how many.

    Raises:
        InputError: another shape, or sizes below 1.
    """

    def __init__(
        self, shape: Sequence[int], size: int = 128, *, filters: Sequence[int] = (16, 32, 64)
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        if len(self.shape) not in (2, 3) or not filters:
            got = f"{self.shape} and {len(filters)} convolutions"
            expected = "(channels, height, width) or (height, width), and one convolution at least"
            raise InputError(must("the frames' shape", expected, got))
        channels, height, width = (1, *self.shape)[-3:]
        check_sizes(0, channels=channels, height=height, width=width, size=size)
        self.size = size
        layers = convolutions(channels, filters)
        for _ in filters:
            height, width = (height + 1) // 2, (width + 1) // 2
        self.network = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(filters[-1] * height * width, size), nn.ReLU()
        )

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, *shape), numbers, or whole ones from 0 to 255."""
        weight = next(self.network.parameters())
        x = pixels(x, weight)
        if tuple(x.shape[2:]) != self.shape:
            expected = f"frames (batch, time, {', '.join(map(str, self.shape))})"
            raise InputError(must("x", expected, f"the shape {tuple(x.shape)}"))
        steps = steps_of(x, lengths)
        batch, time = x.shape[:2]
        exists = torch.ones(batch, time, dtype=torch.bool, device=x.device)
        if steps is not None:
            exists = there(steps, time)
        frames = x[exists]
        found = self.network(frames if len(self.shape) == 3 else frames.unsqueeze(1))
        features = found.new_zeros(batch, time, self.size)
        features[exists] = found
        return features, lengths
