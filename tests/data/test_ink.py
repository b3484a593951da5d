"""The pen's path: points at equal distances, size and slant taken out, chance changes, InkML."""

from __future__ import annotations

import numpy as np
import pytest

from recur import InputError
from recur.data.ink import Changes, Ink, Path, normalised, parse_inkml, size
from recur.data.ink.size import slant

ZIGZAG = [[0, 0], [1, 4], [2, 0], [3, 4], [4, 0]]


def test_strokes_as_people_have_them():
    ink = Ink.of([[[0, 0, 17], [1, 2, 18]], [], np.array([[5.0, 5.0]])])
    assert ink.points.tolist() == [[0, 0], [1, 2], [5, 5]]
    assert ink.starts.tolist() == [0, 2]
    assert ink.of_stroke.tolist() == [0, 0, 1]
    assert ink.to_json() == [[[0, 0], [1, 2]], [[5, 5]]]
    assert Ink.of([[[0, 1], [0, 3]]], down=True).points[:, 1].tolist() == [-1, -3]
    assert ink.lengths().tolist() == [pytest.approx(5**0.5), 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "a must be strokes, of one point at least; got none"),
        ([[], []], "of one point at least; got none"),
        ("strokes", r"strokes, each a list of points \[x, y\]"),
        ([[1, 2]], r"stroke 1 of a must be points \[x, y\] of finite numbers"),
        ([[[1, 2]], [[1, "b"]]], "stroke 2 of a must be points"),
        ([[[1, 2], [1]]], "stroke 1 of a must be points"),
        ([[[0, 0], [1, float("nan")]]], r"got \[1.0, nan\] as point 2 of 2 points"),
        ([[[0, 1e300]]], "as point 1 of 1 point"),
    ],
)
def test_what_is_no_ink(given, said):
    with pytest.raises(InputError, match=said):
        Ink.of(given, "a")


def test_size_and_slant_do_not_depend_on_place_scale_or_a_line_that_climbs():
    ink = Ink.of([ZIGZAG])
    assert size(ink) == 4
    assert size(ink.at(ink.points * 3 + 100)) == pytest.approx(12)
    climbing = ink.at(ink.points @ np.array([[1, 0.2], [0, 1]]))
    assert size(climbing) == pytest.approx(4, rel=0.1)
    assert slant(ink) == pytest.approx(0)
    slanted = ink.at(ink.points @ np.array([[1, 0], [0.5, 1]]))
    assert slant(slanted) == pytest.approx(0.5)
    upright = normalised(slanted, upright=True)
    np.testing.assert_allclose(upright.points, ink.points / 4, atol=1e-9)
    # The trembling of a hand is no letter.
    trembling = Ink.of([[*ZIGZAG, [5, 0.1], [6, 0]]])
    assert size(trembling) == pytest.approx(4)
    # Runs end where the pen is lifted.
    assert size(Ink.of([[[0, 0], [0, 4]], [[1, 0], [1, 4]]])) == 4
    assert size(Ink.of([[[0, 0]]])) == 1  # a dot
    assert size(Ink.of([[[0, 2], [7, 2]]])) == 7  # a dash


def test_points_are_at_equal_distances_and_the_ends_of_strokes_stay():
    ink = Ink.of([[[0, 0], [0, 1], [3, 1]], [[9, 9]], [[4, 0], [4, 1]]])
    path = Path(0.5)
    spaced = path.spaced(ink)
    assert path.steps(ink) == len(spaced.points) == 9 + 2 + 3
    for stroke, given in zip(spaced.strokes, ink.strokes, strict=True):
        np.testing.assert_allclose(stroke[[0, -1]], given[[0, -1]])
    first = np.hypot(*np.diff(spaced.strokes[0], axis=0).T)
    np.testing.assert_allclose(first, 0.5)
    # So it is for any way of drawing the same line.
    often = Ink.of([[[0, y] for y in np.linspace(0, 4, 50) ** 2]])
    np.testing.assert_allclose(np.diff(Path(1.0).spaced(often).points[:, 1]), 1)


def test_features():
    ink = Ink.of([[[0, 0], [1, 0]], [[1, 1], [1, 2]], [[90, 2]]])
    found = Path(1.0).features(Path(1.0).spaced(ink))
    assert found.dtype == np.float32
    dx, dy, lifted, sine, cosine, height = found.T
    assert dx.tolist() == [0, 1, 0, 0, 8, 0]  # a lifted pen goes 8 sizes at most
    assert dy.tolist() == [0, 0, 1, 1, 0, 0]
    assert lifted.tolist() == [1, 0, 1, 0, 1, 0]
    assert sine.tolist() == [0, 0, 1, 1, 0, 0]
    assert cosine.tolist() == [0, 1, 0, 0, 1, 0]
    # Over the mean of the path up to four sizes away, of the points that there are.
    heights = np.array([0, 0, 1, 2, 2, 2])
    around = [heights[max(0, n - 4) : n + 5].mean() for n in range(6)]
    np.testing.assert_allclose(height, heights - around, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_depends_neither_on_scale_nor_on_place(seed):
    rng = np.random.default_rng(seed)
    ink = Ink.of([rng.normal(size=(n, 2)).cumsum(axis=0) for n in (20, 1, 7)])
    path = Path(0.25)
    moved = ink.at(ink.points * 37.0 + [1000, -50])
    one, other = (path(path.normalised(each)) for each in (ink, moved))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert len(one) == path.steps(path.normalised(ink))


def test_changes_are_by_chance_and_none_by_none():
    rng = np.random.default_rng(0)
    ink = Ink.of([rng.normal(size=(n, 2)).cumsum(axis=0) for n in (30, 9)])
    still = Changes()
    assert not still
    np.testing.assert_allclose(still(ink, rng).points, ink.points)
    turned = Changes(turn=90)(ink, np.random.default_rng(1))
    np.testing.assert_allclose(turned.lengths(), ink.lengths())
    dropped = Changes(drop=0.5)(ink, np.random.default_rng(1))
    assert 5 < len(dropped.points) < 30
    assert [len(each) > 0 for each in dropped.strokes] == [True, True]
    np.testing.assert_array_equal(dropped.points[dropped.starts], ink.points[ink.starts])
    for one in (Changes(shear=0.5), Changes(scale=0.3), Changes(warp=0.1)):
        assert one
        first, same, other = (one(ink, np.random.default_rng(n)).points for n in (1, 1, 2))
        np.testing.assert_array_equal(first, same)
        assert not np.allclose(first, other)


def test_more_points_than_any_writing_has():
    long = Ink.of([[[0, 0], [0, 1], [1e9, 0]]])
    with pytest.raises(InputError, match="the strokes must be of at most 10,000 points; got"):
        Path(0.25).normalised(long)


INKML = """<?xml version="1.0" encoding="UTF-8"?>
<ink xmlns="http://www.w3.org/2003/InkML">
  <annotation type="truth"> good
     day </annotation>
  <annotation type="writer">anna</annotation>
  <traceFormat><channel name="T"/><channel name="X"/><channel name="Y"/></traceFormat>
  <trace id="a">0 10 20, 1 11 22, 2 13 22</trace>
  <trace type="penUp">5 5 5, 6 6 6</trace>
  <traceGroup><annotation type="truth">a part</annotation>
  <trace>3 '1'1, 4 '2 '3, * "1 "1, * * *</trace>
  <trace continuation="end">9 -2.5e0 .5</trace></traceGroup>
</ink>"""


def test_inkml():
    read = parse_inkml(INKML.encode(), "a.inkml")
    assert (read.text, read.writer) == ("good day", "anna")
    first, second = read.ink.to_json()
    assert first == [[10, -20], [11, -22], [13, -22]]  # y grows downward there
    # Speeds of 1 and 2 across, then a change of 1 twice; down 1 and 3, then 4 and 5.
    assert second == [[1, -1], [3, -4], [6, -8], [10, -13], [-2.5, -0.5]]
    upward = INKML.replace('<channel name="Y"/>', '<channel name="Y" orientation="-ve"/>')
    assert parse_inkml(upward.encode(), "a.inkml").ink.to_json()[0][0] == [10, 20]
    plain = parse_inkml(b"<ink><trace>1 2, 3 4</trace></ink>", "a")
    assert plain.ink.to_json() == [[[1, -2], [3, -4]]]
    assert (plain.text, plain.writer) == ("", "")


BOMB = '<!DOCTYPE ink [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ink><trace>&b;</trace></ink>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (INKML[:300], "a.inkml must be an InkML document; got .*It may be cut off"),
        ("not XML", "must be an InkML document"),
        ("<svg/>", r"must be InkML, whose outermost element is <ink>; got <svg>"),
        ("<ink/>", "must be strokes, of one point at least; got none"),
        ("<ink><trace>1 2, 3</trace></ink>", "trace 1 of a.inkml must be points of 2 values"),
        ("<ink><trace>1 2, 3 bad</trace></ink>", "got '3 bad'"),
        (
            '<ink><traceFormat><channel name="F"/></traceFormat><trace>1</trace></ink>',
            "the channels of a.inkml must be X, Y and others; got F",
        ),
        (BOMB, "must be InkML without them; got a document type, or entities of its own"),
        ('<?xml version="1.0" encoding="none"?><ink/>', "must be an InkML document"),
    ],
)
def test_bad_inkml(content, said):
    with pytest.raises(InputError, match=said):
        parse_inkml(content.encode(), "a.inkml")
