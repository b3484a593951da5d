"""A sentence with its tags: plain, in colour, as JSON, and as part of a file."""

from __future__ import annotations

import colorsys
import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from recur.data import tagged
from recur.data.records.tagged import Sentence
from recur.tasks.answers import Answer

if TYPE_CHECKING:
    from rich.text import Text

OUTSIDE = "O"
"""The tag of words outside of all spans."""


@dataclasses.dataclass(frozen=True)
class TaggedText(Answer):
    """A sentence with its tags. Its `str()` is word/tag; what is outside of all spans stands alone.

    Attributes:
        sentence: the words.
        tags: by column, of each word.
        probabilities: by column, of these tags.
        known: all tags of the first column, in order.
    """

    sentence: Sentence
    tags: dict[str, list[str]]
    probabilities: dict[str, list[float]]
    known: tuple[str, ...] = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return " ".join(word + mark for word, mark, _ in self._marked())

    def __rich__(self) -> Text:
        """The same, a colour for each tag, or kind of span."""
        from rich.text import Text

        found = Text()
        for word, mark, tag in self._marked():
            color = _color(tag, self.known)
            found.append(word, style=f"bold {color}" if mark else "")
            found.append(mark, style=color)
            found.append(" ")
        found.rstrip()
        return found

    def _marked(self) -> Iterator[tuple[str, str, str]]:
        """Each word, what is said of it, and its tag in the first column."""
        for word, *tags in zip(self.sentence.words, *self.tags.values(), strict=True):
            mark = "".join(f"/{tag}" for tag in tags)
            yield word, "" if tags == [OUTSIDE] else mark, tags[0]

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON."""
        said = {"tags": self.tags, "probabilities": self.probabilities}
        return {"words": list(self.sentence.words), **said}

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields its part of a CoNLL-U file; or of one of words and tags, a word a line."""
        ending = "conllu" if set(self.tags) <= set(tagged.CONLLU) else "tsv"
        text = tagged.written(self.sentence, list(self.tags), list(self.tags.values()))
        yield f"tagged.{ending}", text.encode()


def _color(tag: str, known: Sequence[str]) -> str:
    """A colour for each tag, the same one for all tags of a kind of span."""
    kinds = list(dict.fromkeys(each.partition("-")[2] or each for each in known if each != OUTSIDE))
    kind = tag.partition("-")[2] or tag
    hue = kinds.index(kind) / len(kinds) if kind in kinds else 0.0
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.55, 0.9))
    return f"rgb({red},{green},{blue})"
