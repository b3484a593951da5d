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


class Folder:
    """Where the state of a training is saved, while this process holds it; `open_folder` makes it.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path, held: Held) -> None:
        self.path, self._held = path, held

    def save(self, position: Position, live: Live, settings: Mapping[str, Any]) -> None:
        """Saves the state; see `checkpoint.save`.

        Raises:
            FailedError: if it cannot be written, or the folder was moved or deleted. The state is
                saved then too, unless something else has taken its place.
        """
        lost = not self._held.is_there()
        gone = f"The folder {self.path} was moved or deleted while training"
        if lost and os.path.lexists(self.path):
            raise FailedError(f"{gone}, and another is there now: nothing more was saved.")
        checkpoint.save(self.path, position, live, settings)
        if lost:
            raise FailedError(
                f"{gone}. The state is saved in a new one of that name; call fit with resume=True "
                "to go on."
            )


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
