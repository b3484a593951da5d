"""Sound that arrives: raw samples in pieces of any size, and files in blocks."""

from __future__ import annotations

import os

import numpy as np
import pytest

from recur.data import audio
from recur.data.arriving_sound import blocks, raw
from recur.messages import InputError

SOUND = (0.5 * np.sin(np.arange(50_000) / 5)).astype(np.float32)


def piped(content, sizes):
    """What `raw` makes of bytes that are written in pieces of such sizes."""
    back, into = os.pipe()
    found = []
    samples = raw(back)
    for size in sizes:
        os.write(into, content[:size])
        content = content[size:]
        found.append(next(samples))
    os.close(into)
    found += samples
    os.close(back)
    return np.concatenate(found)


def test_samples_are_put_together_from_pieces_that_cut_them():
    content = (SOUND[:100] * 32768).astype("<i2").tobytes()
    np.testing.assert_allclose(piped(content, [7, 1, 92, 100]), SOUND[:100], atol=1e-4)
    with pytest.raises(InputError, match="1 bytes at the end"):
        piped(content[:99], [99])


def test_channels_take_turns(tmp_path):
    both = np.stack([SOUND[:100], np.zeros(100)], axis=1)
    (tmp_path / "raw").write_bytes((both * 32768).astype("<i2").tobytes())
    with open(tmp_path / "raw", "rb") as file:
        found = np.concatenate(list(raw(file.fileno(), channels=2)))
    np.testing.assert_allclose(found, SOUND[:100] / 2, atol=1e-4)
    with pytest.raises(InputError, match="channels must be from 1 to 32; got 0"):
        next(raw(0, channels=0))


def test_a_file_comes_in_blocks(tmp_path):
    (tmp_path / "a.wav").write_bytes(audio.wav(SOUND, 16000))
    rate, pieces = blocks(tmp_path / "a.wav")
    found = list(pieces)
    assert rate == 16000
    assert len(found) > 1
    np.testing.assert_allclose(np.concatenate(found), SOUND, atol=1e-4)
    with pytest.raises(InputError, match="There is no file"):
        blocks(tmp_path / "b.wav")
