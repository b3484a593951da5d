"""What the task pen is trained on: its options, and pieces of handwriting as moves."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.data.ink import Changes, Ink, normalised
from recur.data.ink.moves import Moves
from recur.data.records.handwritten import Handwritten
from recur.data.splits import Splits
from recur.messages import InputError, must
from recur.tasks.options import TableData, cell_option, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class PenOptions(TableData):
    """Options of the task."""

    data: str = option(
        "plotted-words",
        "JSON lines, a folder of InkML files, or a dataset (unipen:words, unipen:sentences)",
    )
    strokes: str = option("strokes", "the column of the strokes, in JSON lines", reads=True)
    path: str = option("path", "the column of the paths of InkML files, in a table", reads=True)
    text: str = option("text", "the column of what is written", reads=True)
    writer: str = option("writer", "the column of who wrote it", reads=True)
    down: bool = option(False, "y grows downward in JSON, as on screens", reads=True)
    drop_bad: bool = option(False, "leave out what cannot be read", reads=True)
    tolerance: float = option(
        0.05,
        "how far a path is from the pen's at most, in sizes of the letters; more: fewer points",
        least=0.0,
        most=1.0,
    )
    most: int = option(1000, "pieces of more points are left out", least=2)
    turn: float = option(2.0, "in training, turned by up to so many degrees", least=0.0, most=180)
    shear: float = option(0.1, "in training, slanted by up to this share", least=0.0, most=10)
    stretch: float = option(
        0.1, "in training, up to this share wider or narrower, higher or lower", least=0.0, most=10
    )
    components: int = option(20, "Gaussians of the density of a point", least=1, most=1000)
    gaussians: int = option(10, "Gaussians of the window over the text", least=1, most=1000)
    cell: str = cell_option("lstm")
    layers: int = option(2, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(160, "hidden units in each layer", least=1)
    epochs: int = option(20, "passes over the training data", least=1)
    learning_rate: float | None = option(0.005, "the optimizer's step size", above=0.0)
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            todo = "Nothing is written from both ends."
            raise InputError(must("bidirectional", "off for pen", "on", todo))

    @property
    def moves(self) -> Moves:
        """What is kept of a pen's path."""
        return Moves(self.tolerance)

    @property
    def changes(self) -> Changes:
        """What chance makes of a piece."""
        return Changes(self.turn, self.shear, self.stretch)


def drawn(records: Handwritten, options: PenOptions) -> list[Ink]:
    """The pieces in size 1, with the points that are learnt."""
    return options.moves.simplified([normalised(ink) for ink in records.inks])


def moves_of(records: Handwritten, options: PenOptions) -> NDArray[np.float32]:
    """(N, 3) of all pieces."""
    return np.concatenate([Moves.of(ink) for ink in drawn(records, options)])


def shortened(splits: Splits[Handwritten], options: PenOptions) -> Splits[Handwritten]:
    """Without pieces of more points than are wanted.

    Raises:
        InputError: if a part has no others.
    """
    parts: dict[str, Any] = {}
    notes: list[str] = []
    for name in ("train", "validation", "test"):
        part: Handwritten = getattr(splits, name)
        long = [len(ink.points) > options.most for ink in drawn(part, options)]
        parts[name], left = part.without(long.__getitem__, f"has more than {options.most:,} points")
        notes += left
    if not all(map(len, parts.values())):
        expected = f"pieces of at most {options.most:,} points in each part"
        raise InputError(must(splits.about, expected, "none", "Take more (most)."))
    return dataclasses.replace(splits, **parts).noted(*notes)
