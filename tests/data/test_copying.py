"""Words of one text, numbered after the vocabulary's."""

from __future__ import annotations

from recur.data.copying import OwnWords
from recur.data.numbering import Numbering
from recur.data.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    ("the", ".", "said"), "words-and-marks", Numbering(end=0, unknown=1, first=2)
)
TEXT = "The Zwolle mayor said: Zwolle is the 2nd."


def test_what_the_vocabulary_lacks_is_numbered_in_the_order_of_the_text():
    own = OwnWords(VOCABULARY, TEXT, maxlen=9, room=3)
    assert own.pieces == ["the", "zwolle", "mayor", "said", ":", "zwolle", "is", "the", "2nd"]
    assert own.words == ("zwolle", "mayor", ":")
    assert own.source() == [2, 5, 6, 4, 7, 5, 1, 2, 1]
    assert [own.piece(number) for number in (2, 5, 7)] == ["the", "zwolle", ":"]


def test_a_target_knows_the_words_of_its_source_and_no_others():
    own = OwnWords(VOCABULARY, TEXT, maxlen=9, room=3)
    assert own.target("Mayor of Zwolle said.", 10) == [6, 1, 5, 4, 3, 0]
    assert own.target("Mayor of Zwolle said.", 3) == [6, 1, 5]


def test_without_room_all_others_are_unknown():
    own = OwnWords(VOCABULARY, TEXT, maxlen=3, room=0)
    assert (own.words, own.source()) == ((), [2, 1, 1])
