"""The folder of a training: one training at a time, and not lost sight of while it is trained."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recur import files
from recur.locks import Held
from recur.messages import FailedError
from recur.training import checkpoint
from recur.training.checkpoint import Live, Position


class LostFolderError(FailedError):
    """The folder was moved or deleted; `saved` says whether the state is saved in a new one."""

    def __init__(self, sentence: str, *, saved: bool) -> None:
        super().__init__(sentence)
        self.saved = saved


class Folder:
    """Where the state of a training is saved, while this process holds it; `open_folder` makes it.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path, held: Held) -> None:
        self.path, self._held = path, held
        self._above = _identity(path.parent)

    def save(self, position: Position, live: Live, settings: Mapping[str, Any]) -> None:
        """Saves the state; see `checkpoint.save`.

        Raises:
            LostFolderError: if the folder was moved or deleted. The state is saved then too, in a
                new one, unless something else has taken its place or that of the folder above.
            FailedError: if it cannot be written.
        """
        if self._held.is_there():
            checkpoint.save(self.path, position, live, settings)
            return
        gone = f"The folder {self.path} was moved or deleted while training"
        if os.path.lexists(self.path) or _identity(self.path.parent) not in (None, self._above):
            raise LostFolderError(
                f"{gone}, and another is there now: nothing was saved.", saved=False
            )
        checkpoint.save(self.path, position, live, settings)
        todo = "The state is saved in a new one of that name; call fit with resume=True to go on."
        raise LostFolderError(f"{gone}. {todo}", saved=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def open_folder(path: Path | None) -> Iterator[Folder | None]:
    """Makes and holds the folder while the block runs; nothing without a path.

    Raises:
        FailedError: if another training holds it, or it cannot be written.
    """
    if path is None:
        yield None
        return
    with files.alone_in(path) as held:
        yield Folder(path, held)
