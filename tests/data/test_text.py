from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur import InputError, Vocabulary, tokenize
from recur.data import text as room
from recur.data import words as rules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A wonderful film, isn't it?", ["a", "wonderful", "film", "isn't", "it"]),
        ("One.<br /><br />Two<BR>three", ["one", "two", "three"]),
        ("'quoted' rock'n'roll o''clock '' '", ["quoted", "rock'n'roll", "o", "clock"]),
        ("snake_case 10/10 e-mail", ["snake", "case", "10", "10", "e", "mail"]),
        (
            "Ça c\u2019est «très» bien… n'est-ce",
            ["ça", "c\u2019est", "très", "bien", "n'est", "ce"],
        ),
        ("a < b", ["a", "b"]),
        ("", []),
        ("...!?", []),
    ],
)
def test_words(text, words):
    assert tokenize(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Great 👍 film", ["great", "👍", "film"]),
        ("👍🏽👨‍👩‍👧 🇩🇪🇫🇷", ["👍🏽", "👨‍👩‍👧", "🇩🇪", "🇫🇷"]),
        ("I ❤️ it ☺ 1️⃣", ["i", "❤️", "it", "☺", "1️⃣"]),
        ("我喜欢这部电影,很好", list("我喜欢这部电影很好")),
        ("ひらがなとカタカナ", ["ひ", "ら", "が", "な", "と", "カタカナ"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("한국 영화", ["한국", "영화"]),
        ("e\u0301te\u0301 ™ ½ m²", ["e\u0301te\u0301", "½", "m²"]),
        ("snake_case 3.5 电", ["snake", "case", "3", "5", "电"]),
        ("שלום עֲלֵיכֶם", ["שלום", "עֲלֵיכֶם"]),
    ],
)
def test_words_by_the_rules_of_unicode(text, words):
    assert tokenize(text) == words
    # A language model's words are the same, with the marks between them.
    assert [piece for piece in rules.pieces(text.lower()) if piece not in ",_.\u2122"] == words


def test_words_by_the_rule_of_before():
    assert tokenize("Good 👍🏽 电影, हिन्दी", "letters") == ["good", "电影", "ह", "न", "द"]
    with pytest.raises(InputError, match="rule must be unicode or letters"):
        Vocabulary.from_json({"words": [], "index_from": 3, "rule": "none"})


@given(st.text(max_size=30))
def test_every_letter_is_in_a_word(text):
    found = "".join(tokenize(text))
    lost = [letter for letter in text.lower() if letter.isalnum() and letter not in found]
    assert not lost or "<" in text
    latin = "".join(letter for letter in text if letter < "\u0250")
    assert rules.unicode_words().findall(latin) == rules.words(latin)


@given(st.text(alphabet="aB1'_-.<br/> \t\n\x0b\x1c", max_size=30))
def test_the_fast_way_finds_the_words_of_the_general_one(text):
    general = rules.LETTER_WORDS.findall(room._BREAK.sub(" ", text).lower())
    assert tokenize(text) == general
