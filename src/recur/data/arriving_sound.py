"""Sound that arrives piece by piece: raw samples on a stream, or a file that is read in blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recur.data.audio import MOST_CHANNELS, Samples, in_file, package, readable
from recur.files import PathLike
from recur.messages import InputError, must

AT_ONCE = 1 << 15
"""Bytes of a stream that are read at once, and samples of a file, at most."""


def raw(handle: int, channels: int = 1) -> Iterator[Samples]:
    """Yields samples (S,), the mean of the channels, as they come on a file or pipe.

    They are whole numbers of 16 bits, the low byte first, as `arecord -f S16_LE` and `ffmpeg -f
    s16le` write them.

    Args:
        handle: the number of an open file.
        channels: that take turns.

    Raises:
        InputError: if it ends within a sample; or the channels are none, or too many.
    """
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(must("channels", f"from 1 to {MOST_CHANNELS}", channels))
    wide, kept = 2 * channels, b""
    while read := os.read(handle, AT_ONCE):
        kept += read
        whole, kept = kept[: len(kept) // wide * wide], kept[len(kept) // wide * wide :]
        values = np.frombuffer(whole, "<i2").reshape(-1, channels).mean(axis=1) / 32768
        yield values.astype(np.float32)
    if kept:
        expected = f"samples of 16 bits in {channels} channels, {wide} bytes together"
        raise InputError(must("the sound", expected, f"{len(kept)} bytes at the end"))


def blocks(path: PathLike) -> tuple[int, Iterator[Samples]]:
    """A file's samples a second, and its samples (S,) in blocks, the mean of the channels.

    Raises:
        InputError: if there is no such file, or it is no recording; where it is damaged, at that
            place.
        FailedError: if the package soundfile is not installed.
    """
    path, soundfile = Path(path), package("soundfile")
    in_file(path)  # says what is wrong with it

    def read() -> Iterator[Samples]:
        with readable(path.name):
            for each in soundfile.blocks(path, AT_ONCE, dtype="float32", always_2d=True):
                yield each.mean(axis=1)

    return soundfile.info(path).samplerate, read()
