"""Vocabularies as recur 0.1 stored them: those of reviews, and three kinds of language models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NotRequired, TypedDict

from recur import schema
from recur.data.numbering import KERAS, UNKNOWN_FIRST, Numbering
from recur.data.text import UNKNOWN_WORD
from recur.data.words import LETTERS, UNICODE
from recur.messages import InputError, must


class _KerasWords(TypedDict):
    words: list[str]
    index_from: NotRequired[int]
    rule: NotRequired[str]


class _Pieces(TypedDict):
    pieces: list[str]


class _Words(_Pieces):
    spaces: bool
    rule: NotRequired[str]


class _Model(TypedDict):
    vocab: dict[str, int]
    merges: list[list[str] | str]


class _Tokenizer(TypedDict):
    model: _Model


class _Subwords(TypedDict):
    tokenizer: _Tokenizer


def as_now(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What `Vocabulary.to_json` would have given for a vocabulary that recur 0.1 stored.

    Raises:
        InputError: if it is none.
    """
    what = "a vocabulary"
    if "words" in stored:
        reviews = schema.read(_KerasWords, stored, what)
        numbering = replace(KERAS, first=reviews.get("index_from", KERAS.first - 1) + 1)
        rule = reviews.get("rule", LETTERS)  # there was one, and it had no name
        return _as_now("words", numbering, reviews["words"], rule)
    if "tokenizer" in stored:
        model = schema.read(_Subwords, stored, what)["tokenizer"]["model"]
        pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
        return {**_as_now("subwords", UNKNOWN_FIRST, _by_id(model["vocab"])), "pairs": pairs}
    if "spaces" in stored:
        words = schema.read(_Words, stored, what)
        splitter = "spaces" if words["spaces"] else "words-and-marks"
        return _as_now(splitter, UNKNOWN_FIRST, words["pieces"], words.get("rule", LETTERS))
    return _as_now("characters", UNKNOWN_FIRST, schema.read(_Pieces, stored, what)["pieces"])


def _as_now(
    splitter: str, numbering: Numbering, pieces: list[str], rule: str = UNICODE
) -> dict[str, Any]:
    known = {"splitter": splitter, "rule": rule, "pieces": pieces}
    return {**known, "numbering": asdict(numbering)}


def _by_id(ids: Mapping[str, int]) -> list[str]:
    """The subwords after the unknown one."""
    pieces = sorted(ids, key=ids.__getitem__)
    if sorted(ids.values()) != list(range(len(ids))) or pieces[:1] != [UNKNOWN_WORD]:
        expected = f"the ids from 0 ({UNKNOWN_WORD}) to {len(ids) - 1:,}, each once"
        raise InputError(must("the subwords", expected, "others"))
    return pieces[1:]
