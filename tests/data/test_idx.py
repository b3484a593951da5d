"""IDX: what is right is read, packed or not; what is not is said."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from recur import FailedError
from recur.data.idx import read_idx

HEADER = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (2, 2, 3))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_bytes_behind_their_shape(tmp_path, pack):
    (tmp_path / "x").write_bytes(pack(HEADER + bytes(range(12))))
    assert np.array_equal(read_idx(tmp_path / "x", 3), np.arange(12).reshape(2, 2, 3))


@pytest.mark.parametrize(
    "content",
    [b"", b"PNG", HEADER[:6], HEADER + bytes(11), HEADER + bytes(13), b"\0\0\x0d" + HEADER[3:]],
)
def test_what_is_none_is_said(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FailedError, match="x is damaged: it "):
        read_idx(tmp_path / "x", 3)
    with pytest.raises(FailedError, match="gone is damaged"):
        read_idx(tmp_path / "gone", 3)
