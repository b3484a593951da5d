"""The places of a picture, each a step: what attention over a picture asks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recur.layers.lengths import Lengths
from recur.messages import InputError, must
from recur.models.checks import check_sizes
from recur.models.fronts.front import Front, only, pixels, steps_of

STD = 0.5
"""Of the vectors of the places, as they start."""


class Cells(Front):
    """What a network found in each cell of a picture: cells are steps, row by row.

    They are what attention asks for each word (the annotation vectors of K. Xu et al., "Show,
    attend and tell", arXiv:1502.03044, section 3.1.1). Of each cell a linear layer makes F numbers;
    a learnt vector that says where the cell lies is added, and the sum rectified.

        front = Cells(nn.Sequential(*convolutions(3, (32, 64, 128))), (3, 64, 64), 128)
        model = recur.OneToMany(front=front, attention="additive", vocabulary=1000)

    Args:
        network: any module from pictures (N, *shape) to features (N, E, h, w), or to (N, E), which
            is one cell: a network of one's own, one that was trained elsewhere without its last
            layers, or `nn.Identity()` for features that are there already.
        shape: of a picture, such as (3, height, width); or of its features.
        size: F, the features of a cell.
        frozen: the network is not trained, and stays in evaluation mode.

    Attributes:
        grid: (h, w), the cells down and across.

    Raises:
        InputError: sizes below 1, or a network that gives something else.
    """

    aligned = False
    alone = False

    def __init__(
        self, network: nn.Module, shape: Sequence[int], size: int = 128, *, frozen: bool = False
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        check_sizes(0, size=size, pixels=min(self.shape, default=0))
        self.network, self.size, self.frozen = network, size, frozen
        features, down, across = _shape_of_cells(network, self.shape)
        self.grid = down, across
        self.linear = nn.Linear(features, size)
        self.places = nn.Parameter(STD * torch.randn(down * across, size))
        if frozen:
            network.eval()

    def train(self, mode: bool = True) -> Cells:
        """As of any module; a frozen network stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(
        self, x: Tensor, lengths: Lengths | None = None
    ) -> tuple[Tensor, Lengths | Tensor | None]:
        """As `Front.forward`: x (B, T, *shape), numbers, or whole ones from 0 to 255.

        Each picture has h * w steps, so that T' is T * h * w.
        """
        x = pixels(x, self.linear.weight)
        if tuple(x.shape[2:]) != self.shape:
            expected = f"pictures (batch, time, {', '.join(map(str, self.shape))})"
            raise InputError(must("x", expected, f"the shape {tuple(x.shape)}"))
        steps = steps_of(x, lengths)
        x = only(x, steps)
        batch, time = x.shape[:2]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            found = _cells(self.network(x.flatten(0, 1)))
        cells = (self.linear(found.flatten(2).transpose(1, 2)) + self.places).relu()
        each = len(self.places)
        return cells.reshape(batch, time * each, self.size), None if steps is None else steps * each


def _cells(found: Tensor) -> Tensor:
    """(N, E, h, w) of what a network gave.

    Raises:
        InputError: if it is something else.
    """
    if isinstance(found, Tensor) and found.dim() == 2:
        return found[..., None, None]
    if not isinstance(found, Tensor) or found.dim() != 4:
        got = f"the shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found)
        raise InputError(must("what the network gives", "(N, E) or (N, E, h, w)", got))
    return found


def _shape_of_cells(network: nn.Module, shape: Sequence[int]) -> tuple[int, ...]:
    """(E, h, w) of a picture; every part of the network stays in the mode that it is in."""
    modes = [(module, module.training) for module in network.modules()]
    weight = next(network.parameters(), torch.zeros(()))
    try:
        with torch.no_grad():
            return tuple(_cells(network.eval()(weight.new_zeros(1, *shape))).shape[1:])
    finally:
        for module, mode in modes:
            module.training = mode
