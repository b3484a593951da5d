"""Sentences for people: what was wrong, with the value seen, and what to do.

Errors that a user can cause are one of two kinds. `InputError`: what was given is wrong (exit
status 2 on the command line). `FailedError`: what was asked for is right, and the work could not
be done (exit status 1). The command line prints their text and no traceback; anything else is a
defect of ours.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import itertools
import math
import numbers
import sys
from collections.abc import Callable, Iterable
from typing import TextIO, cast

MOST = 2**63 - 1
"""The largest whole number that is taken anywhere: what 64 bits hold."""
KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}

MOST_TEXT, MOST_VALUE, MOST_LISTED, MOST_COMPARED = 2_000, 300, 40, 1_000
"""Letters of a message, letters of a value in it, words in a list, names that a word is looked for
among: what comes from outside may be of any size, and a message is for a person."""


class RecurError(Exception):
    """An error whose text is written for the user, and never longer than one reads."""

    def __init__(self, text: str = "") -> None:
        super().__init__(shortened(text))


class InputError(RecurError, ValueError):
    """What was given is wrong: an option, a file's content, a shape."""


class FailedError(RecurError, RuntimeError):
    """The request was right, and the work failed: a full disk, no network, a loss of NaN."""


def shortened(text: str, most: int = MOST_TEXT) -> str:
    """Returns a text with its middle left out where it has more than `most` letters."""
    if len(text) <= most:
        return text
    end = most // 5
    return f"{text[: most - end]} ... ({len(text) - most:,} letters left out) ... {text[-end:]}"


def brief(name: str, most: int) -> str:
    """Returns a name in at most so many letters, its middle left out: two of them stay two."""
    end = most // 3
    return name if len(name) <= most else f"{name[: most - end - 1]}…{name[-end:]}"


def shown(value: object, how: Callable[[object], str] = repr) -> str:
    """Returns a value as a message shows it: its `repr`, shortened."""
    try:
        return shortened(how(value), MOST_VALUE)
    except (ValueError, RecursionError):  # thousands of digits, or of lists within lists
        return f"a {type(value).__name__} too large to show"


def must(what: str, expected: str, got: object, todo: str = "") -> str:
    """Returns the house sentence: "WHAT must be EXPECTED; got GOT. TODO"."""
    sentence = f"{shortened(what, MOST_VALUE)} must be {expected}; got {shown(got, str)}."
    return f"{sentence} {todo}" if todo else sentence


def listed(words: Iterable[object], last: str = "or") -> str:
    """Joins words as in prose: "a", "a or b", "a, b or c"; of many only the first ones."""
    items = [shortened(str(word), MOST_VALUE) for word in words]
    if len(items) < 2:
        return "".join(items)
    if len(items) > MOST_LISTED:
        return f"{', '.join(items[:MOST_LISTED])} {last} {len(items) - MOST_LISTED:,} others"
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns "Did you mean 'x'?" for the nearest known word, or an empty string."""
    if len(str(word)) > MOST_VALUE:
        return ""
    among = itertools.islice(known, MOST_COMPARED)
    as_written = {each.lower(): each for each in among if len(each) <= MOST_VALUE}
    near = difflib.get_close_matches(str(word).lower(), as_written, n=1, cutoff=0.6)
    return f"Did you mean {as_written[near[0]]!r}?" if near else ""


def one_of(what: str, value: str, allowed: Iterable[str]) -> str:
    """Returns `value` if it is allowed.

    Raises:
        InputError: if it is not; the text names the allowed values and the nearest one.
    """
    words = list(allowed)
    if value in words:
        return value
    hint = did_you_mean(value, words)
    raise InputError(must(what, listed(words), shown(value), hint))


def whole(what: str, value: object, least: int = 1, most: int = MOST) -> int:
    """Returns `value` if it is a whole number of at least `least`, and at most `most`.

    Raises:
        InputError: if it is not; True and False are none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise InputError(must(what, f"a whole number of at least {least}", shown(value)))
    if int(value) > most:
        raise InputError(must(what, f"at most {most:,}", shown(value)))
    return int(value)


def real(what: str, value: object, allowed: Callable[[float], bool], words: str) -> float:
    """Returns `value` if it is a number that is allowed; `words` say which are.

    Raises:
        InputError: if it is not; True and False are none.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        number = _float(value)
        if allowed(number):
            return number
    raise InputError(must(what, words, shown(value)))


def _float(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.nan


def count(number: int, noun: str, plural: str = "") -> str:
    """Returns "1 row" or "3,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


class _Forgiving(io.TextIOBase):
    """A stream for what is said beside the result: no work depends on it.

    There may be none (a service), it may be closed, and a terminal may go away in the middle: then
    nothing is said.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()

    def isatty(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except (AttributeError, ValueError):  # a stand-in, or closed
            return False


def standard_error() -> TextIO:
    """Standard error as it is now; writing to it never fails."""
    return cast(TextIO, _Forgiving(sys.stderr))


def aside(line: str) -> None:
    """Prints a line on standard error."""
    print(line, file=standard_error(), flush=True)


def complain(error: RecurError) -> int:
    """Prints the error's text; returns the exit status."""
    aside(f"recur: {error}")
    return 1 if isinstance(error, FailedError) else 2


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return standard_error().isatty()
