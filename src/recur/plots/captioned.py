"""Pictures with a sentence under each."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recur.messages import InputError, must
from recur.plots.figure import in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = 4
"""Pictures side by side at most."""


@in_own_style
def captioned(pictures: Sequence[Any], captions: Sequence[str]) -> Figure:
    """Draws pictures in rows, each over its caption.

    Args:
        pictures: arrays (height, width, 3), from 0 to 1 or whole numbers to 255; or (height, width)
            from 0 to 1, grey.
        captions: one for each.

    Raises:
        InputError: if there is none, or not a caption for each.
    """
    if not len(pictures) or len(captions) != len(pictures):
        raise InputError(must("captions", f"one for each of {len(pictures)}", len(captions)))
    columns = min(ACROSS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = new_figure(3.0 * columns, 3.4 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in panels:
        axes.set_axis_off()
    for axes, picture, caption in zip(panels, pictures, captions, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
        words = drawable(textwrap.shorten(caption, 160, placeholder=" ..."))
        axes.set_title(textwrap.fill(words, 32), y=-0.02, va="top", parse_math=False, fontsize=9)
    return figure
