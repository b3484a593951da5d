"""Words of a text, by Unicode's rules.

Unicode Standard Annex #29 says where words begin and end. Three things differ here: words in
letters are cut at "." "," ":" and "_", as texts in plain English always were here; what is no word
is dropped, except emoji; and combining marks stay with their letter, as the annex has them.
"""

from __future__ import annotations

import functools
import re
from typing import Any

UNICODE, LETTERS = "unicode", "letters"
"""The rules: what is described above; and runs of letters and digits, which runs of before had."""

# An emoji with what belongs to it: a flag, a key, a skin tone, a family joined by U+200D.
_EMOJI = (
    r"\p{RI}{2}|[0-9#*]\uFE0F?\u20E3|"
    r"(?:[\p{ExtPict}--[\u00A9\u00AE\u2122]]|[\u00A9\u00AE\u2122](?=\uFE0F))"
    r"(?:\uFE0F|\p{EMod}|[\U000E0020-\U000E007F])*"
    r"(?:\u200D\p{ExtPict}(?:\uFE0F|\p{EMod}|[\U000E0020-\U000E007F])*)*"
)
# Letters that stand for a word or a syllable each, or are written without spaces between words.
_ALONE = r"[\p{Ideographic}\p{Script=Hiragana}\p{LB=SA}--\p{M}]"
_MARKS = r"[\p{M}\u200C\u200D]*"
_RUN = rf"(?:[[\w\p{{N}}]--[_\p{{M}}]--{_ALONE}--\p{{WB=Katakana}}]{_MARKS})+"
_KATAKANA = rf"(?:\p{{WB=Katakana}}{_MARKS})+"
_WORD = rf"{_RUN}(?:['\u2019]{_RUN})*|{_KATAKANA}|{_ALONE}{_MARKS}"
_LETTERS = r"[^\W_]+(?:['\u2019][^\W_]+)*"

LETTER_WORDS = re.compile(_LETTERS)
# With marks and ends of lines, each alone.
LETTER_PIECES = re.compile(rf"\n|{_LETTERS}|[^\w\s]|_")

# Latin letters and the marks around them, where both rules find the same words.
_PLAIN = re.compile(r"[\x00-\u024f\u2010-\u2027\u2030-\u2038\u20a0-\u20bf]*")


@functools.cache
def unicode_words() -> Any:
    """What is a word, as a compiled pattern."""
    import regex  # made when a text asks for it: few texts in English do

    return regex.compile(f"(?V1)(?:{_EMOJI}|{_WORD})")


@functools.cache
def unicode_pieces() -> Any:
    """Words, marks and ends of lines, as a compiled pattern."""
    import regex

    return regex.compile(rf"(?V1)\n|(?:{_EMOJI}|{_WORD})|[^\w\s]|_")


def words(text: str, rule: str = UNICODE) -> list[str]:
    """The words of a text, as they are written."""
    if rule == LETTERS or _PLAIN.fullmatch(text):
        return LETTER_WORDS.findall(text)
    return list(unicode_words().findall(text))


def pieces(text: str, rule: str = UNICODE) -> list[str]:
    """The words of a text, its marks and ends of lines."""
    if rule == LETTERS or _PLAIN.fullmatch(text):
        return LETTER_PIECES.findall(text)
    return list(unicode_pieces().findall(text))
