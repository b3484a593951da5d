"""Texts to ids and back; the ids of before, and what is not known."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur import InputError, Vocabulary
from recur.data.numbering import (
    BLANK_FIRST,
    KERAS,
    PIECES_ONLY,
    TARGETS,
    UNKNOWN_FIRST,
    Numbering,
)

TEXTS = ["the film was good", "The film, the FILM!", "a bad film"]
WAYS = ["words", "words-and-marks", "spaces", "characters", "subwords"]
STORED = json.loads((Path(__file__).parent / "vocabularies.json").read_text(encoding="utf-8"))
TEXT = 'The cat sat; it wasn\'t "there" (yet).\nThe dog, however, was!'


def made(splitter, texts=(TEXT,), size=1000, numbering=UNKNOWN_FIRST):
    if splitter == "subwords":
        pytest.importorskip("tokenizers")
    return Vocabulary.fit(list(texts), size=size, splitter=splitter, numbering=numbering)


@pytest.mark.parametrize("splitter", WAYS)
@pytest.mark.parametrize("numbering", [UNKNOWN_FIRST, KERAS, TARGETS, BLANK_FIRST, PIECES_ONLY])
def test_through_json_and_back_again(splitter, numbering):
    vocabulary = made(splitter, size=400, numbering=numbering)
    stored = json.loads(json.dumps(vocabulary.to_json()))
    again = Vocabulary.from_json(stored)
    assert again == vocabulary
    assert again.to_json() == stored
    bare = again.encode(TEXT, start=False, end=False)
    before = [] if numbering.start is None else [numbering.start]
    after = [] if numbering.end is None else [numbering.end]
    assert again.encode(TEXT) == vocabulary.encode(TEXT) == [*before, *bare, *after]
    assert numbering.first <= min(bare) <= max(bare) < len(again)
    padding = [] if numbering.padding is None else [numbering.padding] * 2
    assert again.decode([*padding, *before, *bare, *after]) == again.decode(bare)
    assert list(map(again.piece, bare)) == list(again.split(TEXT))
    for damaged in ({"pieces": [1]}, {"numbering": {"first": 0, "padding": 3}}, {"splitter": "x"}):
        with pytest.raises(InputError):
            Vocabulary.from_json(stored | damaged)


@pytest.mark.parametrize("way", range(len(STORED)))
def test_what_recur_0_1_stored_opens_for_ever(way):
    old = STORED[way]
    if old["kind"] == "subwords":
        pytest.importorskip("tokenizers")
    vocabulary = Vocabulary.from_json(old["stored"])
    assert vocabulary.encode(old["text"]) == old["ids"]
    assert vocabulary.decode(old["ids"]) == old["decoded"]
    assert len(vocabulary) == old["size"] or old["kind"] == "keras"
    if old["texts"]:  # and the same texts are learnt as they were
        splitter = {"words": "words-and-marks", "keras": "words"}.get(old["kind"], old["kind"])
        numbering = KERAS if old["kind"] == "keras" else UNKNOWN_FIRST
        assert made(splitter, old["texts"], old["size"], numbering) == vocabulary


@pytest.mark.parametrize("splitter", ["characters", "subwords"])
@given(st.text(min_size=1, max_size=30))
def test_letters_come_back_as_they_were(splitter, text):
    text = text.replace("\ud800", "")
    unit = made(splitter, [text])
    if splitter == "characters":  # an end of a line is one character, however it is written
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    assert unit.decode(unit.encode(text)) == text
    assert unit.not_known(text) == []


def test_words_marks_and_ends_of_lines():
    words = made("words-and-marks")
    split = words.split(TEXT)
    assert split[:8] == ["the", "cat", "sat", ";", "it", "wasn't", '"', "there"]
    assert split[split.index("\n") - 1] == "."
    assert words.encode("the zebra") == [words.ids["the"], 0]
    assert words.not_known("a zebra, a zebra!") == ["a", "zebra"]
    assert words.decode(words.encode("The dog, was.\n(yet)")) == "the dog, was.\n(yet)"
    assert words.decode([0]) == "<unk>"
    cut = "they 'll say it 's n't theirs ' smith n'tional"
    treebank = Vocabulary.fit([cut], splitter="spaces", numbering=words.numbering)
    joined = "they'll say it'sn't theirs ' smith n'tional"
    assert treebank.decode(treebank.encode(cut)) == joined


def test_texts_that_were_cut_into_words_are_not_cut_again():
    words = made("spaces", [" mr. <unk> is N years old \n n.v. the end \n"])
    assert words.split("mr. <unk> is N\n") == ["mr.", "<unk>", "is", "N", "\n"]
    assert words.encode("mr. <unk> is")[1] == 0
    assert words.not_known("mr. <unk> is zzz") == ["zzz"]
    # A person's capitals are no other words, where the text has none; "N" is a word of its own.
    assert words.encode("Mr. The N") == words.encode("mr. the N")
    assert 0 not in words.encode("Mr. The N")


def test_the_vocabulary_holds_the_most_frequent():
    words = made("words-and-marks", ["a a a b b c"], 3)
    assert (len(words), words.pieces) == (3, ("a", "b"))
    assert words.encode("a b c") == [1, 2, 0]
    characters = made("characters", ["aab"], 2)
    assert characters.encode("ab") == [1, 0]
    assert characters.decode([1, 0]) == "a\ufffd"


def test_subwords_write_what_was_never_seen():
    unit = made("subwords", ["low lower lowest " * 20], 280)
    assert len(unit) <= 280
    assert len(unit.encode("lowest lower")) < len("lowest lower")
    assert unit.decode(unit.encode("zürich ☃")) == "zürich ☃"
    with pytest.raises(InputError, match="vocabulary must be at least 257 with subwords"):
        made("subwords", size=256)


def test_ends_of_lines_are_one_character():
    assert made("characters", ["a\r\nb\rc"], 9).pieces == ("\n", "a", "b", "c")


def test_subwords_are_learnt_the_same_whatever_the_order_of_texts():
    texts = ["".join(chance.choices("abcd e", k=200)) for chance in map(random.Random, range(50))]
    assert made("subwords", texts, 300) == made("subwords", texts[::-1], 300)


def test_targets_have_a_beginning_and_an_end():
    vocabulary = made("subwords", ["low lower lowest " * 20], 280, TARGETS)
    assert (vocabulary.padding, vocabulary.start, vocabulary.end, vocabulary.unknown) == (
        0,
        1,
        2,
        3,
    )
    assert len(vocabulary) <= 280
    ids = vocabulary.encode("lowest <unk>")
    assert (ids[0], ids[-2:]) == (1, [3, 2])
    assert vocabulary.decode([*ids, 0, 0]) == "lowest <unk>"
    assert vocabulary.decode([500, -1]) == "<unk><unk>"
    assert [vocabulary.piece(number) for number in range(3)] == ["<pad>", "<s>", "</s>"]
    plain = made("subwords", ["low lower"], 280, PIECES_ONLY)
    assert plain.decode([*plain.encode("a <unk> b"), 500]) == "a <unk> b"


def test_classes_know_no_unknown():
    tags = Vocabulary.fit([["NOUN", "VERB"], ["NOUN"]], splitter="tokens", numbering=PIECES_ONLY)
    assert tags.encode(["VERB", "NOUN"]) == [1, 0]
    assert tags.decode([1, 0]) == "VERB NOUN"
    assert (len(tags), tags.noun, tags.unknown) == (2, "tokens", None)
    with pytest.raises(
        InputError, match=r"must be in the vocabulary, .* unknown tokens; got 'ADJ'"
    ):
        tags.encode(["ADJ"])
    with pytest.raises(InputError, match="must be a list of tokens; got 'NOUN'"):
        tags.encode("NOUN")
    with pytest.raises(InputError, match="what subwords are learnt from must be texts"):
        made("subwords", [["a", "b"]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Numbering(first=1, padding=0, unknown=0), r"different ids below 1.*got \[0, 0\]"),
        (
            lambda: Numbering(first=1, end=1),
            r"different ids below 1, where pieces begin; got \[1\]",
        ),
        (
            lambda: Numbering(first=-1),
            "the id of the first piece must be a whole number of at least",
        ),
        (
            lambda: Vocabulary(("a", "b", "a")),
            "pieces of a vocabulary must be different .* got 'a'",
        ),
        (lambda: Vocabulary((), "word"), "splitter must be .*; got 'word'. Did you mean 'words'"),
    ],
)
def test_wrong_vocabularies(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()


# The words of reviews, numbered as Keras does.


def test_ids_follow_keras():
    vocabulary = Vocabulary.fit(TEXTS)
    # film 4 times, the 3 times, then once each in alphabetical order.
    assert vocabulary.pieces == ("film", "the", "a", "bad", "good", "was")
    assert vocabulary.ids["film"] == 4
    assert len(vocabulary) == 10
    assert vocabulary.encode("The unknown film") == [1, 5, 2, 4]
    assert (vocabulary.padding, vocabulary.start, vocabulary.unknown) == (0, 1, 2)
    assert vocabulary.encode("film", start=False) == [4]


def test_the_size_bounds_every_id():
    vocabulary = Vocabulary.fit(TEXTS, size=6)
    assert vocabulary.pieces == ("film", "the")
    assert len(vocabulary) == 6
    assert max(max(vocabulary.encode(text)) for text in TEXTS) == 5


def test_ties_do_not_depend_on_the_order_of_the_texts():
    assert Vocabulary.fit(TEXTS) == Vocabulary.fit(TEXTS[::-1])


def test_tokens_instead_of_texts_and_another_beginning():
    vocabulary = Vocabulary.fit([["x", "y"], ["y"]], numbering=replace(KERAS, first=11))
    assert vocabulary.ids == {"y": 11, "x": 12}
    assert vocabulary.encode(["x", "z"]) == [1, 12, 2]


def test_maxlen_keeps_the_end_or_the_start():
    vocabulary = Vocabulary.fit(TEXTS)
    text = "the film was good"
    assert vocabulary.encode(text, maxlen=2) == vocabulary.encode(text)[-2:]
    first = vocabulary.encode(text, maxlen=2, keep="first")
    assert first == vocabulary.encode(text)[:2]
    assert len(vocabulary.encode(text, maxlen=50)) == 5


def test_an_empty_text_is_its_start():
    vocabulary = Vocabulary.fit(TEXTS)
    assert vocabulary.encode("") == [1]
    assert vocabulary.encode("", start=False) == []


@given(st.lists(st.sampled_from(["film", "the", "bad", "new"]), max_size=8))
def test_decode_turns_back(words):
    vocabulary = Vocabulary.fit(TEXTS)
    known = [word if word in vocabulary.ids else "?" for word in words]
    assert vocabulary.decode(vocabulary.encode(words)) == " ".join(known)
    assert vocabulary.decode([0, 0, *vocabulary.encode(words), 3, 99]).split() == [
        *known,
        "?",
        "?",
    ]


def test_json_both_ways():
    vocabulary = Vocabulary.fit([*TEXTS, "naïve café"], size=9)
    stored = json.loads(json.dumps(vocabulary.to_json()))
    assert Vocabulary.from_json(stored) == vocabulary


@pytest.mark.parametrize(
    "stored",
    [
        {"words": "film", "index_from": 3},
        {"words": [1]},
        {},
        {"pieces": [1], "spaces": False},
        {"tokenizer": {"no": 1}},
        {"tokenizer": {"model": {"vocab": {"a": 0, "<unk>": 1}, "merges": []}}},
        {"tokenizer": {"model": {"vocab": {"<unk>": 0, "a": 1}, "merges": [["a", "b"]]}}},
    ],
)
def test_damaged_json_is_not_taken(stored):
    with pytest.raises(InputError):
        Vocabulary.from_json(stored)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Vocabulary.fit(TEXTS, size=4),
            "size of the vocabulary must be above 4, .*; got 4",
        ),
        (lambda: Vocabulary(("a",)).encode("a", maxlen=0), "maxlen must be at least 1, .*; got 0"),
        (
            lambda: Vocabulary(("a",)).encode("a", keep="lst"),
            "keep must be last or first; got 'lst'. Did you mean 'last'?",
        ),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(InputError, match=message):
        call()
