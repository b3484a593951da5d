"""InkML, the W3C's form of ink on a screen (https://www.w3.org/TR/InkML/).

Of it is read what handwriting needs: the traces in their order, as strokes; of their channels X
and Y, as they stand or as differences; and what annotations say of the text and of who wrote it.
Traces of a lifted pen are left out. A document type, with which entities could grow without end, is
refused (the package defusedxml).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from recur.data.ink.strokes import Ink
from recur.messages import FailedError, InputError, must, shown

TEXTS = ("truth", "transcription", "transcript", "label", "text")
"""Types of annotations that say what is written, the first that is there."""
WRITERS = ("writer", "writerid", "writer_id")
DOWN = {"X": False, "Y": True}
"""Which channels are turned round: Y grows downward, unless its orientation is -ve."""
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"""([!'"])?\s*({_NUMBER}|\#-?[0-9A-Fa-f]+|[TF*?])""")


@dataclass(frozen=True)
class Document:
    """What an InkML document holds.

    Attributes:
        ink: its strokes.
        text: what is written; empty where it is not said.
        writer: who wrote it; empty where it is not said.
    """

    ink: Ink
    text: str
    writer: str


def parse_inkml(content: bytes, name: str) -> Document:
    """Reads an InkML document.

    Args:
        content: of the file.
        name: what messages call it.

    Raises:
        InputError: if it is no InkML, is damaged, has a document type, or holds no strokes.
        FailedError: if the package defusedxml is not installed.
    """
    root = _root(content, name)
    if _tag(root) != "ink":
        raise InputError(must(name, "InkML, whose outermost element is <ink>", f"<{_tag(root)}>"))
    channels = _channels(root)
    if not {"X", "Y"} <= {channel for channel, _ in channels}:
        got = ", ".join(channel for channel, _ in channels) or "none"
        raise InputError(must(f"the channels of {name}", "X, Y and others", got))
    strokes: list[list[list[float]]] = []
    for number, trace in enumerate(_all(root, "trace"), start=1):
        if trace.get("type") == "penUp":
            continue
        points = _points(trace.text or "", channels, f"trace {number} of {name}")
        if trace.get("continuation") in ("middle", "end") and strokes:
            strokes[-1] += points
        else:
            strokes.append(points)
    return Document(Ink.of(strokes, name), _annotation(root, TEXTS), _annotation(root, WRITERS))


def _root(content: bytes, name: str) -> Any:
    try:
        tree = importlib.import_module("defusedxml.ElementTree")
        refused = importlib.import_module("defusedxml.common").DefusedXmlException
    except ImportError as error:
        raise FailedError(
            "InkML is read with the package defusedxml, which is not installed. Install it with: "
            "pip install 'recur[handwriting]'"
        ) from error
    try:
        return tree.fromstring(content, forbid_dtd=True)
    except refused as error:
        got = "a document type, or entities of its own"
        raise InputError(must(name, "InkML without them", got, "Remove them.")) from error
    except (tree.ParseError, ValueError, LookupError) as error:  # the last two: its encoding
        todo = "It may be cut off."
        raise InputError(must(name, "an InkML document", f"{error}", todo)) from error


def _tag(element: Any) -> str:
    """Without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _all(root: Any, tag: str) -> Iterator[Any]:
    return (each for each in root.iter() if _tag(each) == tag)


def _channels(root: Any) -> list[tuple[str, bool]]:
    """The channels of a point in their order, and whether each is turned round."""
    for form in _all(root, "traceFormat"):
        found = [
            (each.get("name", ""), DOWN.get(each.get("name", ""), False) != _reversed(each))
            for each in _all(form, "channel")
        ]
        if found:
            return found
    return list(DOWN.items())


def _reversed(channel: Any) -> bool:
    return channel.get("orientation") == "-ve"


def _annotation(root: Any, types: Iterable[str]) -> str:
    """The text of the first annotation of one of these types, those of the whole before others."""
    wanted = list(types)
    whole = (each for each in root if _tag(each) == "annotation")
    for each in (*whole, *_all(root, "annotation")):
        if (each.get("type") or "").lower() in wanted:
            return " ".join((each.text or "").split())
    return ""


def _points(text: str, channels: list[tuple[str, bool]], what: str) -> list[list[float]]:
    """Points (x, y) of a trace: between commas, each channel's value, its speed or acceleration."""
    at = {channel: number for number, (channel, _) in enumerate(channels)}
    walks = [_Channel() for _ in channels]
    points = []
    for part in text.split(","):
        if not part.strip():
            continue
        values = _VALUE.findall(part)
        if _VALUE.sub("", part).strip() or len(values) < 1 + max(at["X"], at["Y"]):
            expected = f"points of {len(channels)} values, between commas"
            raise InputError(must(what, expected, shown(part.strip())))
        for walk, (how, value) in zip(walks, values, strict=False):
            walk.read(how, value, what)
        x, y = (walks[at[name]].now * (-1 if channels[at[name]][1] else 1) for name in "XY")
        points.append([x, y])
    return points


class _Channel:
    """A channel's value as it goes: given as it is (!), as a difference ('), as that of one (")."""

    def __init__(self) -> None:
        self.how, self.now, self.speed, self.change = "!", 0.0, 0.0, 0.0

    def read(self, how: str, value: str, what: str) -> None:
        self.how = how or self.how
        if value in "TF?":  # of channels that are neither X nor Y
            return
        if value != "*":  # as before
            number = float(int(value[1:], 16)) if value.startswith("#") else float(value)
            self._take(number)
        elif self.how != "!":
            self._take(self.speed if self.how == "'" else self.change)

    def _take(self, number: float) -> None:
        if self.how == "!":
            self.speed, self.now = number - self.now, number
            return
        if self.how == '"':
            self.change = number
            number += self.speed
        self.speed = number
        self.now += number
