"""States and gates of every step, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recur.cells import CELLS
from recur.diagnostics.flow import batch_of
from recur.diagnostics.walk import Walk, inner, watched
from recur.messages import InputError, must
from recur.training.call import Caller

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Activity:
    """One recurrent layer in one direction while it read one sequence.

    Attributes:
        name: the layer in words.
        cell: the name of its cell.
        states: by letter (h, and c of an LSTM), (T, H) after each step.
        gates: by letter, (T, H); none for a plain cell, or one whose gates are not known.
    """

    name: str
    cell: str
    states: dict[str, NDArray[np.float64]]
    gates: dict[str, NDArray[np.float64]]

    def __str__(self) -> str:
        words = [f"{k} {v.mean():.2f}" for k, v in {**self.states, **self.gates}.items()]
        steps, units = self.states["h"].shape
        return f"{self.name} ({self.cell}), {steps} steps, {units} units; means: {', '.join(words)}"

    def plot(self, steps: Sequence[str] | None = None) -> Figure:
        """Draws them over time; `steps` are T labels, such as words."""
        from recur import plots

        named = {CELLS[self.cell].word(k): v for k, v in self.gates.items()}
        return plots.heatmaps({**self.states, **named}, steps=steps, title=self.name)


def activity(model: nn.Module, batch: Any, *, row: int = 0) -> tuple[Activity, ...]:
    """Records states and gates of every step.

    Args:
        model: any module with recurrent layers of recur or of torch.nn; evaluated without dropout,
            and left as it was.
        batch: as for `recur.diagnose`.
        row: whose sequence.

    Returns:
        One for each recurrent layer and direction. Steps that do not exist are left out.

    Raises:
        InputError: a model without such layers, or a row that is not there.
    """
    model = inner(model)
    given = batch_of(batch)
    if not 0 <= row < len(given.x):
        raise InputError(must("row", f"from 0 to {len(given.x) - 1}", row))
    with torch.no_grad(), watched(model) as walks:
        Caller(model, names=None)(given)
        return tuple(_activity(walk, row) for walk in walks)


def _activity(walk: Walk, row: int) -> Activity:
    there = walk.exists[:, row]

    def shown(values: Tensor) -> NDArray[np.float64]:
        return np.asarray(values[:, row][there].double().cpu().numpy())

    states = {
        name: shown(torch.stack([state[number] for state in walk.after]))
        for number, name in enumerate(walk.cell.states)
    }
    found = {k: shown(v) for k, v in walk.gates().items() if k not in states}
    return Activity(walk.name, walk.cell.name, states, found)
