"""Spelling: labels of transcripts, and how many steps they need."""

from __future__ import annotations

import pytest

from recur import InputError
from recur.data.spelling import Spelling, least_steps, unit_of


def test_labels_are_numbered_from_one_and_come_back():
    spelling = Spelling.fit(["bad cab", "dab"], "characters")
    assert spelling.labels == (" ", "a", "b", "c", "d")
    (numbers,) = spelling.encode(["cab"])
    assert numbers.tolist() == [4, 2, 3]
    assert spelling.decode(numbers) == "cab"
    assert spelling.decode([1, 4, 1, 1, 2, 1]) == "c a"


def test_what_is_not_known_is_left_out_and_told():
    spelling = Spelling.fit(["one two"], "words")
    assert spelling.encode(["two three one"])[0].tolist() == [2, 1]
    assert spelling.unknown(["two three", "four"]) == ["four", "three"]


def test_words_where_they_are_few_and_said_often():
    assert unit_of(["one two"] * 10) == "words"
    assert unit_of(["one two"] * 9) == "characters"


@pytest.mark.parametrize(
    ("text", "label", "steps"), [("aab", "characters", 4), ("", "words", 0), ("a a", "words", 3)]
)
def test_equal_neighbours_need_a_blank_between(text, label, steps):
    assert least_steps(text, label) == steps


@pytest.mark.parametrize("labels", [(), ("a", "a")])
def test_labels_must_be_different_ones(labels):
    with pytest.raises(InputError, match="labels must be different ones"):
        Spelling("characters", labels)
