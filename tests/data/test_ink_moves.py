"""Moves of a pen: as few as draw the strokes, and the way back; curves; files."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from recur.data.ink import Ink, parse_inkml
from recur.data.ink.drawing import inkml, png, svg
from recur.data.ink.moves import Moves, smooth
from recur.messages import InputError

STROKES = [[[0, 0], [1, 3], [2, 1], [4, 2]], [[1, 5]], [[2, 4], [3, 4]]]
INK = Ink.of(STROKES)


def furthest(points, corners):
    """How far the furthest of these points is from the lines through the corners."""
    way, begin = np.diff(corners, axis=0), corners[:-1]
    off = points[:, None] - begin
    along = np.clip((off * way).sum(-1) / (way * way).sum(-1), 0, 1)
    return np.hypot(*np.moveaxis(off - along[..., None] * way, -1, 0)).min(axis=1).max()


def test_moves_lead_back_to_the_strokes():
    moves = Moves.of(INK)
    assert moves[:, 2].tolist() == [0, 0, 1, 1, 0, 1]
    back = Moves.drawn(moves)
    np.testing.assert_allclose(back.points, INK.points)
    assert back.starts.tolist() == INK.starts.tolist()


def test_as_few_points_as_draw_it():
    rng = np.random.default_rng(0)
    strokes = [rng.normal(0, 0.3, (n, 2)).cumsum(axis=0) for n in (40, 1, 2, 90)]
    one, other = Ink.of(strokes[:2]), Ink.of(strokes[2:])
    few = Moves(0.2).simplified([one, other])
    assert 0 < sum(len(each.points) for each in few) < 110
    for ink, short in zip((one, other), few, strict=True):
        for stroke, corners in zip(ink.strokes, short.strokes, strict=True):
            np.testing.assert_array_equal(stroke[[0, -1]], corners[[0, -1]])
            if len(corners) > 1:
                assert furthest(stroke, corners) <= 0.2
        alone = Moves(0.2).simplified([ink])[0]
        np.testing.assert_array_equal(alone.points, short.points)
    line = Ink.of([[[0, 0], [1, 0], [2, 0], [2, 0], [2, 3]]])
    assert Moves(0.0).simplified([line])[0].points.tolist() == [[0, 0], [2, 0], [2, 3]]


def test_a_dot_that_comes_first_is_drawn_apart_from_what_follows():
    (ink,) = Moves(0.1).simplified([Ink.of([[[1, 1]], [[2, 0], [3, 0]]])])
    back = Moves.drawn(Moves.of(ink))
    assert [len(stroke) for stroke in back.strokes] == [2, 2]


def test_curves_go_through_all_points():
    curve = smooth(INK, 0.1)
    assert [len(each) for each in curve.strokes][1:] == [1, 2]
    for point in INK.points:
        assert np.hypot(*(curve.points - point).T).min() < 1e-9
    assert curve.lengths().max() < 1.1  # of the last stroke, which is straight
    assert np.abs(curve.points).max() < 6


def test_files_hold_the_strokes():
    still, moving = (svg(INK, "a<b\x00", moving=m) for m in (False, True))
    for content in (still, moving):
        root = ET.fromstring(content)
        assert len(root.findall("{*}path")) == 3
        assert root.findtext("{*}title") == "a<b"
    assert b"<animate" in moving
    assert b"<animate" not in still
    picture = np.asarray(Image.open(io.BytesIO(png(INK))))
    assert picture.shape[1] > picture.shape[0] * 0.5
    assert picture.min() < 20
    assert picture[0].min() == 255
    read = parse_inkml(inkml(INK, "a<b"), "a.inkml")
    assert read.text == "a<b"
    np.testing.assert_allclose(read.ink.points, INK.points)
    wide = np.asarray(Image.open(io.BytesIO(png(INK.at(INK.points * 1000)))))
    assert max(wide.shape) <= 8000


def test_what_are_no_moves_is_refused():
    with pytest.raises(InputError, match=r"finite numbers \(T, 3\)"):
        Moves.drawn(np.zeros((3, 2)))
    with pytest.raises(InputError, match="tolerance"):
        Moves(-1)
