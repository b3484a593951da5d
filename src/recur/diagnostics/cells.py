"""Where a network looked in a picture, and which places mattered for what it wrote about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.diagnostics.attributed import MARKED, Attribution
from recur.diagnostics.attribution import integrated_gradients
from recur.models.fronts import Cells
from recur.models.one_to_many import OneToMany
from recur.models.probability import LogProbability
from recur.training.measure import evaluating

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console, ConsoleOptions
    from rich.text import Text


@dataclass(frozen=True)
class CellAttribution(Attribution):
    """What each cell of a picture added to a score.

    Attributes:
        grid: (h, w), the cells down and across; the steps are these, row by row.
        picture: (height, width, 3) from 0 to 1, to be drawn; None: the cells alone are.
    """

    grid: tuple[int, int] = (1, 1)
    picture: Any = field(default=None, repr=False, compare=False)

    def marked(self) -> str:
        """The cells as they lie: + for what spoke for the score, - against it, a dot for neither.

        Two signs where it is more than two thirds of the most, one where it is more than a fifth.
        """
        signs = [("+" if share > 0 else "-") * _times(share) or "." for share in self.shares]
        rows = np.reshape(signs, self.grid)
        return "\n".join(" ".join(f"{sign:<2}" for sign in row).rstrip() for row in rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The cells as they lie; see `marked`."""
        from rich.text import Text

        yield Text(self.marked())

    def plot(self) -> Figure:
        """Draws the picture with its cells on it: blue spoke for the score, orange against it."""
        from recur import plots

        values = np.reshape(self.values, self.grid)
        return plots.marked_cells(values, self.picture, title=f"{self.name}: {self.method}")


def looked_at(model: OneToMany, x: Tensor, target: Tensor) -> NDArray[np.float32] | None:
    """(T, h, w) the weight of each cell of a picture at each of T tokens.

    None where there is nothing to be looked at: no attention, or a front that gives one cell.

    Args:
        model: what writes.
        x: what its front reads, one example.
        target: (T,) tokens.
    """
    if model.decoder.attention is None or grid_of(model) == (1, 1):
        return None
    with evaluating(model):
        weights = model.align(x.unsqueeze(0), target.unsqueeze(0))[0]
    found: NDArray[np.float32] = weights.reshape(len(weights), *grid_of(model)).cpu().numpy()
    return found


def grid_of(model: OneToMany) -> tuple[int, int]:
    """The cells that the front gives, down and across."""
    return model.front.grid if isinstance(model.front, Cells) else (1, 1)


def cells_that_mattered(
    model: OneToMany, x: Tensor, target: Tensor, *, name: str, picture: Any = None
) -> CellAttribution:
    """What each cell added to the log-probability of a whole sequence, by integrated gradients.

    The way goes from cells in which nothing was found, all numbers of them zero.

    Args:
        model: one with attention, whose front gives cells.
        x: what its front reads, one example.
        target: (T,) the sequence, with its end.
        name: what the sequence is called.
        picture: (height, width, 3) from 0 to 1, to be drawn.
    """
    grid = grid_of(model)
    with evaluating(model):
        cells = model.seen(x.unsqueeze(0))[0]
    labels = [f"row {row + 1}, column {column + 1}" for row, column in np.ndindex(*grid)]
    found = integrated_gradients(
        LogProbability(_OfCells(model), target), cells, labels=labels, names=[name]
    )
    return CellAttribution(**{**vars(found), "grid": grid, "picture": picture})


class _OfCells(nn.Module):
    """A model that is given what its front would have found."""

    def __init__(self, model: OneToMany) -> None:
        super().__init__()
        self.model = model

    def forward(self, cells: Tensor, targets: Tensor) -> Tensor:
        return self.model.decoder.teach(targets, *self.model.started(cells))[0]


def _times(share: float) -> int:
    return sum(abs(share) > least for least in MARKED)
