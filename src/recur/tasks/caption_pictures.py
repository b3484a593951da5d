"""How the task that writes captions sees pictures: as pixels, features of a file, or thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.data.picture_features import PictureFeatures
from recur.data.pictures import Picture, Shown
from recur.data.records.captioned import CaptionedPictures
from recur.data.splits import Splits
from recur.messages import InputError, must
from recur.tasks.caption_options import CaptionOptions

THUMBNAIL = 8
"""Pixels of the height and width in which pictures are compared for the nearest one."""

See = Callable[[int, np.random.Generator | None], NDArray[np.float32]]
"""`(row, chance) -> x`: what a network is given of a picture; with chance, changed by it."""


def seeing(records: CaptionedPictures, options: CaptionOptions, shape: tuple[int, ...]) -> See:
    """What gives the network a picture, by its row: pixels, or features out of a file.

    Args:
        records: the pictures.
        options: how they are read.
        shape: of the features that the network knows; of pixels: empty.

    Raises:
        InputError: if the file is not such a one, or lacks a picture.
    """
    if not shape:
        how: dict[str, Any] = {"flip": options.flip, "crop": options.crop}
        return Shown(records.pictures, options.size, **how).at
    features = _features_of(options)
    names = features.names([each.name for each in records.pictures])
    if features.shape != shape:
        expected = f"features {shape}, as those that were learnt from"
        raise InputError(must(str(features.path), expected, features.shape))
    return lambda row, chance: features.at(names[row])


def as_drawn(pictures: Sequence[Picture], options: CaptionOptions) -> Iterator[NDArray[np.float32]]:
    """(size, size, 3) of each picture, from 0 to 1, as the network sees it."""
    shown = Shown(pictures, options.size, crop=options.crop)
    for row in range(len(pictures)):
        yield shown.at(row).transpose(1, 2, 0)


def _features_of(options: CaptionOptions) -> PictureFeatures:
    return PictureFeatures(files.beside(options.data, options.features_file))


def checked_features(splits: Splits[CaptionedPictures], options: CaptionOptions) -> tuple[int, ...]:
    """The shape of a picture's features, each of which was read; of pixels: nothing."""
    if not options.features_file:
        return ()
    features = _features_of(options)
    parts = [part for part in (splits.train, splits.validation, splits.test) if part is not None]
    for name in features.names([each.name for part in parts for each in part.pictures]):
        features.at(name)
    return features.shape


def thumbnails(shown: Sequence[Picture]) -> NDArray[np.float64]:
    """(N, 192) pictures, 8 by 8 pixels from 0 to 1."""
    small = Shown(shown, THUMBNAIL)
    rows = [small.at(row).reshape(-1) for row in range(len(shown))]
    found: NDArray[np.float64] = np.array(rows, dtype=np.float64).round(3)
    return found


def nearest(seen: NDArray[np.float64], said: Sequence[str], asked: Sequence[Picture]) -> list[str]:
    """For each picture what was said of the one whose thumbnail is nearest."""
    rows = thumbnails(asked)
    return [said[int(((seen - row) ** 2).sum(axis=1).argmin())] for row in rows]
