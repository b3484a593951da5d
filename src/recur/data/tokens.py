"""Raw text to words and marks, as sentences with tags have them.

Words are cut by Unicode's rules (`recur.data.words`), every mark is one of its own, and so are
numbers with points or commas in them, addresses, abbreviations of single letters (U.S.), and a mark
that is repeated (...). What else is one word, the training text decides: "don't" is cut into "do"
and "n't", and "John's" into "John" and "'s", where it holds "n't" and "'s" as words; "Mr." keeps
its point where "mr." is one, but at the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Container

from recur.data.words import pieces

_WHOLE = re.compile(
    r"https?://\S*[\w/]|www\.\S*[\w/]|[\w.+-]+@\w[\w-]*(?:\.[\w-]+)+"
    r"|\d+(?:[.,:]\d+)+|(?<!\w)(?:[^\W\d_]\.){2,}|([^\w\s])\1+"
)
_APOSTROPHES = ("'", "\u2019")


def tokens(text: str, known: Container[str]) -> list[str]:
    """The words and marks of a text, in order.

    Args:
        text: the text.
        known: words of the training text, in lower case.
    """
    found, at = [], 0
    for match in _WHOLE.finditer(text):
        found += pieces(text[at : match.start()])
        found.append(match.group())
        at = match.end()
    found += pieces(text[at:])
    words = [part for word in found if word.strip() for part in _cut(word, known)]
    return _with_points(words, text, known)


def _cut(word: str, known: Container[str]) -> list[str]:
    """A word with an apostrophe, cut before the longest end that is a word by itself."""
    low = word.lower()
    if low in known or not any(mark in word for mark in _APOSTROPHES):
        return [word]
    for start in range(1, len(word)):
        end = low[start:]
        if end in known and any(mark in end for mark in _APOSTROPHES):
            return [word[:start], word[start:]]
    return [word]


def _with_points(words: list[str], text: str, known: Container[str]) -> list[str]:
    found: list[str] = []
    place = 0
    for number, word in enumerate(words):
        start = text.index(word, place)
        touches = bool(found) and start == place and number < len(words) - 1
        if word == "." and touches and f"{found[-1]}.".lower() in known:
            found[-1] += "."
        else:
            found.append(word)
        place = start + len(word)
    return found
