"""A film strip: frames side by side, what was said of each beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import BLUE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FRAMES = 12
"""Side by side; of more those at equal distances."""
MOST_LETTERS = 14


@in_own_style
def film_strip(frames: Any, tags: Sequence[str] = (), *, title: str = "What was seen") -> Figure:
    """Draws frames in the order of time, each over its tag, or its number where it has none.

    Args:
        frames: (T, height, width, 3) pictures, from 0 to 1 or whole numbers to 255; or (T, J, 2)
            the places of joints, across and up.
        tags: (T,), or none.
        title: the title.

    Raises:
        InputError: if there is no frame, or not a tag for each.
    """
    shown = np.asarray(frames)
    if shown.ndim not in (3, 4) or not len(shown) or (shown.ndim == 3 and shown.shape[2] != 2):
        expected = "pictures (T, height, width, 3) or joints (T, J, 2), one at least"
        raise InputError(must("frames", expected, f"the shape {shown.shape}"))
    if len(tags) not in (0, len(shown)):
        raise InputError(must("tags", f"one for each of {len(shown)} frames", len(tags)))
    chosen = np.unique(np.linspace(0, len(shown) - 1, MOST_FRAMES).round().astype(int)).tolist()
    figure = new_figure(1.2 * len(chosen) + 0.4, 2.2)
    panels = figure.subplots(1, len(chosen), squeeze=False, sharex=True, sharey=True)[0]
    for axes, row in zip(panels, chosen, strict=True):
        if shown.ndim == 4:
            axes.imshow(shown[row])
        else:
            axes.scatter(*shown[row].T, s=6, color=BLUE)
            axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        said = brief(drawable(tags[row]), MOST_LETTERS) if tags else str(row + 1)
        axes.set_xlabel(said, fontsize=8, parse_math=False)
    head = brief(drawable(title), 90)
    figure.suptitle(head, x=0.01, ha="left", fontweight="bold", parse_math=False)
    return figure
