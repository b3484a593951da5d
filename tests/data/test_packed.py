"""Packed files that claim, or hold, more than memory has."""

from __future__ import annotations

import gzip
import lzma
import tracemalloc

import pytest

from recur.data import packed
from recur.data.datasets.unpacked import text_of
from recur.data.records.pieces import read_pieces
from recur.messages import FailedError, InputError

PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "txt": bytes}


@pytest.mark.parametrize("end", PACKERS)
def test_what_was_packed(end, tmp_path):
    path = tmp_path / f"x.{end}"
    path.write_bytes(PACKERS[end](b"content" * 50_000))
    assert packed.content_of(path) == b"content" * 50_000
    assert packed.content_of(path, 350_000) == b"content" * 50_000
    with pytest.raises(packed.DAMAGED, match="it holds more than 349,999 bytes"):
        packed.content_of(path, 349_999)


@pytest.mark.parametrize("end", ["gz", "xz"])
def test_a_bomb_is_not_unpacked_into_memory(end, tmp_path):
    path = tmp_path / f"x.{end}"
    path.write_bytes(PACKERS[end](bytes(1 << 25)))
    tracemalloc.start()
    with pytest.raises(packed.DAMAGED):
        packed.content_of(path, 1 << 20)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 24  # of which xz wants 8 MiB


def test_whoever_opens_one_says_it_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(packed.content_of, "__defaults__", (1000,))
    path = tmp_path / "x.json.gz"
    path.write_bytes(gzip.compress(b"[[[60]]]" + b" " * 2000))
    with pytest.raises(InputError, match=r"is damaged: .*it holds more than 1,000 bytes"):
        read_pieces(path)
    with pytest.raises(FailedError, match=r"is damaged: it holds more than 1,000 bytes"):
        text_of(path)
    path.write_bytes(gzip.compress(b"[" * 900)[:-5])
    with pytest.raises(InputError, match=r"is damaged: it is no packed JSON"):
        read_pieces(path)
