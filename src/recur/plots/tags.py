"""How likely each tag of each word is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 0.01
"""A tag that is nowhere as probable has no row."""
MOST_WORDS, MOST_TAGS, MOST_LETTERS = 60, 30, 22
"""Words and tags that have room, and letters of a name."""


@in_own_style
def tagging(chances: Any, words: Sequence[str], tags: Sequence[str]) -> Figure:
    """Draws how likely each tag of each word is: a column for each word, a row for each tag.

    Of many words and tags the first words, and the most probable tags.

    Args:
        chances: (T, C) probabilities.
        words: T words.
        tags: C names.

    Raises:
        InputError: if the shapes do not fit, or there is no word.
    """
    shown = np.asarray(chances, dtype=float)
    if shown.shape != (len(words), len(tags)) or not shown.size:
        expected = f"of the shape ({len(words)}, {len(tags)}), not empty"
        raise InputError(must("chances", expected, shown.shape))
    shown, words = shown[:MOST_WORDS], words[:MOST_WORDS]
    most = shown.max(axis=0)
    rows = np.sort(np.argsort(-most, kind="stable")[:MOST_TAGS])
    rows = rows[most[rows] >= min(LEAST, most.max())]
    figure = new_figure(min(2.6 + 0.36 * len(words), 17.0), 1.7 + 0.3 * len(rows))
    axes = figure.subplots()
    image = axes.imshow(
        shown[:, rows].T, aspect="auto", interpolation="nearest", cmap="Blues", vmin=0, vmax=1
    )
    figure.colorbar(image, ax=axes, label="probability")
    axes.set_xticks(range(len(words)), [_name(word) for word in words], rotation=90)
    axes.set_yticks(range(len(rows)), [_name(tags[row]) for row in rows])
    axes.set_title("How likely each tag is", loc="left", fontweight="bold")
    return figure


def _name(name: str) -> str:
    """As it can be drawn; a dollar would begin a formula."""
    return brief(drawable(name), MOST_LETTERS).replace("$", r"\$")
