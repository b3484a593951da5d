"""Pictures as numbers: any file that Pillow reads, in one size, whole or a part of it."""

from __future__ import annotations

import io
import os
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.messages import InputError, must, shown

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of files that are taken for pictures in a folder."""
MOST_PIXELS = 100_000_000
"""Of a picture: a small file can claim to hold any number of them."""
BROKEN = (OSError, SyntaxError, ValueError, IndexError, EOFError, TypeError, struct.error)
"""What Pillow raises for a damaged file, by its format."""
DEEPEST = 65535.0
"""The greatest number of 16 bits."""
GREY = 12
"""How far the three colours of a pixel may lie apart in a picture that is grey, of 255."""
KEPT = 1 << 28
"""Bytes of decoded pictures that are kept in memory, so that each is decoded once."""


@dataclass(frozen=True)
class Picture:
    """A picture that is read when it is asked for.

    Attributes:
        name: what messages and answers call it.
        content: gives the content of its file, or its pixels (height, width, 3); grey ones
            (height, width).
    """

    name: str
    content: Callable[[], bytes | Pixels]


def of_file(path: Path) -> Picture:
    """The picture of a file that must be there.

    Raises:
        InputError: if it is not.
    """
    if os.path.isdir(path):
        raise InputError(must(str(path), "a picture", "a folder", "Name the files in it."))
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. Check the path.")
    return Picture(str(path), partial(files.read_bytes, path))


def asked(inputs: Sequence[object], task: str) -> list[Picture]:
    """Pictures to answer: paths, or arrays of bytes (height, width, 3) or (height, width).

    Raises:
        InputError: if there is none, a file is missing, or one is something else.
    """
    if not inputs:
        raise InputError(f"{task} needs a picture, such as dog.jpg.")
    return [_asked(each, number) for number, each in enumerate(inputs, start=1)]


def _asked(given: object, number: int) -> Picture:
    if isinstance(given, np.ndarray):
        of_picture = given.ndim == 2 or (given.ndim == 3 and given.shape[2] == 3)
        if not of_picture or given.dtype != np.uint8 or not given.size:
            got = f"{given.dtype} {given.shape}"
            raise InputError(must(f"picture {number}", "bytes (height, width, 3)", got))
        return Picture(f"picture {number}", lambda: given)
    if not isinstance(given, str | os.PathLike):
        raise InputError(must(f"picture {number}", "a path or an array", type(given).__name__))
    return of_file(files.path_of(given))


def decoded(picture: Picture, size: int, channels: int = 3) -> Pixels:
    """Returns (channels, size, size), whatever the picture's own size and colours.

    Args:
        picture: the picture.
        size: the height and the width.
        channels: 3 for colour, 1 for grey.

    Raises:
        InputError: if it is missing, is no picture, is damaged, or is too large.
    """
    from PIL import Image

    content = picture.content()
    if channels == 1 and isinstance(content, np.ndarray) and content.shape == (size, size):
        return content[None]
    whole = upright(picture, "RGB" if channels == 3 else "L")
    small = whole.resize((size, size), Image.Resampling.BILINEAR)
    found = np.asarray(small, dtype=np.uint8).reshape(size, size, channels)
    return np.ascontiguousarray(found.transpose(2, 0, 1))


def upright(picture: Picture, mode: str) -> Image:
    """Reads a whole picture, and turns it as the camera noted.

    Args:
        picture: the picture.
        mode: what it becomes: "RGB", or "L" for grey; what is clear is white then.

    Raises:
        InputError: if it is missing, is no picture, is damaged, or is too large.
    """
    from PIL import Image, ImageOps

    content = picture.content()
    try:
        opened = Image.open(io.BytesIO(content)) if isinstance(content, bytes) else _drawn(content)
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                got = f"{opened.width:,} by {opened.height:,}"
                raise InputError(must(picture.name, f"of at most {MOST_PIXELS:,} pixels", got))
            turned = _eight_bits(ImageOps.exif_transpose(opened), picture.name)
            if mode == "L" and turned.has_transparency_data:
                white = Image.new("RGBA", turned.size, "white")
                turned = Image.alpha_composite(white, turned.convert("RGBA"))
            return turned.convert(mode)
    except InputError:
        raise
    except (*BROKEN, Image.DecompressionBombError) as error:
        why = "it is no picture, or a damaged one"
        raise InputError(f"{shown(picture.name, str)} cannot be read: {why}.") from error


def measured(picture: Picture) -> tuple[int, int, int]:
    """The height and the width of a picture, upright, and its channels: 3 if it has colour, else 1.

    Raises:
        InputError: as `decoded`.
    """
    whole = upright(picture, "RGB")
    small = np.asarray(whole.resize((64, 64)), dtype=np.int64)
    coloured = bool((small.max(axis=2) - small.min(axis=2)).max() > GREY)
    return whole.height, whole.width, 3 if coloured else 1


def unreadable(pictures: Sequence[Picture]) -> dict[int, InputError]:
    """What is wrong with those that cannot be decoded, by their rows."""
    found = {}
    for row, picture in enumerate(pictures):
        try:
            decoded(picture, 1)
        except InputError as error:
            found[row] = error
    return found


def _eight_bits(image: Image, name: str) -> Image:
    """A grey picture of 16 or 32 bits in 8: Pillow would cut off what is above 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError(must(name, "a picture of numbers", "values that are not finite"))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= DEEPEST:
        low, high = 0.0, 255.0 if image.mode == "I" and high <= 255 else DEEPEST
    scaled = (values - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))


def _drawn(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray(np.asarray(pixels, dtype=np.uint8))


class Stored:
    """Pictures in one size, each decoded once, as long as the memory set aside for them holds.

    Args:
        pictures: N of them.
        size: of each, in height and width.
        channels: 3 for colour, 1 for grey.
    """

    def __init__(self, pictures: Sequence[Picture], size: int, channels: int = 3) -> None:
        self.pictures, self.size, self.channels = list(pictures), size, channels
        self._most = KEPT // (channels * size**2)
        self._kept: dict[int, Pixels] = {}
        self._lock = threading.Lock()

    def at(self, row: int) -> Pixels:
        """Returns picture `row`, (channels, size, size).

        Raises:
            InputError: as `decoded`.
        """
        found = self._kept.get(row)
        if found is None:
            found = decoded(self.pictures[row], self.size, self.channels)
            with self._lock:
                if len(self._kept) < self._most:
                    self._kept[row] = found
        return found


class Shown:
    """Pictures in one size, changed at random where that is asked for.

    Args:
        pictures: N of them.
        size: of each, in height and width.
        flip: half of the changed ones are seen in a mirror.
        crop: the share of height and width that a changed one loses, anywhere at its edges; others
            lose it evenly.
    """

    def __init__(
        self, pictures: Sequence[Picture], size: int, *, flip: bool = False, crop: float = 0.0
    ) -> None:
        self.size, self.flip = size, flip
        self.margin = round(size * crop / (1 - crop))
        self._stored = Stored(pictures, size + self.margin)

    def at(self, row: int, chance: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Returns picture `row`, (3, size, size) from 0 to 1; with `chance` changed by it.

        Raises:
            InputError: as `decoded`.
        """
        whole = self._stored.at(row)
        down = across = self.margin // 2
        if chance is not None:
            down, across = chance.integers(0, self.margin + 1, 2).tolist()
        part = whole[:, down : down + self.size, across : across + self.size]
        if chance is not None and self.flip and chance.random() < 0.5:
            part = part[:, :, ::-1]
        return part.astype(np.float32) / np.float32(255)
