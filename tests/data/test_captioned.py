"""Pictures with captions: folders, tables, decoding and chance; what is damaged is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recur import InputError
from recur.data.pictures import Picture, Shown, decoded, of_file
from recur.data.records.captioned import CaptionedPictures, apart, read_captioned


@pytest.fixture
def folder(tmp_path):
    for name in ("one.png", "two.jpg", "bare.png"):
        Image.new("L" if name == "two.jpg" else "RGBA", (10, 6)).save(tmp_path / name)
    (tmp_path / "one.txt").write_text("a thing\n\nanother\n")
    (tmp_path / "two.txt").write_text("grey\n")
    return tmp_path


def test_a_folder_with_texts_beside_pictures(folder):
    found = read_captioned(folder)
    assert found.train.captions == [("a thing", "another"), ("grey",)]
    assert found.notes == ("1 of 3 pictures left out: no caption beside it.",)
    assert [decoded(each, 4).shape for each in found.train.pictures] == [(3, 4, 4)] * 2


def test_a_table_of_paths_from_its_own_folder_on(folder):
    (folder / "all.csv").write_text("picture,caption\none.png,a\ntwo.jpg,b\none.png,c\n")
    assert read_captioned(folder / "all.csv").train.captions == [("a", "c"), ("b",)]
    (folder / "all.csv").write_text("picture,caption\ngone.png,a\n")
    with pytest.raises(InputError, match=r"There is no file .*gone.png"):
        read_captioned(folder / "all.csv")
    (folder / "all.csv").write_text("picture,caption\none.png,\n")
    with pytest.raises(InputError, match="row 1 of the column 'caption' of"):
        read_captioned(folder / "all.csv")


def test_what_cannot_be_read_is_named_or_left_out_and_counted(folder):
    whole = (folder / "one.png").read_bytes()
    for name in ("half.png", "none.jpg"):
        (folder / name).write_bytes(whole[:40] if name == "half.png" else b"")
        (folder / name).with_suffix(".txt").write_text("a thing\n")
    with pytest.raises(InputError) as caught:
        read_captioned(folder)
    assert str(caught.value) == (
        f"{folder / 'half.png'} cannot be read: it is no picture, or a damaged one. So it is "
        "with 1 other. Such pictures can be left out (drop bad)."
    )
    found = read_captioned(folder, drop_bad=True)
    assert found.train.captions == [("a thing", "another"), ("grey",)]
    assert found.notes[-1] == "2 of 4 pictures left out (half.png, none.jpg): not to be read."
    rows = ["one.png,a", "gone.png,b", "half.png,c", "two.jpg,", ",d", "two.jpg,e"]
    (folder / "all.csv").write_text("\n".join(["picture,caption", *rows]))
    found = read_captioned(folder / "all.csv", drop_bad=True)
    assert found.train.captions == [("a",), ("e",)]
    assert found.notes == (
        "2 of 6 rows left out: no picture or caption.",
        "2 of 4 pictures left out (gone.png, half.png): not to be read.",
    )
    (folder / "all.csv").write_text("picture,caption\ngone.png,a\n")
    with pytest.raises(InputError, match="must be pictures with captions; got none"):
        read_captioned(folder / "all.csv", drop_bad=True)


def test_a_folder_without_captions_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"Put a .txt of the same name beside each picture"):
        read_captioned(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_damaged_picture_is_named(folder, content):
    whole = (folder / "one.png").read_bytes()
    given = whole[: len(whole) // 2] if content is None else content
    with pytest.raises(InputError, match=r"x.png cannot be read: it is no picture, or a damaged"):
        decoded(Picture("x.png", lambda: given), 8)


def test_sixteen_bits_are_seen_as_eight(tmp_path):
    wide = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    for channels in (1, 3):
        seen = decoded(of_file(tmp_path / "wide.png"), 8, channels)
        assert seen.shape == (channels, 8, 8)
        assert np.abs(seen[0].astype(int) - wide // 257).max() <= 1


def test_chance_moves_and_mirrors_and_without_it_nothing_changes():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    shown = Shown([Picture("x", lambda: pixels)], 8, flip=True, crop=0.2)
    assert shown.margin == 2
    still = shown.at(0)
    assert np.array_equal(still, shown.at(0))
    seen = {shown.at(0, np.random.default_rng(seed)).tobytes() for seed in range(60)}
    assert len(seen) == 18, "three places each way, and a mirror"
    again = shown.at(0, np.random.default_rng(3))
    assert np.array_equal(again, shown.at(0, np.random.default_rng(3)))


def test_a_picture_stands_on_one_side_with_all_its_captions():
    pictures = [Picture(str(n), bytes) for n in range(10)]
    kept, held = apart(CaptionedPictures(pictures, [(str(n), "x") for n in range(10)]), 0.2)
    assert sorted(p.name for part in (kept, held) for p in part.pictures) == list("0123456789")
    assert all(p.name == some[0] for p, some in zip(held.pictures, held.captions, strict=True))


@pytest.mark.parametrize("given", [3, np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_no_picture_is_refused(given):
    with pytest.raises(InputError, match="picture 1 must be"):
        CaptionedPictures.asked([given], "caption")
