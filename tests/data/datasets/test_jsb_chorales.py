"""The chorales: the published split, and the finer steps."""

from __future__ import annotations

import pytest

from recur.data.datasets import jsb_chorales
from recur.messages import InputError


def load(step):
    if jsb_chorales.STEPS[step].here() is None:
        pytest.skip(f"needs {jsb_chorales.STEPS[step].local[1]} (RECUR_DATA)")
    return jsb_chorales.load(step)


def test_quarter_notes_are_the_published_split():
    music = load("quarter")
    parts = [part.pieces for part in (music.train, music.validation, music.test)]
    assert [len(part) for part in parts] == [229, 76, 77]
    assert [sum(map(len, part)) for part in parts] == [13_807, 4_602, 4_725]
    assert parts[2][0][0] == [72, 76, 79, 84]
    ends = [piece[-1][0] % 12 for part in parts for piece in part if piece[-1]]
    assert ends.count(0) == 356
    assert music.about == "JSB chorales (quarter notes)"


def test_sixteenths_have_as_many_pieces_and_none_in_one_key():
    music = load("16th")
    parts = [part.pieces for part in (music.train, music.validation, music.test)]
    assert [len(part) for part in parts] == [229, 76, 77]
    basses = [piece[-1][0] % 12 for part in parts for piece in part if piece[-1]]
    assert max(map(basses.count, range(12))) == 90
    assert music.about == "JSB chorales (16th notes)"


def test_eighths_are_every_second_sixteenth():
    fine, coarse = load("16th"), load("8th")
    assert [piece[::2] for piece in fine.test.pieces] == coarse.test.pieces


def test_other_steps_are_refused():
    with pytest.raises(InputError, match="step must be quarter, 8th or 16th; got '32th'"):
        jsb_chorales.load("32th")
