"""Messages of a program's catalogues in two of its languages, as a package carries them.

The front end of Home Assistant, translated by its users into more than sixty languages: names of
buttons and settings, questions, and sentences that explain. Every pair of languages is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recur import files
from recur.data.datasets.source import Source
from recur.data.records.pairs import Pairs
from recur.data.splits import Splits
from recur.messages import InputError, must, one_of

SOURCE = Source(
    name="messages",
    title="Messages of the Home Assistant front end, in any two of its languages",
    task="translate",
    licence="Apache 2.0",
    homepage="https://github.com/home-assistant/frontend",
    size="82.8 MB",
    package=("hass_frontend", "__init__.py", "home-assistant-frontend==20250109.2"),
)
RECORDS = Pairs
USUAL = "en-de"
_FILE = re.compile(r"([A-Za-z]+(?:-[A-Za-z]+)?)-[0-9a-f]{32}\.json")
_NO_SENTENCE = re.compile(r"[{}<>&%|]|https?:|\S_\S")
"""What placeholders, markup, addresses and names in a program have."""


def load(part: str = USUAL) -> Splits[Pairs]:
    """Returns the messages that both languages have.

    Left out are those with placeholders, markup, addresses or names of a program's own, those that
    are the same in both languages (mostly names), and repetitions. White space is one space.

    Args:
        part: two languages with a minus between, such as "en-de" or "fr-pt-BR".

    Raises:
        FailedError: if the package is not installed.
        InputError: other languages.
    """
    folder = SOURCE.find().parent / "static" / "translations"
    catalogues = _catalogues(folder)
    languages = _languages(part, catalogues)
    source, target = (dict(_messages(catalogues[each])) for each in languages)
    # A message that is repeated under another name is one pair.
    pairs = dict.fromkeys(
        (source[name], target[name])
        for name in sorted(source.keys() & target.keys())
        if _kept(source[name], target[name])
    )
    records = Pairs([one for one, _ in pairs], [other for _, other in pairs])
    return Splits(records, about=f"messages of Home Assistant ({part})")


def _catalogues(folder: Path) -> dict[str, list[Path]]:
    """The files of each language."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.json")):
        named = _FILE.fullmatch(path.name)
        if named:
            found.setdefault(named[1], []).append(path)
    return found


def _languages(part: str, known: Mapping[str, Any]) -> tuple[str, str]:
    cuts = [mark.start() for mark in re.finditer("-", part)]
    pairs = [(part[:cut], part[cut + 1 :]) for cut in cuts]
    there = next((pair for pair in pairs if set(pair) <= known.keys()), None)
    if there is not None and there[0] != there[1]:
        return there
    source, _, target = part.partition("-")
    for language in (source, target):
        one_of("a language of messages", language, known)
    expected = f"two languages with a minus between, such as {USUAL}"
    raise InputError(must("the part of messages", expected, repr(part)))


def _messages(catalogue: list[Path]) -> Iterator[tuple[str, str]]:
    """The name of each message, with those of the groups that it is in, and the message."""
    for path in catalogue:
        for name, text in _flat(files.read_json(path)):
            yield f"{path.parent.name}.{name}", " ".join(text.split())


def _flat(group: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in group.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", text) for inner, text in _flat(value))
        elif isinstance(value, str):
            yield name, value


def _kept(source: str, target: str) -> bool:
    sides = (source, target)
    return source != target and all(sides) and not any(map(_NO_SENTENCE.search, sides))
