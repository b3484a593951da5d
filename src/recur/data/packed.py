"""Packed files, opened with a limit: a few bytes can claim to hold any number of them."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

from recur import files
from recur.files import PathLike
from recur.messages import InputError, count, must

MOST = 1 << 28
"""Bytes of a packed text at most, unless it is said otherwise: 50 times the largest there is."""

MOST_OWN = 1 << 32
"""Bytes of a user's own packed file at most."""

DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a damaged one raises, or one that holds more than it may."""

_ENDINGS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".xz": lzma.open,
    ".bz2": bz2.open,
}

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


def unpacked(path: PathLike) -> tuple[bytes, str]:
    """Reads a user's file, unpacked if its name ends in .gz, .xz, .bz2 or .zip.

    Returns:
        the content, and the ending of what was packed, in small letters: ".csv".

    Raises:
        InputError: as `files.read_bytes`, and if it is damaged, too large, or a .zip of several.
    """
    content, given = files.read_bytes(path), Path(path)
    ending = given.suffix.lower()
    if ending not in _ENDINGS and ending != ".zip":
        return content, ending
    try:
        if ending == ".zip":
            return _only_one(content, path)
        with _ENDINGS[ending](io.BytesIO(content), "rb") as inside:
            return io.BufferedReader(_Limited(inside, MOST_OWN)).read(), _inner(given.stem)
    except InputError:
        raise
    except (*DAMAGED, RuntimeError, NotImplementedError) as error:  # the last two: with a password
        raise InputError(f"{path} is damaged: {error}. Unpack it, or restore it.") from error


def _only_one(content: bytes, path: PathLike) -> tuple[bytes, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if _is_content(name)]
        if len(names) != 1:
            got, todo = count(len(names), "file"), "Unpack it, and give the one that is meant."
            raise InputError(must(str(path), "an archive of one file", got, todo))
        with archive.open(names[0]) as inside:
            return io.BufferedReader(_Limited(inside, MOST_OWN)).read(), _inner(names[0])


def _is_content(name: str) -> bool:
    """Whether a name in an archive is a file's, and none that macOS adds."""
    return not name.endswith("/") and not name.startswith("__MACOSX/")


def _inner(name: str) -> str:
    return Path(name).suffix.lower()


class _Limited(io.RawIOBase):
    """A stream that ends in an error where more comes out of it than may.

    It reads in small parts, so that no claim of a size takes memory.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
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
