"""What a text is made of: ids and back, and what is not known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur.data import units
from recur.messages import InputError

TEXT = 'The cat sat; it wasn\'t "there" (yet).\nThe dog, however, was!'


def made(kind, texts=(TEXT,), size=1000, **options):
    if kind == "subwords":
        pytest.importorskip("tokenizers")
    return units.KINDS[kind].fit(list(texts), size, **options)


@pytest.mark.parametrize("kind", units.KINDS)
def test_through_json_and_back_again(kind):
    unit = made(kind)
    again = units.from_json(kind, json.loads(json.dumps(unit.to_json())))
    assert again.encode(TEXT).tolist() == unit.encode(TEXT).tolist()
    assert again.to_json() == unit.to_json()
    assert len(again) == len(unit) > unit.encode(TEXT).max()
    with pytest.raises((KeyError, TypeError, ValueError)):
        units.from_json(kind, {"pieces": [1], "tokenizer": {"no": 1}, "spaces": False})


@pytest.mark.parametrize("kind", ["characters", "subwords"])
@given(st.text(min_size=1, max_size=30))
def test_letters_come_back_as_they_were(kind, text):
    text = text.replace("\ud800", "")
    unit = made(kind, [text])
    if kind == "characters":  # an end of a line is one character, however it is written
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    assert unit.decode(unit.encode(text).tolist()) == text
    assert unit.unknown(text) == []


def test_words_marks_and_ends_of_lines():
    words = made("words")
    split = words.split(TEXT)
    assert split[:8] == ["the", "cat", "sat", ";", "it", "wasn't", '"', "there"]
    assert split[split.index("\n") - 1] == "."
    assert words.encode("the zebra").tolist() == [words.ids["the"], 0]
    assert words.unknown("a zebra, a zebra!") == ["a", "zebra"]
    assert words.decode(words.encode("The dog, was.\n(yet)")) == "the dog, was.\n(yet)"
    assert words.decode([0]) == "<unk>"


def test_texts_that_were_cut_into_words_are_not_cut_again():
    words = made("words", [" mr. <unk> is N years old \n n.v. the end \n"], spaces=True)
    assert words.split("mr. <unk> is N\n") == ["mr.", "<unk>", "is", "N", "\n"]
    assert words.encode("mr. <unk> is").tolist()[1] == 0
    assert words.unknown("mr. <unk> is zzz") == ["zzz"]
    # A person's capitals are no other words, where the text has none; "N" is a word of its own.
    assert words.encode("Mr. The N").tolist() == words.encode("mr. the N").tolist()
    assert 0 not in words.encode("Mr. The N")


def test_the_vocabulary_holds_the_most_frequent():
    words = made("words", ["a a a b b c"], 3)
    assert (len(words), words.pieces) == (3, ("a", "b"))
    assert words.encode("a b c").tolist() == [1, 2, 0]
    characters = made("characters", ["aab"], 2)
    assert characters.encode("ab").tolist() == [1, 0]
    assert characters.decode([1, 0]) == "a\ufffd"


def test_subwords_write_what_was_never_seen():
    unit = made("subwords", ["low lower lowest " * 20], 280)
    assert len(unit) <= 280
    assert len(unit.encode("lowest lower")) < len("lowest lower")
    assert unit.decode(unit.encode("zürich ☃")) == "zürich ☃"
    with pytest.raises(InputError, match="vocabulary must be at least 257 with subwords"):
        made("subwords", size=256)


def test_emoji_and_ideographs_are_words_and_old_runs_keep_theirs():
    text = "Good 👍🏽, 电影"
    words = units.Words.fit([text], 20)
    assert words.split(text) == ["good", "👍🏽", ",", "电", "影"]
    stored = words.to_json()
    assert units.from_json("words", stored).rule == "unicode"
    del stored["rule"]
    assert units.from_json("words", stored).split(text) == ["good", "👍", "🏽", ",", "电影"]


def test_ends_of_lines_are_one_character_unless_an_old_run_knows_two():
    assert units.Characters.fit(["a\r\nb\rc"], 9).pieces == ("\n", "a", "b", "c")
    assert units.Characters(["\r", "\n", "a"]).encode("a\r\n").tolist() == [3, 1, 2]
