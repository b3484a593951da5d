"""Films as numbers: containers that PyAV reads, moving GIFs, folders of pictures, arrays.

Frames get one small size while they are read, and of a long film some are left out at equal
distances, so that a film of any length takes little memory.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur import files
from recur.data.pictures import BROKEN, KEPT, MOST_PIXELS, Picture, Pixels, decoded
from recur.messages import FailedError, InputError, must, shown

CONTAINERS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")
"""Of files that are taken for films in a folder, besides .gif."""
PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of files that are taken for the frames of a film, in a folder of its own."""


@dataclass(frozen=True)
class Film:
    """A film that is read when it is asked for.

    Attributes:
        name: what messages and answers call it.
        frames: gives its frames, (3, size, size) each, in a size.
    """

    name: str
    frames: Callable[[int], Iterator[Pixels]]

    def check(self) -> None:
        """Raises an InputError if no frame of it can be read."""
        if next(self.frames(1), None) is None:
            raise InputError(must(self.name, "a film of one frame at least", "none"))


class Seen(NamedTuple):
    """What is kept of a film.

    Attributes:
        pixels: (T, 3, size, size).
        rows: (T,) which frames these are, counted from 0.
        frames: how many there are in all.
    """

    pixels: Pixels
    rows: NDArray[np.int64]
    frames: int


def is_film(path: Path) -> bool:
    """Whether a file or folder is one film."""
    if path.is_dir():
        return bool(_pictures(path))
    return path.suffix.lower() in (".gif", *CONTAINERS) and path.is_file()


def of_path(path: Path) -> Film:
    """The film of a file, or of a folder of pictures, whose names are in the order of time.

    Raises:
        InputError: if it is not there, or a folder without pictures.
    """
    if path.is_dir():
        if not _pictures(path):
            got = "none that is named like one"
            raise InputError(must(f"the folder {path}", "a film's frames, pictures", got))
        return Film(str(path), partial(_of_folder, path))
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. Check the path.")
    read = _of_gif if path.suffix.lower() == ".gif" else _of_container
    return Film(str(path), partial(read, path))


def of_array(values: Any, name: str) -> Film:
    """The film of an array of bytes.

    Args:
        values: (T, height, width), grey; or (T, height, width, 3).
        name: what messages call it.

    Raises:
        InputError: if it is something else, or has no frame.
    """
    frames = np.asarray(values)
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4) or not frames.size:
        expected = "bytes (frames, height, width, 3) or (frames, height, width), one frame at least"
        raise InputError(must(name, expected, f"{frames.dtype} {frames.shape}"))
    if frames.ndim == 4 and frames.shape[3] != 3:
        got = f"{frames.shape[3]}"
        raise InputError(must(f"the channels of {name}", "3, or no axis for them", got))
    return Film(name, partial(_of_frames, frames, name))


def seen(film: Film, size: int, most: int) -> Seen:
    """The frames of a film, at most `most` of them, at equal distances.

    Raises:
        InputError: if it cannot be read, or has no frame.
    """
    kept: list[tuple[int, Pixels]] = []
    every, number = 1, -1
    for number, frame in enumerate(film.frames(size)):
        if number % every == 0:
            kept.append((number, frame))
        if len(kept) == 2 * most:
            kept, every = kept[::2], 2 * every
    if not kept:
        raise InputError(must(film.name, "a film of one frame at least", "none"))
    many = min(most, len(kept))
    chosen = np.linspace(0, len(kept) - 1, many).round().astype(int)
    pixels = np.stack([kept[row][1] for row in chosen])
    return Seen(pixels, np.array([kept[row][0] for row in chosen]), number + 1)


class Reels:
    """Films that are decoded once, as long as memory is left for them.

    Args:
        films: N of them.
        size: pixels of the height and width that their frames get.
        most: frames of each at most.
    """

    def __init__(self, films: Sequence[Film], size: int, most: int) -> None:
        self.films, self.size, self.most = list(films), size, most
        self._kept: dict[int, Seen] = {}
        self._left, self._lock = KEPT, threading.Lock()

    def at(self, row: int) -> Seen:
        """Film `row`, as `seen` gives it.

        Raises:
            InputError: as `seen`.
        """
        found = self._kept.get(row)
        if found is None:
            found = seen(self.films[row], self.size, self.most)
            with self._lock:
                if row not in self._kept and found.pixels.nbytes <= self._left:
                    self._left -= found.pixels.nbytes
                    self._kept[row] = found
        return found


def _pictures(folder: Path) -> list[Path]:
    there = sorted(folder.iterdir())
    return [p for p in there if p.suffix.lower() in PICTURES and p.name[0] != "." and p.is_file()]


def _of_folder(folder: Path, size: int) -> Iterator[Pixels]:
    for path in _pictures(folder):
        yield decoded(Picture(str(path), partial(files.read_bytes, path)), size)


def _of_frames(frames: Pixels, name: str, size: int) -> Iterator[Pixels]:
    for frame in frames:
        coloured = frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)
        yield decoded(Picture(name, partial(np.asarray, coloured)), size)


def _of_gif(path: Path, size: int) -> Iterator[Pixels]:
    from PIL import Image, ImageSequence

    try:
        with Image.open(path) as opened:
            _check_size(opened.width, opened.height, path)
            for frame in ImageSequence.Iterator(opened):
                small = frame.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
                yield np.ascontiguousarray(np.asarray(small, dtype=np.uint8).transpose(2, 0, 1))
    except InputError:
        raise
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise _unreadable(path) from error


def _of_container(path: Path, size: int) -> Iterator[Pixels]:
    av = _av()
    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.video:
                raise InputError(must(str(path), "a film", "a file without pictures"))
            stream = container.streams.video[0]
            _check_size(stream.width, stream.height, path)
            for frame in container.decode(stream):
                small = frame.to_ndarray(format="rgb24", width=size, height=size)
                yield np.ascontiguousarray(small.transpose(2, 0, 1))
    except (av.error.FFmpegError, EOFError) as error:
        raise _unreadable(path) from error


def _check_size(width: int, height: int, path: Path) -> None:
    if width * height > MOST_PIXELS:
        got = f"{width:,} by {height:,}"
        raise InputError(must(str(path), f"of at most {MOST_PIXELS:,} pixels a frame", got))


def _unreadable(path: Path) -> InputError:
    return InputError(f"{shown(str(path), str)} cannot be read: it is no film, or a damaged one.")


def _av() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise FailedError(
            "Films other than GIFs are read with the package av, which is not installed. Install "
            "it with: pip install 'recur[video]'"
        ) from error
