"""What all pictures share: colours, size, dress, and how one is written."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from recur.files import PathLike, replacing, safe_name
from recur.messages import InputError, listed, must, shortened
from recur.plots.letters import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, vermilion, green and grey of Okabe and Ito (2008), told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"

SIZE = (7.0, 4.3)  # inches
DPI = 150
MOST_LETTERS = 60
"""Of a title or a label: names come out of files, and a picture has to hold them."""

P = ParamSpec("P")
T = TypeVar("T")


def _import_matplotlib() -> None:
    """Its import fails where MPLBACKEND names a backend that is not there, which none of us needs.

    A notebook hands it down to what it starts.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend is not None:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


@contextlib.contextmanager
def own_style() -> Iterator[None]:
    """Draws as matplotlib does by itself: no style of the user's, and none of their LaTeX."""
    _import_matplotlib()
    import matplotlib

    kept = ("backend", "backend_fallback", "interactive", "toolbar", "figure.max_open_warning")
    plain = {name: v for name, v in matplotlib.rcParamsDefault.items() if name not in kept}
    with matplotlib.rc_context(plain):
        yield


def in_own_style(draw: Callable[P, T]) -> Callable[P, T]:
    """Wraps a function that draws."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **given: P.kwargs) -> T:
        with own_style():
            return draw(*args, **given)

    return drawn


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
    with replacing(path) as temporary, own_style():
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)

    def png() -> bytes:
        legible(figure)
        content = io.BytesIO()
        with own_style():
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
    for text in (
        axes.set_title(shortened(title, MOST_LETTERS), loc="left", fontweight="bold"),
        axes.set_xlabel(across),
        axes.set_ylabel(shortened(up, MOST_LETTERS)),
    ):
        text.set_parse_math(False)  # a dollar in a name begins no formula
    if across == "epoch":
        whole_numbers(axes)
    axes.grid(color="#D9D9D9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(facecolor="white", edgecolor="none", framealpha=0.9)
    for label in legend.get_texts():
        label.set_text(shortened(label.get_text(), MOST_LETTERS))
        label.set_parse_math(False)
