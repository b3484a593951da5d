"""What tasks share that read labelled pictures: where they come from, how chance changes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from recur.data.labelled_folder import Kind
from recur.data.picture_changes import PictureChanges
from recur.data.records.pictured import OF_CLASSES, Columns, LabelledPictures, read_pictured
from recur.data.scanned import ORDERS, Scan
from recur.data.splits import Splits
from recur.tasks.options import Answering, TableData, option
from recur.tasks.task import Preprocessing, Task, Trained

COLOURS = {"": None, "grey": 1, "colour": 3}
"""Channels of a picture."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureOptions(TableData):
    """Options of tasks that read labelled pictures."""

    picture_column: str = option("picture", "the column of the paths in a table", reads=True)
    label_column: str = option("label", "the column of the labels in a table", reads=True)
    drop_bad: bool = option(False, "leave out pictures that cannot be read", reads=True)
    size: int | None = option(
        None,
        "pixels of the height and width that pictures get (default: the first one's, at most 64)",
        least=2,
        most=1024,
    )
    colour: str = option("", "read them grey or in colour (default: found)", choices=tuple(COLOURS))
    order: str = option(
        "rows",
        "what a step is: a row, a column, both at once, a pixel, or a pixel in a random order",
        choices=ORDERS,
    )
    shift: float = option(
        0.1, "in training, move pictures by up to this share", least=0.0, most=0.5
    )
    rotate: float = option(
        10.0, "in training, turn pictures by up to so many degrees", least=0.0, most=180.0
    )
    zoom: float = option(
        0.1, "in training, pictures up to this share larger or smaller", least=0.0, most=0.9
    )
    shear: float = option(0.05, "in training, slanted by up to this share", least=0.0, most=0.5)
    flip: bool = option(False, "in training, see half of the pictures in a mirror")
    light: float = option(
        0.0, "in training, up to this share lighter or darker, and so the contrast", least=0.0
    )
    decay: bool = option(True, "let the step size fall in a straight line, to 0 at the end")

    @property
    def changes(self) -> PictureChanges:
        """How pictures are changed in training."""
        names = [field.name for field in dataclasses.fields(PictureChanges)]
        return PictureChanges(**{name: getattr(self, name) for name in names})

    def scan(self, learnt: LabelledPictures) -> Scan:
        """How pictures become steps, measured on those that are learnt from."""
        channels = COLOURS[self.colour]
        return Scan.fit(learnt.pictures, self.order, size=self.size, channels=channels)


O = TypeVar("O", bound=PictureOptions)  # noqa: E741
R = TypeVar("R", bound=LabelledPictures)
F = TypeVar("F", bound=Preprocessing)
A = TypeVar("A", bound=Answering)


class OfPictures(Task[O, R, F, A]):
    """What tasks of labelled pictures have in common.

    Attributes:
        classes_are: what the labels are called.
    """

    inputs = "the path of a picture"
    classes_are: ClassVar[Kind] = OF_CLASSES

    def open(self, source: Any, options: O, fitted: F | None = None) -> Splits[R]:
        """Reads pictures from a folder for each label, or from a table."""
        return read_pictured(
            source,
            self.records,
            self.classes_are,
            Columns(options.picture_column, options.label_column),
            delimiter=options.delimiter,
            encoding=options.encoding,
            drop_bad=options.drop_bad,
            alone=fitted is not None,
        )

    def augmented(self, learnt: R, options: O) -> R:
        """Returns the training part, to be changed at random as it is read, if asked for."""
        return dataclasses.replace(learnt, varied=bool(options.changes))

    def recipe(self, options: O) -> dict[str, Any]:
        """A step size that falls, if asked for."""
        return {"schedule": "linear"} if options.decay else {}

    def asked(self, trained: Trained[O, F], inputs: Sequence[Any]) -> R:
        """Pictures to answer."""
        return self.records.asked(inputs, self.name)
