"""A matplotlib backend for machines without a display: `plt.show()` saves the figures, and says so.

Where there is none, matplotlib draws to memory, and `show` warns that nothing can be seen. Here the
figures go to `plots/`, named after the program and numbered as they are shown; as after the closing
of windows, the next `show` begins with none.
"""

from __future__ import annotations

import io
import itertools
import sys
from pathlib import Path
from typing import Any

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from recur import files
from recur.messages import FailedError, aside

_numbers = itertools.count(1)


class FigureManager(FigureManagerBase):
    """What `plt.show` asks."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Saves all figures, and closes them."""
        for manager in Gcf.get_all_fig_managers():
            _save(manager.canvas.figure)
        Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):
    """Draws to memory."""

    manager_class: Any = FigureManager


def _save(figure: Any) -> None:
    path = Path("plots") / f"{files.safe_name(_program())}-{next(_numbers)}.png"
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    try:
        files.write_bytes(path, picture.getvalue())
    except FailedError as error:
        aside(f"recur: There is no display, and the figure is lost: {error}")
    else:
        aside(f"recur: There is no display; the figure is in {path}")


def _program() -> str:
    """What the pictures are named after: the script, or the folder of a `__main__.py`."""
    path = Path(getattr(sys.modules["__main__"], "__file__", None) or "figure")
    return (path.parent.name if path.stem == "__main__" else path.stem) or "figure"
