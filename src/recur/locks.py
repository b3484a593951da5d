"""Locks that end with the process that holds them: who trains here, and what is being written.

A lock is a file that is there while somebody holds it. The system lets go of it with the process,
so a file that is there and held by nobody is what a kill left behind. Where the system has no such
locks (Windows, some file systems), nothing is locked, and nothing that may be in use is removed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_open: set[int] = set()


class Held:
    """A file that this process holds; `hold` makes it."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle
        _open.add(handle)

    def is_there(self) -> bool:
        """Whether the file still lies at its path: not moved, not deleted, not replaced."""
        try:
            found, own = os.lstat(self.path), os.fstat(self._handle)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)

    def release(self) -> None:
        """Lets go. The file stays where it is."""
        if self._handle in _open:  # in a process that was forked off it is not held
            _open.discard(self._handle)
            os.close(self._handle)


def hold(path: Path, *, fresh: bool = False) -> Held | None:
    """Makes a file with the permissions of any new one, and holds it; None if another does.

    Args:
        path: The file; of its folders all must be there.
        fresh: Whether it must not be there before.

    Raises:
        OSError: if it cannot be made, or is a symbolic link.
    """
    while True:
        made = os.O_EXCL if fresh else 0
        held = Held(path, os.open(path, os.O_RDWR | os.O_CREAT | made | _NO_LINK, 0o666))
        taken = _taken(held._handle)
        # Between the two lines above, whoever cleans up may have removed the file.
        if taken is not False and held.is_there():
            return held
        held.release()
        if taken is False:
            return None


def left_behind(path: Path) -> bool:
    """Whether nobody holds a file; also False if that cannot be known."""
    try:
        handle = os.open(path, os.O_RDWR | _NO_LINK)
    except OSError:
        return False
    try:
        return _taken(handle) is True
    finally:
        os.close(handle)


def _taken(handle: int) -> bool | None:
    """Takes the lock: True, or False if another holds it; None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _close_all() -> None:
    """A process that is forked off must not hold on to what its parent let go by dying."""
    for handle in _open:
        os.close(handle)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)
