"""Films of every form: the same frames, small and few, and what is wrong with some."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from PIL import Image

from recur import InputError
from recur.data.film import Film, Reels, of_array, of_path, seen
from recur.data.records.filmed import Films, How, Skeletons, apart, asked, read_filmed

SHADES = (0, 60, 120, 180, 240)
USUAL = How()


def pictures():
    return [Image.new("RGB", (16, 8), (shade, 0, 255 - shade)) for shade in SHADES]


def folder_of(path):
    path.mkdir(parents=True)
    for number, picture in enumerate(pictures()):
        picture.save(path / f"{number:03}.png")
    (path / "notes.md").write_text("no frame")
    return path


def gif_of(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = pictures()
    first.save(path, save_all=True, append_images=rest, duration=40)
    return path


def container_of(path):
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "yuv420p"
        for picture in pictures():
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("make", "name"), [(folder_of, "frames"), (gif_of, "a.gif"), (container_of, "a.mp4")]
)
def test_every_form_gives_the_same_frames(make, name, tmp_path):
    found = seen(of_path(make(tmp_path / name)), 6, 32)
    assert found.pixels.shape == (5, 3, 6, 6)
    assert found.pixels.dtype == np.uint8
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    red = found.pixels[:, 0].mean(axis=(1, 2))
    assert np.allclose(red, SHADES, atol=25)  # films are compressed


def test_arrays_are_grey_or_coloured_and_nothing_else():
    grey = np.arange(3, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(5, 2)
    assert seen(of_array(grey, "it"), 2, 9).pixels[:, :, 0, 0].tolist() == [
        [0] * 3,
        [1] * 3,
        [2] * 3,
    ]
    for wrong, why in (
        (grey[..., None].repeat(4, 3), "the channels of it must be 3, or no axis for them; got 4"),
        (grey.astype(float), "bytes"),
        (grey[:0], "one frame at least"),
        (grey[0], "bytes"),
    ):
        with pytest.raises(InputError, match=why):
            of_array(wrong, "it")


def test_a_film_of_any_length_takes_little_memory_and_keeps_its_ends_apart():
    held = []

    def frames(size):
        for number in range(10_000):
            held.append(number)
            yield np.full((3, size, size), number % 256, np.uint8)

    found = seen(Film("long", frames), 2, 8)
    assert len(held) == found.frames == 10_000
    assert found.pixels.shape == (8, 3, 2, 2)
    assert found.rows[0] == 0
    assert found.rows[-1] > 8_000
    assert np.ptp(np.diff(found.rows)) <= np.diff(found.rows).mean()


def test_what_is_decoded_is_kept_as_far_as_memory_is_left(monkeypatch):
    asked_for = []

    def film(name):
        def frames(size):
            asked_for.append(name)
            yield np.zeros((3, size, size), np.uint8)

        return Film(name, frames)

    monkeypatch.setattr("recur.data.film.KEPT", 3 * 4 * 4)
    reels = Reels([film("a"), film("b")], 4, 8)
    for row in (0, 1, 0, 1):
        reels.at(row)
    assert asked_for == ["a", "b", "b"]


def test_what_cannot_be_read_is_named_or_left_out_with_a_count(tmp_path):
    for label in ("jump", "wave"):
        for number in range(2):
            gif_of(tmp_path / label / f"{number}.gif")
    for name, wrong in (("bad.gif", "no film, or a damaged one"), ("bad.mp4", "a damaged one")):
        if name.endswith("mp4"):
            pytest.importorskip("av")
        bad = tmp_path / "wave" / name
        bad.write_bytes(b"GIF89a and nothing more")
        with pytest.raises(InputError, match=rf"{name} cannot be read: .*{wrong}"):
            read_filmed(tmp_path, USUAL).train.clips[-1].check()
        found = read_filmed(tmp_path, How(drop_bad=True))
        assert len(found.train) == 4
        assert any("1 clip left out" in note and name in note for note in found.notes)
        bad.unlink()


def test_folders_of_people_of_frames_and_tags_beside(tmp_path):
    for who in ("anna", "ben"):
        for label in ("jump", "wave"):
            place = folder_of(tmp_path / label / who / "one")
            place.with_name("one.txt").write_text("up\nup\ndown\ndown\nup\n")
    found = read_filmed(tmp_path, USUAL)
    assert isinstance(found.train, Films)
    assert found.train.tags == [("up", "up", "down", "down", "up")] * 4
    kept, held = apart(found.train, 0.5)
    assert {*kept.people, *held.people} == {"anna", "ben"}
    assert not set(kept.people) & set(held.people)
    (tmp_path / "jump" / "anna" / "one.txt").unlink()
    with pytest.raises(InputError, match=r"one must be with a \.txt of tags, as others have"):
        read_filmed(tmp_path, USUAL)


def test_a_table_names_clips_and_people(tmp_path):
    gif_of(tmp_path / "a.gif")
    np.savez(tmp_path / "b.npz", np.ones((4, 2, 3)))
    (tmp_path / "t.csv").write_text("path,label,person\na.gif,x,p\na.gif,y,q\n")
    found = read_filmed(tmp_path / "t.csv", USUAL).train
    assert (found.labels, found.people, len(found.clips)) == (["x", "y"], ["p", "q"], 2)
    (tmp_path / "t.csv").write_text("path,label\na.gif,x\nb.npz,y\n")
    with pytest.raises(InputError, match="all of films, or all of skeletons; got both"):
        read_filmed(tmp_path / "t.csv", USUAL)
    (tmp_path / "t.csv").write_text("path,label\na.gif,x\ngone.gif,y\n")
    with pytest.raises(InputError, match=r"There is no file .*gone\.gif"):
        read_filmed(tmp_path / "t.csv", USUAL)


def test_what_is_asked_is_paths_or_arrays(tmp_path):
    path = gif_of(tmp_path / "a.gif")
    assert isinstance(asked([path, np.zeros((2, 4, 4), np.uint8)], USUAL), Films)
    assert isinstance(asked([np.ones((2, 4, 3))], USUAL), Skeletons)
    for wrong in ([], [3], [path, np.ones((2, 4, 3))], [tmp_path / "none"]):
        with pytest.raises(InputError):
            asked(wrong, USUAL)


def test_a_gif_that_is_cut_off_anywhere_is_read_or_named(tmp_path):
    whole = gif_of(tmp_path / "whole.gif").read_bytes()
    cut = tmp_path / "cut.gif"
    for length in range(1, len(whole), 7):
        cut.write_bytes(whole[:length])
        read = None
        with contextlib.suppress(InputError):  # nothing else may be raised
            read = seen(of_path(cut), 8, 10)
        assert read is None or read.frames > 0
