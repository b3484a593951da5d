"""MNIST: files of the IDX format, which are read or named."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from recur import FailedError
from recur.data.datasets import mnist


def idx(array: np.ndarray) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Small files under the names of MNIST's; every tenth picture has the same label."""
    monkeypatch.setenv("RECUR_DATA", str(tmp_path))
    monkeypatch.setattr(mnist, "VALIDATION", 10)
    for part, number in (("train", 40), ("t10k", 20)):
        pixels = np.arange(number * 784).reshape(number, 28, 28) % 251
        for what, array in (("images-idx3", pixels), ("labels-idx1", np.arange(number) % 10)):
            (tmp_path / f"{part}-{what}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    return tmp_path


def test_the_parts_and_the_pixels(files):
    found = mnist.load()
    assert [len(part) for part in (found.train, found.validation, found.test)] == [30, 10, 20]
    assert found.train.labels[:12] == [*map(str, range(10)), "0", "1"]
    expected = (np.arange(784) + 31 * 784) % 251
    assert np.array_equal(found.validation.pictures[1].content().flatten(), expected)
    assert found.validation.labels[1] == "1"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (idx(np.zeros((40, 28, 28)))[:-1], "it holds 31,359 bytes of 31,360"),
        (idx(np.zeros(40)), "no file of bytes with 3 axes"),
        (b"", "no file of bytes with 3 axes"),
        (idx(np.zeros((39, 28, 28))), "40 labels for 39 pictures"),
    ],
)
def test_damaged_files_are_named(files, content, why):
    path = files / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(FailedError, match=f"-ubyte.gz is damaged: .*{why}"):
        mnist.load()
    path.write_bytes(path.read_bytes()[:12])
    with pytest.raises(FailedError, match="is damaged"):
        mnist.load()
