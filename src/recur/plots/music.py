"""A piano roll: which keys sound at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import BLUE, GREY, ORANGE, SIZE, dress, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_own_style
def piano_roll(
    known: Any, following: Any, *, keys: Sequence[str], title: str = "Continuation"
) -> Figure:
    """Draws steps of a piece and those that follow.

    Args:
        known: (P, K) the piece, above 0 where a key sounds; the lowest key first.
        following: (H, K) what follows it.
        keys: K names of the keys; an empty one is not written on the axis.
        title: the title.

    Raises:
        InputError: if the arrays do not fit, or no key sounds in them.
    """
    parts = {"given": np.asarray(known), "follows": np.asarray(following)}
    for name, roll in parts.items():
        if roll.ndim != 2 or roll.shape[1] != len(keys):
            expected = f"an array (steps, {len(keys)}), a column for each key"
            raise InputError(must(name, expected, f"shape {roll.shape}"))
    sounding = np.flatnonzero(np.concatenate(list(parts.values())).max(axis=0, initial=0) > 0)
    if not len(sounding):
        raise InputError(must("a piano roll", "at least one note", "none"))
    steps = sum(map(len, parts.values()))
    figure = new_figure(min(max(SIZE[0], 0.2 * steps), 16.0), SIZE[1])
    axes = figure.subplots()
    begin = 1 - len(parts["given"])
    for (name, roll), color in zip(parts.items(), (BLUE, ORANGE), strict=True):
        at, key = np.nonzero(roll > 0)
        axes.barh(key, 1.0, left=at + begin - 0.5, height=0.8, color=color, label=name)
        begin += len(roll)
    axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    low, high = int(sounding[0]), int(sounding[-1])
    named = [row for row in range(low, high + 1) if keys[row]]
    axes.set_yticks(named, [keys[row] for row in named])
    axes.set_ylim(low - 1.0, high + 1.0)
    dress(axes, title, "steps from the last one given", "key")
    return figure
