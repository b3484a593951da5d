"""Pictures as steps, and what chance makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recur import InputError
from recur.data.picture_changes import PictureChanges
from recur.data.pictures import Picture, measured
from recur.data.scanned import ORDERS, Scan, Scanned

CHANCE = np.random.default_rng(0)
COLOUR = CHANCE.integers(0, 256, (5, 5, 3)).astype(np.uint8)


def test_steps_of_colour_in_every_order():
    picture = torch.from_numpy(COLOUR).permute(2, 0, 1)[None] / 255
    shapes = {"rows": (5, 15), "columns": (5, 15), "both": (5, 30), "pixels": (25, 3)}
    for order in ORDERS:
        places = tuple(range(25))[::-1] if order == "permuted" else ()
        scan = Scan(order, 5, 3, 0.0, 1.0, places)
        steps = scan.steps(picture)[0]
        assert tuple(steps.shape) == scan.shape == shapes.get(order, (25, 3))
        if order == "rows":
            assert torch.equal(steps[2].view(3, 5), picture[0, :, 2])
        if order == "both":
            assert torch.equal(steps[2].view(2, 3, 5)[1], picture[0, :, :, 2])
        if order == "permuted":
            assert torch.equal(steps[0], picture[0, :, 4, 4])


def test_what_is_measured_is_taken_off():
    pictures = [Picture(str(n), lambda n=n: np.full((4, 4), 100 * n, np.uint8)) for n in (1, 2)]
    scan = Scan.fit(pictures, "rows")
    assert (scan.size, scan.channels) == (4, 1)
    assert scan.mean == pytest.approx(150 / 255, abs=1e-6)
    assert scan.deviation == pytest.approx(50 / 255, abs=1e-6)
    x = Scanned(pictures, scan).batch([0, 1]).x
    assert x.unique().tolist() == pytest.approx([-1, 1], abs=1e-5)
    blank = Scan.fit(pictures[:1], "rows")
    assert blank.deviation == 1
    with pytest.raises(IndexError):
        Scanned(pictures, scan)[2]


def test_sizes_and_colours_are_found():
    grey = np.repeat(COLOUR[:, :, :1], 3, axis=2)
    assert measured(Picture("x", lambda: COLOUR[:4])) == (4, 5, 3)
    assert measured(Picture("x", lambda: grey)) == (5, 5, 1)
    large = Picture("x", lambda: np.zeros((300, 90), np.uint8))
    assert Scan.fit([large], "rows").size == 64
    with pytest.raises(InputError, match="the permutation must be of 25 pixels; got 24 places"):
        Scan("permuted", 5, 1, 0.0, 1.0, tuple(range(24)))


def dot(row, column, size=21):
    picture = torch.zeros(1, 1, size, size)
    picture[0, 0, row, column] = 1
    return picture


def places(pictures):
    """Where the light of each picture is, in pixels from the middle."""
    mass = pictures.sum(dim=(1, 2, 3))
    at = torch.arange(pictures.shape[-1]) - (pictures.shape[-1] - 1) / 2
    down = (pictures.sum(dim=(1, 3)) * at).sum(dim=1) / mass
    across = (pictures.sum(dim=(1, 2)) * at).sum(dim=1) / mass
    return down.numpy(), across.numpy()


def changed(picture, **how):
    rows = picture.expand(400, -1, -1, -1)
    return places(PictureChanges(**how).of(rows, np.random.default_rng(0)))


def test_pictures_are_moved_as_far_as_is_said():
    down, across = changed(dot(10, 10), shift=0.2)
    assert 3.5 < np.abs(down).max() < 4.3  # a fifth of 21 pixels
    assert 3.5 < np.abs(across).max() < 4.3
    assert abs(down.mean()) < 0.5


def test_pictures_are_turned_as_far_as_is_said():
    down, across = changed(dot(10, 16), rotate=30.0)
    turned = np.degrees(np.arctan2(down, across))
    assert 27 < np.abs(turned).max() < 31
    assert np.hypot(down, across) == pytest.approx(6, abs=0.3)


def test_pictures_grow_and_are_mirrored():
    _, across = changed(dot(10, 16), zoom=0.3)
    assert 6 * 0.6 < across.min() < 5 < 7 < across.max() < 6 * 1.65
    _, across = changed(dot(10, 16), flip=True)
    assert sorted({round(float(each)) for each in across}) == [-6, 6]
    assert 0.4 < (across > 0).mean() < 0.6


def test_light_stays_within_what_a_picture_can_be():
    pictures = torch.rand(50, 1, 6, 6)
    lit = PictureChanges(light=0.5).of(pictures, np.random.default_rng(0))
    assert 0 <= lit.min() < lit.max() <= 1
    assert (lit.mean(dim=(1, 2, 3)) - pictures.mean(dim=(1, 2, 3))).abs().max() > 0.2
    assert not PictureChanges()
    assert PictureChanges(flip=True)
