"""A text whose words have colours: what each added to a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recur.messages import InputError, brief, must, shortened
from recur.plots.figure import BLUE, ORANGE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 96
"""Letters of a line."""
MOST_LINES = 120
MOST_LETTERS = 40
"""Of a word."""
POINTS = 8.0
LETTER, LINE = 0.602 * POINTS / 72, 0.22
"""Inches that a letter of the monospaced font is wide, and from one line to the next."""


@in_own_style
def marked_words(
    values: Sequence[float], words: Sequence[str], *, title: str = "What mattered"
) -> Figure:
    """Draws a text, each word on a colour: blue spoke for the score, orange against it.

    Of a very long text the lines are drawn that fit on a page of 120.

    Args:
        values: (T,) what each word added to the score.
        words: (T,).
        title: the title.

    Raises:
        InputError: if there is no word, or they are not as many as the values.
    """
    if not len(values):
        raise InputError(must("values", "at least one", "none"))
    if len(words) != len(values):
        raise InputError(must("words", f"of length {len(values)}", len(words)))
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shown = [brief(drawable(word), MOST_LETTERS) or " " for word in words]
    places = [place for place in _places(shown) if place[0] < MOST_LINES]
    lines, most = places[-1][0] + 1, max(map(abs, values)) or 1.0
    colors = LinearSegmentedColormap.from_list("for", [ORANGE, "white", BLUE])
    scale = ScalarMappable(Normalize(-most, most), colors)
    grounds = scale.to_rgba(np.asarray(values))
    wide, high = WIDE * LETTER + 0.4, lines * LINE + 1.1
    figure = new_figure(wide, high)
    figure.set_layout_engine("none")
    for (line, column), word, value, ground in zip(places, shown, values, grounds, strict=False):
        share = abs(value) / most
        figure.text(
            (0.2 + column * LETTER) / wide,
            1 - (0.65 + line * LINE) / high,
            word,
            family="monospace",
            fontsize=POINTS,
            color="white" if share > 2 / 3 else "black",
            parse_math=False,
            bbox={"facecolor": ground, "edgecolor": "none", "pad": 1.2},
        )
    left = len(words) - len(places)
    head = shortened(f"{title} (without the last {left} words)" if left else title, 90)
    figure.text(0.2 / wide, 1 - 0.3 / high, head, fontweight="bold", parse_math=False)
    bar = figure.add_axes((0.2 / wide, 0.35 / high, 2.4 / wide, 0.1 / high))
    figure.colorbar(scale, cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=6, length=2, pad=1)
    figure.text(2.8 / wide, 0.33 / high, "added to the score", fontsize=7)
    return figure


def _places(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The line and the column where each word begins."""
    line = column = 0
    for word in words:
        if column and column + len(word) > WIDE:
            line, column = line + 1, 0
        yield line, column
        column += len(word) + 1
