from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur import InputError, Vocabulary, tokenize
from recur.data import text as room
from recur.data import words as rules
from recur.data.labelled import read_labelled_text

TEXTS = ["the film was good", "The film, the FILM!", "a bad film"]

# Words.


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


# The vocabulary.


def test_ids_follow_keras():
    vocabulary = Vocabulary.fit(TEXTS)
    # film 4 times, the 3 times, then once each in alphabetical order.
    assert vocabulary.words == ("film", "the", "a", "bad", "good", "was")
    assert vocabulary.ids["film"] == 4
    assert len(vocabulary) == 10
    assert vocabulary.encode("The unknown film").tolist() == [1, 5, 2, 4]
    assert (vocabulary.padding, vocabulary.start, vocabulary.unknown) == (0, 1, 2)
    assert vocabulary.encode("film", start=False).tolist() == [4]
    assert vocabulary.encode(["the", "film"]).dtype == np.int32


def test_num_words_bounds_every_id():
    vocabulary = Vocabulary.fit(TEXTS, num_words=6)
    assert vocabulary.words == ("film", "the")
    assert len(vocabulary) == 6
    assert max(vocabulary.encode(text).max() for text in TEXTS) == 5


def test_ties_do_not_depend_on_the_order_of_the_texts():
    assert Vocabulary.fit(TEXTS) == Vocabulary.fit(TEXTS[::-1])


def test_tokens_instead_of_texts_and_another_start():
    vocabulary = Vocabulary.fit([["x", "y"], ["y"]], index_from=10)
    assert vocabulary.ids == {"y": 11, "x": 12}
    assert vocabulary.encode(["x", "z"]).tolist() == [1, 12, 2]


def test_maxlen_keeps_the_end_or_the_start():
    vocabulary = Vocabulary.fit(TEXTS)
    text = "the film was good"
    assert vocabulary.encode(text, maxlen=2).tolist() == vocabulary.encode(text)[-2:].tolist()
    first = vocabulary.encode(text, maxlen=2, keep="first")
    assert first.tolist() == vocabulary.encode(text)[:2].tolist()
    assert len(vocabulary.encode(text, maxlen=50)) == 5


def test_an_empty_text_is_its_start():
    vocabulary = Vocabulary.fit(TEXTS)
    assert vocabulary.encode("").tolist() == [1]
    assert vocabulary.encode("", start=False).tolist() == []


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
    vocabulary = Vocabulary.fit([*TEXTS, "naïve café"], num_words=9)
    stored = json.loads(json.dumps(vocabulary.to_json()))
    assert Vocabulary.from_json(stored) == vocabulary


@pytest.mark.parametrize("stored", [{"words": "film", "index_from": 3}, {"words": [1]}, {}])
def test_damaged_json_is_not_taken(stored):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Vocabulary.from_json(stored)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary.fit(TEXTS, num_words=4), "num_words must be above 4, .*; got 4"),
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


# Texts with labels.


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, name: str = "reviews.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(path)

    return write


def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(file):
    path = file('\ufefftext,stars\r\n"Good, very ""good""\nfilm",5\r\nbad,1\r\n')
    texts, labels, _ = read_labelled_text(path, label="stars")
    assert texts == ['Good, very "good"\nfilm', "bad"]
    assert labels == ["5", "1"]


def test_tabs(file):
    path = file("label\ttext\npos\tgood, really\nneg\tbad\n", "reviews.tsv")
    assert read_labelled_text(path)[:2] == (["good, really", "bad"], ["pos", "neg"])


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_json_lines(file, ending):
    rows = [{"text": "good\u2028film", "label": 1}, {"text": "bad", "label": 0, "more": None}]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n"
    path = file(content, f"reviews.{ending}")
    assert read_labelled_text(path)[:2] == (["good\u2028film", "bad"], ["1", "0"])


def test_a_text_longer_than_csv_allows_by_default(file):
    long = "word " * 50_000
    path = file(f"text,label\n{long},a\nb,b\n")
    assert read_labelled_text(path)[0][0] == long


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. It needs a header and a row for each text"),
        ("text,label\n", "is empty. It needs a header and a row for each text"),
        (b"text,label\ngood,\xff\n", "is not UTF-8 text: line 2 has the byte 0xff"),
        (
            "review,stars\ngood,1\nbad,0\n",
            "has no column 'text'; it has 'review' and 'stars'",
        ),
        ("Text,label\ngood,1\nbad,0\n", "it has 'Text' and 'label'. Did you mean 'Text'?"),
        ("text,label\ngood,1\nbad\n", "has no label in row 2"),
        ("text,label\ngood,1\nbad, \n", "has no label in row 2"),
        (
            "text,label\ngood,1\nbad,1\n",
            "must be labels of at least two classes; got only '1' in 2 rows. Add examples",
        ),
        (
            "label,text\n1,good, very good\n0,bad\n",
            r"row 1 of .* must be as wide as the header \(2 columns\); got 3 columns. Put texts",
        ),
        (
            'text,label\n"good,1\nbad,0\n',
            "is damaged after its header: unexpected end of data. Check",
        ),
    ],
)
def test_wrong_csv(file, content, message):
    with pytest.raises(InputError, match=message):
        read_labelled_text(file(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"text": "good", "label": 1}\n{"text": "bad"', "line 2 of .* is damaged: it is not JSON"),
        ('["good", 1]\n', "line 1 of .* must be a JSON object; got list"),
        ('{"text": "good", "stars": 1}\n', "has no column 'label'; it has 'text' and 'stars'"),
        ('{"text": null, "label": 1}\n', "has no text in row 1"),
    ],
)
def test_wrong_json_lines(file, content, message):
    with pytest.raises(InputError, match=message):
        read_labelled_text(file(content, "reviews.jsonl"))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.csv"):
        read_labelled_text(tmp_path / "none.csv")
