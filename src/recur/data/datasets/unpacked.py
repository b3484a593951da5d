"""Compressed text files, read whole."""

from __future__ import annotations

from pathlib import Path

from recur import files
from recur.data import packed
from recur.messages import FailedError


def text_of(path: Path, encoding: str | None = None) -> str:
    """The text of a file, unpacked if its name ends in .gz or .xz; UTF-8 if no encoding is named.

    Raises:
        FailedError: if it is damaged.
    """
    if path.suffix not in (".gz", ".xz"):
        return files.read_text(path, encoding)
    try:
        return packed.content_of(path, plain=False).decode(encoding or "utf-8")
    except packed.DAMAGED as error:
        raise FailedError(f"{path} is damaged: {error}. Remove it and get it again.") from error
