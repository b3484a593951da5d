"""What all pictures share: colours, size, dress, and how one is written."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recur.files import PathLike, replacing, safe_name
from recur.messages import InputError, listed, must, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, vermilion, green and grey of Okabe and Ito (2008), told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"

SIZE = (7.0, 4.3)  # inches
DPI = 150
MOST_LETTERS = 60
"""Of a title or a label: names come out of files, and a picture has to hold them."""


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
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI)
    return path


def save_each(figures: Iterable[tuple[str, Figure]], folder: PathLike) -> list[Path]:
    """Writes figures as FOLDER/NAME.png; a name, whatever it is, leads to no other folder.

    Args:
        figures: (name, figure) pairs.
        folder: where; made if it is not there.

    Returns:
        The paths, in order.

    Raises:
        FailedError: if a file cannot be written.
    """
    return [save(figure, Path(folder) / f"{safe_name(name)}.png") for name, figure in figures]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")

    def png() -> bytes:
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DPI)
        return content.getvalue()

    # Notebooks show an object by this method; pyplot's figures are shown by pyplot instead.
    figure._repr_png_ = png  # type: ignore[attr-defined]
    return figure


def dress(axes: Axes, title: str, across: str, up: str) -> None:
    """Title, labels, grid and legend, the same on every picture."""
    for text in (
        axes.set_title(shortened(title, MOST_LETTERS), loc="left", fontweight="bold"),
        axes.set_xlabel(across),
        axes.set_ylabel(shortened(up, MOST_LETTERS)),
    ):
        text.set_parse_math(False)  # a dollar in a name begins no formula
    axes.grid(color="#D9D9D9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(facecolor="white", edgecolor="none", framealpha=0.9)
    for label in legend.get_texts():
        label.set_text(shortened(label.get_text(), MOST_LETTERS))
        label.set_parse_math(False)
