from __future__ import annotations

import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recur import FailedError
from recur.data.datasets.kept import checksum_of, checksum_of_texts, kept, pack, unpack


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_come_back(texts):
    assert unpack(*pack(texts)) == texts


@pytest.fixture
def cache(monkeypatch, tmp_path, own_cache):
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, torch.Tensor]:
        self.calls += 1
        return {"x": torch.arange(3)}


def test_made_once_for_each_checksum(cache):
    make = Maker()
    for _ in range(3):
        assert kept("toy", "a" * 64, make)["x"].tolist() == [0, 1, 2]
    assert make.calls == 1
    kept("toy", "b" * 64, make)
    assert make.calls == 2
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_file_is_made_again(cache):
    make = Maker()
    kept("toy", "a" * 64, make)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    for damaged in (b"", content[:-4], content[:-1] + b"\x07"):
        path.write_bytes(damaged)
        assert kept("toy", "a" * 64, make)["x"].tolist() == [0, 1, 2]
    assert make.calls == 4
    assert path.read_bytes() == content


def test_a_cache_that_cannot_be_written_costs_time_only(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RECUR_CACHE", str(tmp_path / "file" / "cache"))
    make = Maker()
    for _ in range(2):
        assert kept("toy", "a" * 64, make)["x"].tolist() == [0, 1, 2]
    assert make.calls == 2


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(5, "Input/output error")])
def test_a_cache_that_cannot_be_read_costs_time_only(cache, monkeypatch, error):
    make = Maker()
    kept("toy", "a" * 64, make)
    real = os.stat

    def stat(path, *args, **given):
        if str(path).startswith(str(cache)):
            raise error
        return real(path, *args, **given)

    monkeypatch.setattr(os, "stat", stat)
    assert kept("toy", "a" * 64, make)["x"].tolist() == [0, 1, 2]
    assert make.calls == 2


def test_checksums_differ_where_contents_do(tmp_path):
    assert checksum_of_texts(["ab"], ["c"]) != checksum_of_texts(["a"], ["bc"])
    assert checksum_of_texts(["a", "b"], []) != checksum_of_texts(["a"], ["b"])
    with pytest.raises(FailedError, match=r"none cannot be read: No such file"):
        checksum_of(tmp_path / "none")
