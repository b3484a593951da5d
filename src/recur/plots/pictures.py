"""Pictures beside what a network makes of them: beliefs as it reads, and which pixels mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.messages import InputError, brief, must
from recur.plots.figure import BLUE, ORANGE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 20
"""Classes that are drawn: of more those that were most believed in."""
MOST_LETTERS = 18


@in_own_style
def beliefs(
    picture: Any, shares: Any, classes: Sequence[str], *, read: str = "rows", title: str = ""
) -> Figure:
    """Draws a picture, and beside it how much a network believed in each class as it read.

    Args:
        picture: (S, S, 3) from 0 to 1, or (S, S) where it is grey.
        shares: (M, C) the probability of each class after each of M parts of the picture.
        classes: C names.
        read: what the parts are: "rows".
        title: the title.

    Raises:
        InputError: shapes that do not fit.
    """
    found = np.asarray(shares, dtype=float)
    if found.ndim != 2 or not found.size or found.shape[1] != len(classes):
        raise InputError(must("shares", f"(parts, {len(classes)})", found.shape))
    kept = np.sort(np.argsort(-found.max(axis=0), kind="stable")[:MOST_CLASSES])
    figure = new_figure(4.6 + 0.32 * len(kept), 4.3)
    left, right = figure.subplots(1, 2, width_ratios=[3.6, 0.6 + 0.32 * len(kept)])
    _shown(left, picture)
    image = right.imshow(
        found[:, kept], aspect="auto", interpolation="nearest", cmap="Blues", vmin=0, vmax=1
    )
    names = [brief(drawable(classes[n]), MOST_LETTERS).replace("$", r"\$") for n in kept]
    turned = 90 if max(map(len, names)) > 2 else 0
    right.set_xticks(range(len(kept)), names, rotation=turned, fontsize=8)
    right.set_ylabel(f"{read} read")
    figure.colorbar(image, ax=right, label="belief", shrink=0.8)
    _head(left, title)
    return figure


@in_own_style
def marked_picture(values: Any, picture: Any, *, title: str = "What mattered") -> Figure:
    """Draws a picture, and beside it what each pixel added to a score: blue for, orange against.

    Args:
        values: (H, W).
        picture: (H, W, 3) from 0 to 1, or (H, W) where it is grey.
        title: the title.

    Raises:
        InputError: shapes that do not fit.
    """
    from matplotlib.colors import LinearSegmentedColormap

    found, seen = np.asarray(values, dtype=float), np.asarray(picture)
    if found.ndim != 2 or not found.size or seen.shape[:2] != found.shape:
        raise InputError(must("values", f"of the picture's shape {seen.shape[:2]}", found.shape))
    colors = LinearSegmentedColormap.from_list("for", [ORANGE, "white", BLUE])
    most = float(np.abs(found).max()) or 1.0
    figure = new_figure(8.4, 4.0)
    left, right = figure.subplots(1, 2)
    _shown(left, seen)
    image = right.imshow(found, cmap=colors, vmin=-most, vmax=most, interpolation="nearest")
    right.set_axis_off()
    figure.colorbar(image, ax=right, label="added to the score", shrink=0.8)
    _head(left, title)
    return figure


def _shown(axes: Axes, picture: Any) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()


def _head(axes: Axes, title: str) -> None:
    head = axes.set_title(brief(drawable(title), 60), loc="left", fontweight="bold")
    head.set_parse_math(False)
