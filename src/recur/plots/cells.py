"""A picture and its cells: where attention looked at each word, and which cells mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import BLUE, ORANGE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 6
"""Pictures side by side at most."""
MOST_WORDS = 29
"""Words that are drawn at most."""
MOST_LETTERS = 18
"""Of a word."""
DARKEST = 0.85
"""How dark a cell gets that was not looked at; 1 is black."""


@in_own_style
def looked(picture: Any, words: Sequence[str], weights: Any, *, title: str = "") -> Figure:
    """Draws a picture once as it is, and for each word lit where attention looked.

    Of many words the first 29 are drawn.

    Args:
        picture: (height, width, 3), from 0 to 1.
        words: T of them.
        weights: (T, h, w), the weight of each cell at each word.
        title: the title.

    Raises:
        InputError: shapes that do not fit.
    """
    seen, found = np.asarray(picture, dtype=float), np.asarray(weights, dtype=float)
    if found.ndim != 3 or not found.size or len(found) != len(words):
        raise InputError(must("weights", f"({len(words)} words, h, w)", found.shape))
    drawn = min(len(words), MOST_WORDS)
    columns = min(ACROSS, 1 + drawn)
    rows = math.ceil((1 + drawn) / columns)
    figure = new_figure(1.9 * columns, 2.2 * rows + 0.4)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    _shown(panels[0], seen, "the picture")
    for axes, word, cells in zip(panels[1:], words[:drawn], found, strict=False):
        _shown(axes, seen, word)
        dark = np.zeros((*cells.shape, 4))
        dark[..., 3] = DARKEST * (1 - cells / (cells.max() or 1.0))
        axes.imshow(dark, extent=_extent(seen), interpolation="bilinear")
    figure.suptitle(brief(drawable(title), 90), x=0.01, ha="left", parse_math=False)
    return figure


@in_own_style
def marked_cells(values: Any, picture: Any = None, *, title: str = "What mattered") -> Figure:
    """Draws a picture, and beside it what each of its cells added to a score.

    Blue spoke for the score, orange against it.

    Args:
        values: (h, w).
        picture: (height, width, 3), from 0 to 1; None: there is none to be seen.
        title: the title.

    Raises:
        InputError: values of another rank, or none.
    """
    found = np.asarray(values, dtype=float)
    if found.ndim != 2 or not found.size:
        raise InputError(must("values", "(h, w), not empty", found.shape))
    from matplotlib.colors import LinearSegmentedColormap

    seen = np.ones((*found.shape, 3)) if picture is None else np.asarray(picture, dtype=float)
    colors = LinearSegmentedColormap.from_list("for", [ORANGE, "white", BLUE])
    most = float(np.abs(found).max()) or 1.0
    figure = new_figure(8.4, 4.0)
    left, right = figure.subplots(1, 2)
    _shown(left, seen, "the picture")
    _shown(right, seen, "its cells")
    image = right.imshow(
        found, extent=_extent(seen), cmap=colors, vmin=-most, vmax=most, alpha=0.75
    )
    left.set_axis_off()
    right.set_axis_off()
    figure.colorbar(image, ax=right, label="added to the score", shrink=0.8)
    figure.suptitle(brief(drawable(title), 90), x=0.01, ha="left", parse_math=False)
    return figure


def _shown(axes: Axes, picture: Any, word: str) -> None:
    axes.imshow(picture)
    head = axes.set_title(brief(drawable(word), MOST_LETTERS), fontsize=9)
    head.set_parse_math(False)


def _extent(picture: Any) -> tuple[float, float, float, float]:
    height, width = picture.shape[:2]
    return (-0.5, width - 0.5, height - 0.5, -0.5)
