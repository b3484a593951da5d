"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NUMBERS = 15
"""Classes whose cells have room for counts and shares; of more, colour says it."""
MOST_NAMED = 120
"""Classes that have room for their names."""
MOST_LETTERS = 22
"""Of a name."""


@in_own_style
def confusion(counts: Any, labels: Sequence[str], *, title: str = "Confusion") -> Figure:
    """Draws how often each class was taken for which, in shares of the true class.

    Args:
        counts: (C, C) whole numbers: a row for each true class, a column for each answer.
        labels: C names.
        title: the title.

    Raises:
        InputError: if the shapes do not fit, or there is no class.
    """
    from matplotlib.colors import PowerNorm

    numbers = np.asarray(counts)
    many = len(labels)
    if numbers.shape != (many, many) or not many:
        raise InputError(must("counts", f"of the shape ({many}, {many})", numbers.shape))
    totals = numbers.sum(axis=1, keepdims=True)
    shares = np.divide(numbers, totals, out=np.zeros(numbers.shape), where=totals > 0)
    names = [brief(drawable(each), MOST_LETTERS).replace("$", r"\$") for each in labels]
    side = min(max(3.2, 0.62 * many if many <= MOST_NUMBERS else 0.17 * many), 17.0)
    size = 10 if many <= MOST_NUMBERS else 7.5
    room = 0.0085 * size * max(map(len, names))
    figure = new_figure(side + room + 1.4, side + room + 0.8)
    axes = figure.subplots()
    # By its square root, so that few mistakes among many are seen too.
    norm = PowerNorm(0.5, vmin=0, vmax=1)
    image = axes.imshow(shares, interpolation="nearest", cmap="Blues", norm=norm)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    if many <= MOST_NUMBERS:
        for row, column in np.ndindex(many, many):
            text = f"{numbers[row, column]:,}\n{shares[row, column]:.0%}"
            color = "white" if shares[row, column] > 0.3 else "black"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=7.5)
    if many <= MOST_NAMED:
        axes.set_xticks(range(many), names, rotation=90, fontsize=size)
        axes.set_yticks(range(many), names, fontsize=size)
    axes.set_xlabel("answer")
    axes.set_ylabel("true class")
    head = axes.set_title(brief(title, 60), loc="left", fontweight="bold")
    head.set_parse_math(False)
    return figure
