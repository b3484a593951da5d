"""Which words spoke for which class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recur.messages import InputError, brief, must, shortened
from recur.plots.figure import BLUE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 40
"""Classes that a picture has room for."""
MOST_LETTERS = 24
"""Of a word or a class."""


@in_own_style
def telling_words(
    words: Mapping[str, Sequence[tuple[str, float]]], *, title: str = "Most telling words"
) -> Figure:
    """Draws bars for the words that spoke most for each class.

    Args:
        words: for each class words and numbers, the greatest first; of more than 40 classes the
            first ones are drawn.
        title: the title.

    Raises:
        InputError: if there is no class.
    """
    if not words:
        raise InputError(must("words", "those of one class at least", "none"))
    drawn = list(words.items())[:MOST_CLASSES]
    columns = min(len(drawn), 4)
    rows = math.ceil(len(drawn) / columns)
    figure = new_figure(2.6 * columns + 0.4, 1.9 * rows + 0.6)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, found) in zip(panels, drawn, strict=False):
        places = range(len(found))
        axes.barh(places, [value for _, value in found], color=BLUE, height=0.7)
        axes.set_yticks(places, [_plain(word) for word, _ in found], fontsize=7)
        axes.tick_params(axis="x", labelsize=6)
        axes.invert_yaxis()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.set_title(_plain(name), fontsize=8, loc="left", fontweight="bold")
    for axes in panels[len(drawn) :]:
        axes.set_visible(False)
    more = len(words) - len(drawn)
    said = f"{title} (the first {len(drawn)} classes of {len(words)})" if more else title
    figure.suptitle(shortened(said, 60), x=0.01, ha="left", fontweight="bold")
    figure.supxlabel("what a word added to the score, a text", fontsize=8)
    return figure


def _plain(text: str) -> str:
    return brief(drawable(text), MOST_LETTERS).replace("$", r"\$")
