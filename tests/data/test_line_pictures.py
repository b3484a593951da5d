"""Pictures of lines: one height, width in proportion, ink bright; and what chance makes of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from recur import InputError
from recur.data import pictures
from recur.data.distortions import Distortions, looked_up
from recur.data.line_pictures import LineForm, ReadLines, pieces, size_of
from recur.data.pictures import Picture


def ink(wide=40, high=16):
    """A line with a block of ink, (height, width) from 0 to 1."""
    values = np.zeros((high, wide))
    values[3:-3, 5:15] = 1
    return values


def given(values, name="x"):
    return Picture(name, lambda: values)


def grey(values):
    return np.asarray(values * 255).round().astype(np.uint8)


def test_every_line_has_one_height_and_a_width_in_proportion():
    form = LineForm(8)
    for wide, high in ((40, 16), (7, 31), (300, 4)):
        line = form(given(np.zeros((high, wide), np.uint8)))
        assert line.shape == (form.width((wide, high)), 8)
    assert form.width((40, 16)) == 20
    assert form.width((1, 100)) == 1


@pytest.mark.parametrize("polarity", ["found", "dark", "light"])
def test_ink_is_bright_whatever_it_was(polarity):
    dark, light = grey(1 - ink()), grey(ink())
    wanted = LineForm(16, "light")(given(light))
    assert wanted.max() == 255
    assert wanted.min() == 0
    if polarity != "light":
        assert np.array_equal(LineForm(16, polarity)(given(dark)), wanted)
    if polarity != "dark":
        assert np.array_equal(LineForm(16, polarity)(given(light)), wanted)


def test_contrast_is_normalised_and_noise_on_empty_paper_is_not_made_ink():
    faint = (100 + 40 * ink()).astype(np.uint8)
    assert np.array_equal(
        LineForm(16, "light")(given(faint)), LineForm(16, "light")(given(grey(ink())))
    )
    empty = np.random.default_rng(0).integers(200, 204, (16, 40)).astype(np.uint8)
    assert LineForm(16)(given(empty)).max() < 60


def test_modes_of_all_kinds_say_the_same():
    """Colours, a palette, clear ground, 16 bits and a picture on its side."""
    plain = Image.fromarray(grey(1 - ink()))
    clear = Image.merge("LA", (Image.new("L", plain.size, 0), Image.fromarray(grey(ink()))))
    deep = Image.fromarray(((1 - ink()) * 60_000).astype(np.uint16))
    turned = plain.transpose(Image.Transpose.ROTATE_90)
    wanted = LineForm(16)(given(np.asarray(plain)))
    exif = Image.Exif()
    exif[0x0112] = 6
    for image, options in (
        (plain.convert("RGB"), {}),
        (plain.convert("P"), {}),
        (plain.convert("1"), {}),
        (clear, {}),
        (deep, {}),
        (turned, {"exif": exif}),
    ):
        content = io.BytesIO()
        image.save(content, "PNG", **options)
        found = LineForm(16)(Picture("x", content.getvalue))
        assert np.abs(found.astype(int) - wanted).max() <= 1, image.mode


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((1, 50), r"x must be of at least 4 pixels in height; got 50 by 1\. Scan it in more"),
        ((4, 900), r"x must be at most 200 times as wide as high; got 900 by 4\. Cut it"),
    ],
)
def test_what_can_be_no_line_is_refused(shape, said):
    with pytest.raises(InputError, match=said):
        size_of(given(np.zeros(shape, np.uint8)))


def test_a_line_is_decoded_once_while_the_memory_lasts(monkeypatch):
    asked = []

    def content():
        asked.append(1)
        return grey(ink())

    for room, times in ((1 << 20, 1), (16, 2)):
        monkeypatch.setattr(pictures, "KEPT", room)
        lines = ReadLines([Picture("x", content)], LineForm(8))
        asked.clear()
        assert np.array_equal(lines.at(0), lines.at(0))
        assert len(asked) == times


def test_parts_that_blank_columns_divide():
    line = np.zeros((20, 8), np.float32)
    line[[2, 3, 4, 9, 10, 15]] = 1
    assert pieces(line) == [(2, 5), (9, 11)], "a single column is a speck"
    assert pieces(np.zeros((4, 8), np.float32)) == []


def test_no_distortion_changes_nothing_and_each_changes_something():
    line = ink(60).T.astype(np.float32)
    chance = np.random.default_rng(0)
    assert not Distortions()
    assert np.array_equal(Distortions()(line, chance), line)
    for name in ("rotation", "slant", "scale", "elastic", "blur", "noise", "contrast"):
        one = Distortions(**{name: 0.5})
        assert one
        changed = [one(line, np.random.default_rng(seed)) for seed in (1, 1, 2)]
        assert np.array_equal(changed[0], changed[1])
        assert changed[0].shape != line.shape or not np.array_equal(changed[0], line), name
        assert not np.array_equal(changed[0], changed[2]), name
        assert changed[0].dtype == np.float32


def test_the_width_that_a_transcript_needs_is_left():
    line = np.ones((10, 8), np.float32)
    widths = {
        len(Distortions(scale=0.9)(line, np.random.default_rng(seed), least=10))
        for seed in range(30)
    }
    assert min(widths) == 10
    assert max(widths) > 12


def test_a_long_line_is_not_turned_out_of_sight():
    line = np.zeros((400, 32), np.float32)
    line[:, 16] = 1
    for seed in range(10):
        turned = Distortions(rotation=40)(line, np.random.default_rng(seed))
        assert (turned.max(axis=1) > 0.3).mean() > 0.97


def test_looking_up_a_line_where_it_is_gives_it_back():
    line = np.random.default_rng(0).random((9, 5), dtype=np.float32)
    x, y = np.meshgrid(np.arange(9, dtype=np.float32), np.arange(5, dtype=np.float32))
    assert np.allclose(looked_up(line, x.T, y.T), line)
    assert np.allclose(looked_up(line, x.T + 0.5, y.T)[:-1], (line[1:] + line[:-1]) / 2, atol=1e-6)
    assert not looked_up(line, x.T - 100, y.T).any()


def test_distortions_out_of_bounds_are_refused():
    with pytest.raises(InputError, match="slant must be from 0 to 1; got 2"):
        Distortions(slant=2)
    assert Distortions(slant=0.3, noise=0.2).times(5) == Distortions(slant=1.0, noise=1.0)
