"""IDX, the format of MNIST: an array of bytes behind a header that says its shape."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recur.data import packed
from recur.messages import FailedError

BYTES = 0x08
"""The code of unsigned bytes."""


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Returns the array of an IDX file of unsigned bytes, plain or packed by gzip or xz.

    The header is two zero bytes, the code of the type and the number of axes, and the size of each
    axis in four bytes, the highest first.

    Args:
        path: the file.
        axes: how many it must have.

    Raises:
        FailedError: if it cannot be read, is damaged, or holds something else.
    """
    try:
        return _parsed(packed.content_of(path), axes)
    except packed.DAMAGED as error:
        raise FailedError(f"{path} is damaged: {error}. Remove it and get it again.") from error


def _parsed(content: bytes, axes: int) -> NDArray[np.uint8]:
    begin = 4 + 4 * axes
    if len(content) < begin or content[:4] != bytes((0, 0, BYTES, axes)):
        raise ValueError(f"it is no file of bytes with {axes} axes")
    shape = np.frombuffer(content[4:begin], ">u4").tolist()
    if len(content) - begin != math.prod(shape):
        raise ValueError(f"it holds {len(content) - begin:,} bytes of {math.prod(shape):,}")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
