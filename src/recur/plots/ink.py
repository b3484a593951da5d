"""The strokes of a pen, and what was read in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, shortened
from recur.plots.figure import BLUE, GREEN, GREY, MOST_LETTERS, ORANGE, in_own_style, new_figure
from recur.plots.letters import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (BLUE, ORANGE, GREEN)
"""Of letters, in turn; what belongs to none is grey."""
WIDEST = 40.0
"""Sizes of letters that a row of the picture is wide; longer writing goes on in the next."""
WIDTH, MOST_ROWS = 12.0, 20


@in_own_style
def handwriting(
    points: Any,
    lifted: Any,
    *,
    letters: Sequence[tuple[str, int]] = (),
    title: str = "What was read",
) -> Figure:
    """Draws strokes, each point in the colour of the letter that was decided nearest to it.

    Args:
        points: (T, 2) of the pen's path, in sizes of the letters: x to the right, y upward.
        lifted: (T,) True where the pen was lifted before the point.
        letters: each with the number of the point where it was decided, which rise.
        title: the title.

    Raises:
        InputError: if the shapes do not fit.
    """
    path, up = np.asarray(points, dtype=float), np.asarray(lifted, dtype=bool)
    if path.ndim != 2 or path.shape[1:] != (2,) or up.shape != path.shape[:1] or not len(path):
        got = f"the shapes {path.shape} and {up.shape}"
        raise InputError(must("points and lifted", "(T, 2) and (T,), not empty", got))
    at = np.array([place for _, place in letters], dtype=int).clip(0, len(path) - 1)
    rows = list(_rows(path, up))[:MOST_ROWS]
    figure = new_figure(WIDTH if len(rows) > 1 else _wide(path), 1.2 + 1.3 * len(rows))
    shared = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, row in zip(shared, rows, strict=True):
        _draw(axes, path, up, row, at)
        top = path[row][:, 1].max()
        for number, (letter, _) in enumerate(letters):
            if at[number] in range(row.start, row.stop):
                where, colour = path[at[number], 0], COLOURS[number % len(COLOURS)]
                text = axes.text(where, top + 0.6, drawable(letter), color=colour, ha="center")
                text.set_fontweight("bold")
                text.set_parse_math(False)
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.02, 0.25)
        axes.axis("off")
    shown = shortened(drawable(title), 2 * MOST_LETTERS)
    figure.suptitle(shown, x=0.01, ha="left", fontweight="bold", fontsize=11).set_parse_math(False)
    return figure


def _wide(path: NDArray[np.float64]) -> float:
    """Inches of a picture of one row."""
    return float(np.clip(0.3 * np.ptp(path[:, 0]) + 1, 4.0, WIDTH))


def _rows(path: NDArray[np.float64], up: NDArray[np.bool_]) -> Iterator[slice]:
    """Parts of the path that fit into a row each, cut where the pen was lifted, if it was."""
    begin = 0
    for at in np.flatnonzero(up)[1:].tolist():
        end = np.flatnonzero(up[at + 1 :])
        stop = at + 1 + int(end[0]) if len(end) else len(path)
        if np.ptp(path[begin:stop, 0]) > WIDEST and at > begin:
            yield slice(begin, at)
            begin = at
    yield slice(begin, len(path))


def _draw(
    axes: Any, path: NDArray[np.float64], up: NDArray[np.bool_], row: slice, at: NDArray[np.int64]
) -> None:
    """The lines between the points of a row; dots where a stroke is one point."""
    from matplotlib.collections import LineCollection

    place = np.arange(row.start, row.stop)
    nearest = np.abs(place[:, None] - at).argmin(axis=1) if len(at) else None
    colours = [GREY if nearest is None else COLOURS[nearest[n] % 3] for n in range(len(place))]
    part, begins = path[row], up[row]
    lines = [n for n in range(1, len(part)) if not begins[n]]
    axes.add_collection(
        LineCollection(
            [part[n - 1 : n + 1] for n in lines],
            colors=[colours[n] for n in lines],
            linewidths=1.5,
            capstyle="round",
        )
    )
    alone = begins & np.append(begins[1:], True)
    axes.scatter(*part[alone].T, s=4, c=[colours[n] for n in np.flatnonzero(alone)])
    axes.autoscale_view()
