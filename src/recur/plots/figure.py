"""What all pictures share: colours, size, dress, and how one is written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from recur.files import PathLike, replacing
from recur.messages import InputError, listed, must
from recur.plots.letters import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, vermilion, green and grey of Okabe and Ito (2008), told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"

SIZE = (7.0, 4.3)  # inches
DPI = 150


def save(figure: Figure, path: PathLike) -> Path:
    """Writes a figure, whole or not at all; the format follows from the name (.png, .svg, .pdf).

    Returns:
        `path`.

    Raises:
        InputError: if the name ends in no format that can be written.
        FailedError: if the file cannot be written.
    """
    path = Path(path)
    known = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise InputError(must("the end of a figure's file name", listed(known), repr(path.name)))
    legible(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return path


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")

    def png() -> bytes:
        legible(figure)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DPI)
        return content.getvalue()

    # Notebooks show an object by this method; pyplot's figures are shown by pyplot instead.
    figure._repr_png_ = png  # type: ignore[attr-defined]
    return figure


def whole_numbers(axes: Axes) -> None:
    """Marks the horizontal axis at whole numbers, however few: there is no half epoch."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def dress(axes: Axes, title: str, across: str, up: str) -> None:
    """Title, labels, grid and legend, the same on every picture."""
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if across == "epoch":
        whole_numbers(axes)
    axes.grid(color="#D9D9D9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(facecolor="white", edgecolor="none", framealpha=0.9)
