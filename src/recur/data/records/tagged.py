"""Sentences whose words have tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from recur.data.splits import Records, Rows, at_the_end, by_group
from recur.messages import InputError, did_you_mean, listed, must

USUAL = "upos"
"""The column of tags that is meant where none is named, if there is one of that name."""


@dataclass(frozen=True)
class Sentence:
    """Words, and what is known of them.

    Attributes:
        words: T of them.
        tags: by column of tags, T each; empty where words are only asked about.
        document: where it stands, if that is known: its sentences stay on one side.
        lines: as they stood in a CoNLL-U file, comments too; empty for others.
        text: as it was written, for a text that was cut into words here.
    """

    words: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...] = ()
    document: str = ""
    lines: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class TaggedSentences(Records):
    """Sentences with the same columns of tags each, or none at all.

    Attributes:
        sentences: N of them.
        columns: the names of the columns of tags.
    """

    sentences: list[Sentence]
    columns: tuple[str, ...] = ()
    noun: ClassVar[str] = "sentence"

    def __len__(self) -> int:
        return len(self.sentences)

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""
        return type(self)([self.sentences[row] for row in rows], self.columns)

    @property
    def words(self) -> list[tuple[str, ...]]:
        """The words of each sentence."""
        return [sentence.words for sentence in self.sentences]

    def tags(self, column: int) -> list[tuple[str, ...]]:
        """The tags of each sentence in a column."""
        return [sentence.tags[column] for sentence in self.sentences]

    def chosen(self, names: Sequence[str], about: str) -> Self:
        """Those with the columns of these names only, in this order.

        Args:
            names: the columns; none for the usual one: "upos", or else the last.
            about: what messages call the records.

        Raises:
            InputError: if there is no such column, or one is named twice.
        """
        wanted = tuple(names) or (USUAL if USUAL in self.columns else self.columns[-1],)
        for name in wanted:
            if name not in self.columns:
                hint = did_you_mean(name, self.columns)
                what = f"a column of tags of {about}"
                raise InputError(must(what, listed(self.columns), repr(name), hint))
        if len(set(wanted)) < len(wanted):
            got = listed(map(repr, wanted), "and")
            raise InputError(must("columns of tags", "different ones", got))
        if wanted == self.columns:
            return self
        places = [self.columns.index(name) for name in wanted]
        sentences = [
            dataclasses.replace(each, tags=tuple(each.tags[place] for place in places))
            for each in self.sentences
        ]
        return type(self)(sentences, wanted)


def _documents(records: TaggedSentences) -> Sequence[str]:
    return [sentence.document for sentence in records.sentences]


def never_seen(records: TaggedSentences, share: float) -> tuple[TaggedSentences, TaggedSentences]:
    """The rule that holds out whole documents, or the end where documents are not told apart.

    Of what is held out, a sentence that is kept too, word for word, is left out.
    """
    documents = set(_documents(records))
    rule = by_group(_documents) if len(documents) > 1 else at_the_end
    kept, held = rule(records, share)
    seen = set(kept.words)
    return kept, held.take([n for n, words in enumerate(held.words) if words not in seen])
