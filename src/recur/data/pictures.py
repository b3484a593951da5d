"""Pictures as numbers: any file that Pillow reads, in one size, whole or a part of it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, shown

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

MOST_PIXELS = 100_000_000
"""Of a picture: a small file can claim to hold any number of them."""
KEPT = 1 << 28
"""Bytes of decoded pictures that are kept in memory, so that each is decoded once."""


@dataclass(frozen=True)
class Picture:
    """A picture that is read when it is asked for.

    Attributes:
        name: what messages and answers call it.
        content: gives the content of its file, or its pixels, (height, width, 3) or of grey
            (height, width).
    """

    name: str
    content: Callable[[], bytes | Pixels]


def decoded(picture: Picture, size: int) -> Pixels:
    """Returns (3, size, size), whatever the picture's own size and colours.

    Raises:
        InputError: if it is missing, is no picture, is damaged, or is too large.
    """
    from PIL import Image

    small = upright(picture, "RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(small, dtype=np.uint8).transpose(2, 0, 1))


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
            turned = _eight_bits(ImageOps.exif_transpose(opened))
            if mode == "L" and turned.has_transparency_data:
                white = Image.new("RGBA", turned.size, "white")
                turned = Image.alpha_composite(white, turned.convert("RGBA"))
            return turned.convert(mode)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = "it is no picture, or a damaged one"
        raise InputError(f"{shown(picture.name, str)} cannot be read: {why}.") from error


def _eight_bits(image: Image) -> Image:
    """A grey picture of 16 or 32 bits in 8: Pillow would cut off what is above 255."""
    from PIL import Image

    if image.mode[0] not in "IF":
        return image
    values = np.asarray(image, dtype=np.float64)
    low, high = (0.0, 65535.0) if image.mode != "F" else (values.min(), values.max())
    scaled = (values - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(np.nan_to_num(scaled).clip(0, 255).astype(np.uint8))


def _drawn(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray(np.asarray(pixels, dtype=np.uint8))


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
        self.pictures, self.size, self.flip = list(pictures), size, flip
        self.margin = round(size * crop / (1 - crop))
        self._most = KEPT // (3 * (size + self.margin) ** 2)
        self._kept: dict[int, Pixels] = {}
        self._lock = threading.Lock()

    def at(self, row: int, chance: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Returns picture `row`, (3, size, size) from 0 to 1; with `chance` changed by it.

        Raises:
            InputError: as `decoded`.
        """
        whole = self._whole(row)
        down = across = self.margin // 2
        if chance is not None:
            down, across = chance.integers(0, self.margin + 1, 2).tolist()
        part = whole[:, down : down + self.size, across : across + self.size]
        if chance is not None and self.flip and chance.random() < 0.5:
            part = part[:, :, ::-1]
        return part.astype(np.float32) / np.float32(255)

    def _whole(self, row: int) -> Pixels:
        found = self._kept.get(row)
        if found is None:
            found = decoded(self.pictures[row], self.size + self.margin)
            with self._lock:
                if len(self._kept) < self._most:
                    self._kept[row] = found
        return found
