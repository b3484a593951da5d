"""How many others are taken, for how many of the same are known: the receiver's operating curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import BLUE, GREEN, GREY, ORANGE, dress, in_own_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = (BLUE, ORANGE, GREEN)


@in_own_style
def roc(
    curves: Mapping[str, tuple[Any, Any]], *, title: str = "Two pictures of one person?"
) -> Figure:
    """Draws curves, and where as many are wrongly refused as wrongly taken.

    Args:
        curves: by name, the shares (M,) of others that are taken and of the same that are known.
        title: the title.

    Raises:
        InputError: if there is none.
    """
    if not curves:
        raise InputError(must("curves", "one at least", "none"))
    figure = new_figure(5.2, 4.8)
    axes = figure.subplots()
    for number, (name, (taken, known)) in enumerate(curves.items()):
        color = COLORS[number % len(COLORS)]
        axes.plot(np.asarray(taken), np.asarray(known), color=color, label=name)
    axes.plot([0, 1], [1, 0], color=GREY, linestyle=":", linewidth=0.9, label="equal errors")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    dress(axes, title, "others taken for the same", "the same known")
    return figure
