"""Numbers on the command line are read here and not by typer: the sentence about one is ours."""

from __future__ import annotations

from typing import TypeVar

from recur.messages import KIND_WORDS, InputError, must

T = TypeVar("T", int, float, bool, str)


def read(option: str, word: str | bool, kind: type[T]) -> T:
    """Returns a word as what the option wants.

    Raises:
        InputError: if it is none.
    """
    try:
        return kind(word)
    except ValueError:
        raise InputError(must(option, KIND_WORDS[kind], repr(word))) from None
