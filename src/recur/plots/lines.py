"""A written line, where each letter of it was read, and which of its pixels mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, must
from recur.plots.figure import ORANGE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROWEST, WIDEST = 5.0, 16.0
"""Inches of a figure."""
PER_LETTER = 0.16
"""Inches that a letter needs."""


@in_own_style
def read_line(
    line: Any, *, letters: Sequence[tuple[str, float]] = (), title: str = "What was read"
) -> Figure:
    """Draws a line, with letters over the columns at which they were decided.

    Args:
        line: (W, H) columns from left to right, 0 for the ground and 1 for the ink.
        letters: each with its column.
        title: the title.

    Raises:
        InputError: if the shape does not fit.
    """
    pixels = _checked(line)
    figure, axes = _paper(pixels, len(letters))
    axes.imshow(pixels.T, aspect="equal", interpolation="nearest", cmap="Greys")
    high = pixels.shape[1]
    for letter, column in letters:
        axes.plot([column, column], [-1, high], color=ORANGE, linewidth=0.8, clip_on=False)
        shown = drawable("␣" if letter == " " else letter)
        text = axes.text(
            column, -1.5, shown, color=ORANGE, ha="center", va="bottom", fontweight="bold"
        )
        text.set_parse_math(False)
    _titled(axes, title)
    return figure


@in_own_style
def telling_pixels(line: Any, values: Any, *, title: str = "What mattered") -> Figure:
    """Draws a line, and below it what each of its pixels added to a score.

    Args:
        line: (W, H) columns from left to right, 0 for the ground and 1 for the ink.
        values: (W, H), blue above zero, where a pixel spoke for it, and red below.
        title: the title.

    Raises:
        InputError: if the shapes do not fit.
    """
    pixels, added = _checked(line), np.asarray(values, dtype=float)
    if added.shape != pixels.shape:
        raise InputError(must("values", f"of the shape {pixels.shape}", added.shape))
    figure, axes = _paper(pixels, 0, rows=2)
    above, below = axes
    above.imshow(pixels.T, aspect="equal", interpolation="nearest", cmap="Greys")
    most = float(np.abs(added).max()) or 1.0
    below.imshow(
        added.T, aspect="equal", interpolation="nearest", cmap="RdBu", vmin=-most, vmax=most
    )
    for each in axes:
        each.set_yticks([])
    above.set_xticks([])
    _titled(above, title)
    return figure


def _checked(line: Any) -> Any:
    pixels = np.asarray(line, dtype=float)
    if pixels.ndim != 2 or not pixels.size:
        raise InputError(must("a line", "(width, height), not empty", f"the shape {pixels.shape}"))
    return pixels


def _paper(pixels: Any, letters: int, rows: int = 1) -> tuple[Figure, Any]:
    wide, high = pixels.shape
    width = min(max(NARROWEST, wide / 40, PER_LETTER * letters), WIDEST)
    figure = new_figure(width, rows * (width * high / wide + 0.5) + 0.8)
    return figure, figure.subplots(rows, 1)


def _titled(axes: Axes, title: str) -> None:
    axes.set_yticks([])
    text = drawable(title if len(title) <= 90 else f"{title[:88]} ...")
    axes.set_title(text, loc="left", fontweight="bold", pad=22, parse_math=False, fontsize=9)
