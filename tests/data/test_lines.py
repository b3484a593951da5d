"""Lines with their transcripts: folders, tables, arrays; and what is bad is named or left out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recur import InputError
from recur.data.records.lines import Columns, Lines, apart, read_lines


def picture(path, wide=30, high=12):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (wide, high), 255).save(path)


@pytest.fixture
def folder(tmp_path):
    """As kraken has them (a.gt.txt), as others (b.txt), and as ocropus (1.bin.png, 1.gt.txt)."""
    for name in ("one/a.png", "one/b.jpg", "two/1.bin.png"):
        picture(tmp_path / name)
    (tmp_path / "one/a.gt.txt").write_text("cafe\u0301  noir\n", encoding="utf-8")
    (tmp_path / "one/b.txt").write_text("b")
    (tmp_path / "two/1.gt.txt").write_text("c")
    return tmp_path


def test_a_folder_with_texts_beside_pictures(folder):
    found = read_lines(folder)
    assert found.train.transcripts == ["café noir", "b", "c"], "composed letters, single spaces"
    assert found.train.groups == ["one", "one", "two"]
    assert found.train.sizes == [(30, 12)] * 3
    assert any("2 groups" in note for note in found.notes)


def test_a_table_of_paths_from_its_own_folder_on(folder):
    table = folder / "lines.csv"
    table.write_text("path,transcript\none/a.png,x\none/b.jpg,y\n")
    found = read_lines(table).train
    assert (found.transcripts, found.groups) == (["x", "y"], [])
    table.write_text("image,text,writer\none/a.png,x,anna\none/b.jpg,y,ben\n")
    found = read_lines(table, Columns("image", "text", "writer")).train
    assert found.groups == ["anna", "ben"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.png", None, "There is no file"),
        ("bad.png", b"no picture", "bad.png cannot be read: it is no picture, or a damaged one"),
        ("half.png", "half", "half.png cannot be read: it is no picture, or a damaged one"),
        ("flat.png", (50, 1), "of at least 4 pixels in height; got 50 by 1"),
        ("one/a.png", "", r"row 3 of lines\.csv must be with a transcript"),
    ],
)
def test_bad_lines_are_named_or_left_out(folder, name, content, said):
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    elif content == "half":
        values = np.random.default_rng(0).integers(0, 256, (40, 90)).astype(np.uint8)
        Image.fromarray(values).save(folder / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:2000])
    elif isinstance(content, tuple):
        picture(folder / name, *content)
    text = "" if content == "" else "z"
    table = folder / "lines.csv"
    table.write_text(f"path,transcript\none/a.png,x\none/b.jpg,y\n{name},{text}\n")
    with pytest.raises(InputError, match=said) as caught:
        read_lines(table)
    assert "(drop bad)" in str(caught.value)
    found = read_lines(table, drop_bad=True)
    assert found.train.transcripts == ["x", "y"]
    said = "1 line left out (row 3 of lines.csv): each cannot be read, or has no transcript."
    assert said in found.notes


def test_nothing_to_read(tmp_path):
    with pytest.raises(InputError, match=r"a folder of pictures of lines.*line\.gt\.txt"):
        read_lines(tmp_path)
    picture(tmp_path / "a.png")
    with pytest.raises(InputError, match="pictures of lines with transcripts; got none that can"):
        read_lines(tmp_path, drop_bad=True)


def test_no_group_stands_on_both_sides_and_the_parts_are_always_the_same():
    lines = Lines([], [], [], [])
    for number in range(20):
        lines.pictures.append(None)
        lines.sizes.append((9, 9))
        lines.transcripts.append(str(number))
        lines.groups.append(f"page {number // 4}")
    kept, held = apart(lines, 0.2)
    assert held.groups
    assert not set(kept.groups) & set(held.groups)
    alike = Lines(lines.pictures, lines.sizes, lines.transcripts, [])
    kept, held = apart(alike, 0.1)
    assert len(held) == 2
    assert apart(alike, 0.1) == (kept, held)


def test_paths_pictures_and_arrays_are_asked(folder):
    grey = np.zeros((12, 30), np.uint8)
    given = [
        folder / "one/a.png",
        Image.new("RGB", (30, 12)),
        grey,
        np.stack([grey] * 3, axis=2),
        np.ones((12, 30), np.float32),
        grey > 0,
    ]
    found = Lines.asked(given)
    assert found.sizes == [(30, 12)] * 6
    assert found.names[1:] == [f"picture {n}" for n in range(2, 7)]
    for wrong in ([], [3], [np.zeros((3, 4, 5, 6))], [np.full((12, 30), 7.0)], ["gone.png"]):
        with pytest.raises(InputError):
            Lines.asked(wrong)
