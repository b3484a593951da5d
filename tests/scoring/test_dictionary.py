"""Word by word: what a translation has to beat."""

from __future__ import annotations

import pytest

from recur import InputError
from recur.scoring.dictionary import WordByWord

SOURCES = ["A dog runs.", "The dog sleeps.", "A cat sleeps.", "The cat runs.", "A zebra!"]
TARGETS = ["Ein Hund rennt.", "Der Hund schläft.", "Eine Katze schläft.", "Die Katze rennt.", "Oh!"]


def test_words_that_stand_opposite_each_other_are_found():
    found = WordByWord.fit(SOURCES, TARGETS)
    assert {word: found.words[word] for word in ("dog", "cat", "runs", "sleeps")} == {
        "dog": "Hund",
        "cat": "Katze",
        "runs": "rennt",
        "sleeps": "schläft",
    }
    assert "zebra" not in found.words, "it stands in one pair alone"
    assert found.answers(["Cat, dog; a zebra  runs!"])[0].startswith("Katze, Hund; ")
    assert found.answers(["zebra?", ""]) == ["zebra?", ""]


def test_the_same_texts_give_the_same_words_in_any_order():
    one, other = (WordByWord.fit(SOURCES[::step], TARGETS[::step]).words["dog"] for step in (1, -1))
    assert one == other == "Hund"


def test_sides_of_unequal_length_are_refused():
    with pytest.raises(InputError, match="answers must be one for each"):
        WordByWord.fit(["a"], [])
