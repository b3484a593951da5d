"""Packed files, opened with a limit: a few bytes can claim to hold any number of them."""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

MOST = 1 << 28
"""Bytes of a packed text at most, unless it is said otherwise: 50 times the largest there is."""

DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What reading a damaged one raises, or one that holds more than it may."""

_MAGIC: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7": lzma.open}


@contextlib.contextmanager
def opened(packed: BinaryIO, most: int = MOST) -> Iterator[io.BufferedReader]:
    """Opens what is packed in a file by gzip or xz, or the file itself where it is neither.

    Args:
        packed: the file, at its beginning.
        most: bytes that may be read of the content. Beyond it a ValueError is raised.
    """
    beginning = packed.read(2)
    packed.seek(0)
    unpacker = _MAGIC.get(beginning)
    if unpacker is None:
        yield io.BufferedReader(_Limited(packed, most))
        return
    with unpacker(packed, "rb") as content:
        yield io.BufferedReader(_Limited(content, most))


def content_of(path: Path, most: int = MOST, *, plain: bool = True) -> bytes:
    """Returns what is packed in a file; with `plain` one that is not packed, as it is.

    Raises:
        One of `DAMAGED`: if it cannot be read, is damaged, or holds more than `most` bytes.
    """
    with path.open("rb") as packed:
        if packed.read(2) not in _MAGIC and not plain:
            raise ValueError("it is packed neither by gzip nor by xz")
        packed.seek(0)
        with opened(packed, most) as content:
            return content.read()


class _Limited(io.RawIOBase):
    """A stream that ends in an error where more comes out of it than may.

    It reads in small parts, so that no claim of a size takes memory.
    """

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self.stream, self.most, self.left = stream, most, most

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Reads a part."""
        part = self.stream.read(min(len(buffer), 1 << 16))
        self.left -= len(part)
        if self.left < 0:
            raise ValueError(f"it holds more than {self.most:,} bytes")
        buffer[: len(part)] = part
        return len(part)
