"""What is in an archive: read member by member, with limits, and without writing any of it.

A member's name is only ever compared, never made a path; what long reading gives is kept in the
cache by `kept`. A zip is read where it is asked, since it can be.
"""

from __future__ import annotations

import contextlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from recur.data import packed
from recur.data.datasets.progress import Bar
from recur.messages import FailedError, shown

MOST, MOST_OF_ONE = 1 << 30, 1 << 26
"""Bytes of an archive's content, and of one file in it, at most."""
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    OverflowError,
    *packed.DAMAGED,
)
"""What reading a damaged one raises."""


def members(
    archive: Path,
    wanted: Callable[[str], bool] = lambda name: True,
    *,
    most: int = MOST,
    most_of_one: int = MOST_OF_ONE,
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of each file in a tar archive, in the archive's order.

    Args:
        archive: the file, plain or packed by gzip or xz.
        wanted: which names are read.
        most: bytes of all that is in it.
        most_of_one: bytes of one file.

    Raises:
        FailedError: if it cannot be read, is damaged, or holds more.
    """
    with (
        damaged(archive),
        archive.open("rb") as file,
        packed.opened(file, most) as content,
        tarfile.open(fileobj=content, mode="r|") as opened,
        Bar(f"reading {archive.name}", archive.stat().st_size) as bar,
    ):
        read = 0
        for member in opened:
            if member.size > most_of_one:
                raise ValueError(f"{shown(member.name)} is larger than any file in it")
            if member.isfile() and wanted(member.name):
                part = opened.extractfile(member)
                assert part is not None
                yield member.name, part.read()
            bar.update(file.tell() - read)
            read = file.tell()


class Zip:
    """A zip archive, whose files are read when they are asked for, from any thread.

    Args:
        archive: the file.
        most_of_one: bytes of one file at most.

    Raises:
        FailedError: if it cannot be read or is damaged.
    """

    def __init__(self, archive: Path, *, most_of_one: int = MOST_OF_ONE) -> None:
        self.archive, self.most_of_one = archive, most_of_one
        with damaged(archive):
            self._opened = zipfile.ZipFile(archive)
        self.names = [info.filename for info in self._opened.infolist() if not info.is_dir()]

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FailedError: if it is damaged, or larger than any may be.
        """
        with damaged(self.archive):
            if self._opened.getinfo(name).file_size > self.most_of_one:
                raise ValueError(f"{shown(name)} is larger than any file in it")
            return self._opened.read(name)  # no more than the size that was looked at


@contextlib.contextmanager
def damaged(archive: Path) -> Iterator[None]:
    """Says of a damaged archive which it is, and what to do."""
    try:
        yield
    except DAMAGED as error:
        why = str(error).split(":\n")[0]  # tarfile lists on further lines all that it tried
        raise FailedError(f"{archive} is damaged: {why}. Remove it and try again.") from error
