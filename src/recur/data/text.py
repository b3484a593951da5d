"""Texts cut into pieces, and pieces put together again: words, characters and subwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple

from recur.data.words import UNICODE, pieces, words

UNKNOWN_WORD = "<unk>"
"""How a text may write a word that was left out of it, as the Penn Treebank does."""

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PUNCTUATION = str.maketrans(
    {mark: " " for mark in map(chr, range(128)) if not mark.isalnum() and mark != "'"}
)
_TIGHT_BEFORE = re.compile(
    r"[ ]+(?=[.,;:!?%)\]}\u2019\u201d\n])|(?<=\n)[ ]+|(?<=[(\[{\u201c])[ ]+"
    # As treebanks cut them: do n't, it 's, they 'll.
    r"|[ ]+(?=(?:n't|'(?:s|m|d|re|ve|ll))(?![^\s.,;:!?)]))"
)


def tokenize(text: str, rule: str = UNICODE) -> list[str]:
    """Splits a text into lower-case words, by Unicode's rules (see `recur.data.words`).

    Letters and digits with their combining marks, apostrophes inside a word kept; each ideograph
    (Chinese), Hiragana or Thai letter alone; emoji, flags and joined emoji each a word. Other
    marks and HTML line breaks are dropped.

    Args:
        text: the text.
        rule: "unicode"; or "letters", which drops emoji and cuts at nothing but marks and spaces:
            what runs of recur 0.1 were trained with.
    """
    text = (_BREAK.sub(" ", text) if "<" in text else text).lower()
    if not text.isascii():
        return words(text, rule)
    # The same words three times as fast, for the texts that allow it.
    text = text.translate(_PUNCTUATION)
    if "'" not in text:
        return text.split()
    found = (word.strip("'") for word in text.replace("''", "' '").split())
    return [word for word in found if word]


class Splitter(NamedTuple):
    """A way of cutting texts.

    Attributes:
        noun: what the pieces are called.
        split: gives the pieces of a text, by a rule (see `tokenize`), where some pieces are known.
        join: puts pieces together.
        unknown: what is shown for a piece that is not known.
    """

    noun: str
    split: Callable[[str, str, Container[str]], Sequence[str]]
    join: Callable[[Iterable[str]], str]
    unknown: str = UNKNOWN_WORD


def _words_and_marks(text: str, rule: str, known: Container[str]) -> Sequence[str]:
    return pieces(text.lower(), rule)


def _between_spaces(text: str, rule: str, known: Container[str]) -> Sequence[str]:
    # A person may write a word with a capital that the text never has.
    return [
        word if word in known or word.lower() not in known else word.lower()
        for word in text.replace("\n", " \n ").split(" ")
        if word
    ]


def _characters(text: str, rule: str, known: Container[str]) -> Sequence[str]:
    """The characters, every end of a line the same one."""
    # Runs of before learnt "\r" from texts that were written under Windows.
    return text if "\r" in known else text.replace("\r\n", "\n").replace("\r", "\n")


def _tight(found: Iterable[str]) -> str:
    return _TIGHT_BEFORE.sub("", " ".join(found))


SPLITTERS = {
    "words": Splitter("words", lambda text, rule, _: tokenize(text, rule), " ".join, "?"),
    "words-and-marks": Splitter("words", _words_and_marks, _tight),
    "spaces": Splitter("words", _between_spaces, _tight),
    "characters": Splitter("characters", _characters, "".join, "\ufffd"),
}
"""Lower-case words alone; these with marks and ends of lines; what stands between spaces, as it is
(for texts that were cut into words before); and characters. Subwords are learnt: see
`recur.data.subwords`."""
