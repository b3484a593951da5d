"""Words and numbers: tokens, vocabularies, and texts with labels from files.

The numbering is that of Keras' IMDB data, so that both can be used side by side: 0 is padding, 1
the start of a text, 2 a word that is not in the vocabulary, 3 is not used, and words follow from 4
on, the most frequent first.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recur import files, schema
from recur.data.tables import damaged_after, no_column
from recur.files import PathLike
from recur.messages import InputError, count, must, one_of

PADDING, START, UNKNOWN, INDEX_FROM = 0, 1, 2, 3

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_PUNCTUATION = str.maketrans(
    {mark: " " for mark in map(chr, range(128)) if not mark.isalnum() and mark != "'"}
)


def tokenize(text: str) -> list[str]:
    """Splits a text into lower-case words: letters and digits, apostrophes inside a word kept.

    Punctuation and HTML line breaks are dropped.
    """
    text = (_BREAK.sub(" ", text) if "<" in text else text).lower()
    if not text.isascii():
        return _WORD.findall(text)
    # The same words three times as fast, for the texts that allow it.
    text = text.translate(_PUNCTUATION)
    if "'" not in text:
        return text.split()
    words = (word.strip("'") for word in text.replace("''", "' '").split())
    return [word for word in words if word]


@dataclass(frozen=True)
class Vocabulary:
    """The words of the training texts, the most frequent first.

    Attributes:
        words: by rank; the id of the first is `index_from + 1`.
        index_from: the last id with a meaning of its own.
    """

    words: tuple[str, ...]
    index_from: int = INDEX_FROM

    @classmethod
    def fit(
        cls,
        texts: Iterable[str | Sequence[str]],
        *,
        num_words: int | None = None,
        index_from: int = INDEX_FROM,
    ) -> Self:
        """Counts the words of texts (or of lists of tokens).

        Args:
            texts: the training texts, and only they.
            num_words: ids stay below this number, as in Keras; None keeps every word.
            index_from: see the class.

        Raises:
            InputError: if `num_words` leaves no room for a word.
        """
        if num_words is not None and num_words <= index_from + 1:
            raise InputError(
                must("num_words", f"above {index_from + 1}, to leave room for words", num_words)
            )
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(tokenize(text) if isinstance(text, str) else text)
        room = None if num_words is None else num_words - index_from - 1
        # Ties in alphabetical order: the same texts give the same ids, in whatever order.
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:room]
        return cls(tuple(ranked), index_from)

    def __len__(self) -> int:
        """The number of ids: what an embedding must hold."""
        return len(self.words) + self.index_from + 1

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """Word to id."""
        return {word: i for i, word in enumerate(self.words, start=self.index_from + 1)}

    def encode(
        self,
        text: str | Sequence[str],
        *,
        maxlen: int | None = None,
        keep: str = "last",
        start: bool = True,
    ) -> NDArray[np.int32]:
        """Turns a text (or tokens) into ids.

        Args:
            text: the text.
            maxlen: at most so many ids; None for all.
            keep: which are kept of a longer text: the "last" (as Keras) or the "first".
            start: put the id 1 in front.

        Returns:
            (steps,) ids; 2 for a word that is not in the vocabulary.

        Raises:
            InputError: if `maxlen` is less than 1, or `keep` is another word.
        """
        one_of("keep", keep, ["last", "first"])
        if maxlen is not None and maxlen < 1:
            raise InputError(must("maxlen", "at least 1, or None for all", maxlen))
        tokens = tokenize(text) if isinstance(text, str) else text
        numbers = [START] if start else []
        numbers += map(self.ids.get, tokens, itertools.repeat(UNKNOWN))
        if maxlen is not None:
            numbers = numbers[-maxlen:] if keep == "last" else numbers[:maxlen]
        return np.array(numbers, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """Turns ids into words; padding and start are left out, unknown words are "?"."""
        known = [int(i) for i in ids if int(i) not in (PADDING, START)]
        first = self.index_from + 1
        return " ".join(self.words[i - first] if first <= i < len(self) else "?" for i in known)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"index_from": self.index_from, "words": list(self.words)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Builds it again.

        Raises:
            InputError: if `stored` is not what `to_json` gave.
        """
        return schema.read(cls, stored, "a vocabulary")


def read_labelled_text(
    path: PathLike, text: str = "text", label: str = "label"
) -> tuple[list[str], list[str]]:
    """Reads texts and labels from a CSV file (.tsv with tabs), or JSON lines (.jsonl).

    Args:
        path: a UTF-8 file with a header line, or an object a line.
        text: the column of the texts.
        label: the column of the labels; they are read as text.

    Returns:
        The texts and their labels, in order.

    Raises:
        InputError: if the file is missing, empty, not UTF-8 or damaged, lacks a column (those it
            has are named), a row has no label, or there are fewer than two different labels.
    """
    texts, labels = [], []
    for number, row in _rows(Path(path)):
        texts.append(_cell(row, text, path, number))
        labels.append(_cell(row, label, path, number).strip())
        if not labels[-1]:
            raise InputError(f"{path} has no {label} in row {number}. Fill it in, or drop the row.")
    if not texts:
        todo = "It needs a header and a row for each text."
        raise InputError(f"{path} is empty. {todo}")
    if len(set(labels)) < 2:
        raise InputError(
            must(
                f"the column {label!r} of {path}",
                "labels of at least two classes",
                f"only {labels[0]!r} in {count(len(labels), 'row')}",
                "Add examples of another class.",
            )
        )
    return texts, labels


def _cell(row: Mapping[str, Any], column: str, path: PathLike, number: int) -> str:
    if column not in row:
        raise InputError(no_column(str(path), column, row))
    value = row[column]
    if value is None:
        raise InputError(f"{path} has no {column} in row {number}. Fill it in, or drop the row.")
    return str(value)


def _rows(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Rows with their numbers (from 1, without the header)."""
    content = files.read_text(path)
    if path.suffix in (".jsonl", ".ndjson"):
        return _json_rows(path, content)
    return _csv_rows(path, content)


def _csv_rows(path: Path, content: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(1 << 30)  # a text may be longer than the 128 KiB that csv allows
    separator = "\t" if path.suffix == ".tsv" else ","
    # Strict: a quotation mark that is never closed would swallow the rest of the file unnoticed.
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if None in row:
                width = count(len(reader.fieldnames or ()), "column")
                got = count(len(row) - 1 + len(row[None]), "column")
                todo = 'Put texts that hold a separator into "quotation marks".'
                expected = f"as wide as the header ({width})"
                raise InputError(must(f"row {number} of {path}", expected, got, todo))
            yield number, row
    except csv.Error as error:
        raise InputError(damaged_after(str(path), number, error)) from error


def _json_rows(path: Path, content: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    # Not splitlines(): JSON texts may hold other line separators, such as U+2028, as they are.
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        row = files.parse_json(line, f"line {number} of {path}", finite=False)
        if not isinstance(row, dict):
            raise InputError(must(f"line {number} of {path}", "a JSON object", type(row).__name__))
        yield number, row
