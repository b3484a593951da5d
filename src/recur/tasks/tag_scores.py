"""What a column of tags is worth: all words, those never seen, spans; and what needs no network."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recur.messages import FailedError
from recur.scoring import tags as scores_of
from recur.tasks.tag_preprocessing import Column
from recur.tasks.tagged_text import OUTSIDE

_SPAN = re.compile(r"O|[BIESLU]-\S+")


def worth(
    column: Column, words: Sequence[Sequence[str]], said: Any, meant: Any
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Scores of a column, and what must be said with them."""
    usual = [column.most_frequent(sentence) for sentence in words]
    found = scores_of.accuracy(said, meant)
    values = {name: found[name] for name in ("accuracy", "sentences")}
    values["accuracy_most_frequent_tag"] = scores_of.accuracy(usual, meant)["accuracy"]
    unseen = [[word not in column.usual for word in sentence] for sentence in words]
    if any(map(any, unseen)):
        both = (
            [[*itertools.compress(*each)] for each in zip(tags, unseen, strict=True)]
            for tags in (said, meant)
        )
        values["accuracy_unseen"] = scores_of.accuracy(*both)["accuracy"]
    if not _are_spans(column.tags.pieces):
        return values, ()
    try:
        values |= scores_of.entities(said, meant)
        values["f1_most_frequent_tag"] = scores_of.entities(usual, meant)["f1"]
    except FailedError as error:  # a package is missing: the other scores are there
        return values, (str(error),)
    return values, ()


def lines(prefix: str, scores: Mapping[str, float]) -> Iterator[str]:
    """A column's scores as lines."""
    named = f"{prefix.removesuffix('_')} " if prefix else ""
    beside = (
        f"the most frequent tag of each word: {scores[prefix + 'accuracy_most_frequent_tag']:.4f}"
    )
    if f"{prefix}f1" in scores:
        kinds = ("precision", "recall", "f1")
        spans = "  ".join(f"{kind} {scores[prefix + kind]:.4f}" for kind in kinds)
        yield f"test {named}spans: {spans}"
        beside += f" (spans: f1 {scores[prefix + 'f1_most_frequent_tag']:.4f})"
    line = f"test {named}accuracy {scores[prefix + 'accuracy']:.4f}"
    if f"{prefix}accuracy_unseen" in scores:
        line += f"  of words never seen in training {scores[prefix + 'accuracy_unseen']:.4f}"
    yield line
    yield beside


def _are_spans(tags: Sequence[str]) -> bool:
    return all(map(_SPAN.fullmatch, tags)) and any(tag != OUTSIDE for tag in tags)
