"""IDX, the format of MNIST: an array of bytes behind a header that says its shape."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recur.data import packed
from recur.messages import FailedError

BYTES, LEAST_HEADER = 0x08, 4
"""The code of unsigned bytes, and how long what stands before the shape is."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Returns the array of an IDX file of unsigned bytes, plain or packed by gzip or xz.

    The header is two zero bytes, the code of the type and the number of axes, and the size of each
    axis in four bytes, the highest first.

    Raises:
        FailedError: if it cannot be read, is damaged, or holds something else.
    """
    try:
        content = packed.content_of(path)
        values = _parsed(content)
    except packed.DAMAGED as error:
        why = f"{path} is no IDX file of bytes, or a damaged one: {error}"
        raise FailedError(f"{why}. Remove it and get it again.") from error
    return values


def _parsed(content: bytes) -> NDArray[np.uint8]:
    if len(content) < LEAST_HEADER or content[:3] != bytes((0, 0, BYTES)):
        raise ValueError(f"it begins with {content[:4].hex(' ') or 'nothing'}")
    begin = LEAST_HEADER + 4 * content[3]
    shape = np.frombuffer(content[LEAST_HEADER:begin], ">u4").tolist()
    if len(shape) != content[3] or len(content) - begin != math.prod(shape):
        raise ValueError(f"it has {len(content):,} bytes, which its header does not say")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
