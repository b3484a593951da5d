"""Texts to learn to write from: documents, in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from recur.data.splits import Records, Rows, Splits
from recur.messages import InputError, count, must

KINDS = ("file", "lines", "paragraphs")
"""Where memory begins anew in a file: never, at every line, or at blank lines."""


@dataclass(frozen=True)
class Texts(Records):
    """Documents.

    Attributes:
        documents: their texts.
        spaces: whether they were cut into words before, with spaces between.
    """

    documents: list[str]
    spaces: bool = False
    noun: ClassVar[str] = "document"

    def __len__(self) -> int:
        return len(self.documents)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        return type(self)([self.documents[row] for row in rows], self.spaces)

    @property
    def characters(self) -> int:
        """Their length."""
        return sum(map(len, self.documents))

    def first(self, limit: int) -> Self:
        """The first documents, or lines where there is one document."""
        if len(self) != 1:
            return super().first(limit)
        lines = self.documents[0].splitlines(keepends=True)[:limit]
        return type(self)(["".join(lines)], self.spaces)


def documents_of(text: str, kind: str) -> Texts:
    """A file's text as documents, none of them blank; `kind` is one of `KINDS`."""
    if kind == "file":
        return Texts([text] if text.strip() else [])
    text = "\n".join(text.splitlines())
    parts = text.split("\n") if kind == "lines" else _paragraphs(text)
    return Texts([part for part in parts if part.strip()])


def in_order(texts: Texts, about: str, *, validation: float, test: float) -> Splits[Texts]:
    """Cuts documents into three parts, in their order; of one document no word is cut.

    Args:
        texts: the documents.
        about: what they are, in a line.
        validation: the share of the whole for the second part.
        test: the share for the last part.

    Raises:
        InputError: if a part would be empty.
    """
    shares = 1 - test - validation, 1 - test
    if len(texts) > 1:
        first, last = (round(share * len(texts)) for share in shares)
        ends = ((0, first), (first, last), (last, len(texts)))
        parts = [texts.take(range(*part)) for part in ends]
    else:
        text = texts.documents[0] if texts.documents else ""
        first, last = (_word_end(text, round(share * len(text))) for share in shares)
        cut = (text[:first], text[first:last], text[last:])
        parts = [Texts([part] if part else [], texts.spaces) for part in cut]
    if not all(map(len, parts)):
        size = count(len(texts), "document") if len(texts) > 1 else count(len(text), "character")
        expected = "long enough to learn from, to validate and to test on"
        raise InputError(must(about, expected, size, "Add more text."))
    note = f"Tested on the last {test:.0%} of {about}, held out from training."
    train, validating, testing = parts
    return Splits(
        train, validating, testing, about=about, notes=(note,), cut=("test", "validation")
    )


def _paragraphs(text: str) -> list[str]:
    blank = "\n".join(line if line.strip() else "" for line in text.split("\n"))
    return [part.strip("\n") for part in blank.split("\n\n")]


def _word_end(text: str, at: int) -> int:
    """The place at or after `at` where no word is cut."""
    while at < len(text) and not text[at - 1].isspace():
        at += 1
    return at
