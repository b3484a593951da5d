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
import numbers
import sys
from collections.abc import Callable, Iterable
from typing import TextIO, cast

MOST = 2**63 - 1
"""The largest whole number that is taken anywhere: what 64 bits hold."""
KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


class RecurError(Exception):
    """An error whose text is written for the user."""


class InputError(RecurError, ValueError):
    """What was given is wrong: an option, a file's content, a shape."""


class FailedError(RecurError, RuntimeError):
    """The request was right, and the work failed: a full disk, no network, a loss of NaN."""


def must(what: str, expected: str, got: object, todo: str = "") -> str:
    """Returns the house sentence: "WHAT must be EXPECTED; got GOT. TODO"."""
    sentence = f"{what} must be {expected}; got {got}."
    return f"{sentence} {todo}" if todo else sentence


def listed(words: Iterable[object], last: str = "or") -> str:
    """Joins words as in prose: "a", "a or b", "a, b or c"."""
    items = [str(word) for word in words]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns "Did you mean 'x'?" for the nearest known word, or an empty string."""
    as_written = {each.lower(): each for each in known}
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
    raise InputError(must(what, listed(words), repr(value), hint))


def whole(what: str, value: object, least: int = 1, most: int = MOST) -> int:
    """Returns `value` if it is a whole number of at least `least`, and at most `most`.

    Raises:
        InputError: if it is not; True and False are none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise InputError(must(what, f"a whole number of at least {least}", repr(value)))
    if int(value) > most:
        raise InputError(must(what, f"at most {most:,}", repr(value)))
    return int(value)


def real(what: str, value: object, allowed: Callable[[float], bool], words: str) -> float:
    """Returns `value` if it is a number that is allowed; `words` say which are.

    Raises:
        InputError: if it is not; True and False are none.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Real) and allowed(float(value)):
        return float(value)
    raise InputError(must(what, words, repr(value)))


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


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return standard_error().isatty()
