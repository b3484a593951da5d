"""Printed lines, drawn here: many faces, bad scans, and text of Python's own manual.

The fonts that are tested on were never learnt from. Lines that a program distorts are more regular
than scans of paper: a score on these says how faces that are new are read, and little about paper.
"""

from __future__ import annotations

import functools
import platform
import re
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np

from recur.data.datasets.source import Source
from recur.data.datasets.typefaces import FAMILIES, Face, faces
from recur.data.distortions import Distortions
from recur.data.pictures import Picture, Pixels
from recur.data.records.lines import Lines
from recur.data.splits import Splits

SOURCE = Source(
    name="printed",
    title="lines of text in many fonts, drawn here",
    task="ocr",
    licence="made here; text: PSF, fonts: SIL Open Font License 1.1 and others",
    homepage="https://fontpkg.org",
    size="0.0 MB",
    package=("fontpkg_work_sans", "__init__.py", "'recur[ocr]'"),
)
RECORDS = Lines
LINES = {"train": 6000, "validation": 600, "test": 1000}
SHORTEST, LONGEST = 4, 24
"""Letters of a line."""
MADE = 0.3
"""The share of lines that are no text but numbers, codes and signs, drawn by chance."""
SIZES = (28, 32, 36)
"""Pixels that letters may be high."""
SIGNS = [chr(code) for code in range(33, 127) if chr(code) not in "0O1Il|"]
"""What stands alone in codes: not those that many faces draw alike."""
NOTE = (
    "These lines are drawn by a program, and distorted by one. The fonts that are validated and "
    "tested on are none of those learnt from, and neither is their text."
)
PARTS = {8: "validation", 9: "test"}
"""Which part a section of the manual is in, by its tenth; others are learnt from."""
SCANNED = Distortions(rotation=1.5, slant=0.05, elastic=0.3, blur=0.4, noise=0.06, contrast=0.15)


def load() -> Splits[Lines]:
    """Returns 6,000 lines to learn from, 600 to validate and 1,000 to test on.

    Raises:
        FailedError: if the packages that hold the fonts are not installed.
    """
    SOURCE.find()
    return _parts()


@functools.cache  # the same in one process
def _parts() -> Splits[Lines]:
    train, validation, test = (_drawn(part) for part in LINES)
    about = f"printed lines (text of Python {platform.python_version()}'s manual)"
    return Splits(train, validation, test, about=about, notes=(NOTE,))


def _drawn(part: str) -> Lines:
    number = list(LINES).index(part)
    chance = np.random.default_rng([31, number])
    of_family = {
        family: [f for f in faces(part) if f.family == family] for family in FAMILIES[part]
    }
    families = list(of_family)
    lines = Lines([], [], [], [])
    for row, text in enumerate(islice(texts(part, chance), LINES[part])):
        some = of_family[families[int(chance.integers(len(families)))]]
        face = some[int(chance.integers(len(some)))]
        size, seed = int(chance.choice(SIZES)), number * 1_000_000 + row
        draw = partial(draw_line, face, size, text, seed)
        lines.pictures.append(Picture(f"line {row + 1}", draw))
        lines.sizes.append(_room(face, size, text, seed)[:2])
        lines.transcripts.append(text)
        lines.groups.append(face.family)
    return lines


def texts(part: str, chance: np.random.Generator) -> Iterator[str]:
    """Lines of a part, without end: pieces of text, and numbers, codes and signs among them."""
    words = _words(part)
    while True:
        longest = int(chance.integers(SHORTEST, LONGEST + 1))
        if chance.random() < MADE:
            yield _made(words, longest, chance)
            continue
        at = int(chance.integers(len(words)))
        line = words[at]
        for word in islice(words, at + 1, None):
            if len(line) + 1 + len(word) > longest:
                break
            line += f" {word}"
        yield line[:LONGEST]


def _words(part: str) -> list[str]:
    from pydoc_data.topics import topics  # the manual, which every Python has

    return [
        word
        for name, text in sorted(topics.items())
        if PARTS.get(zlib.crc32(name.encode()) % 10, "train") == part
        for word in text.split()
        if word.isascii() and not re.fullmatch(r"[*=~^+|-]+", word)
    ]


def _made(words: list[str], longest: int, chance: np.random.Generator) -> str:
    found: list[str] = []
    while sum(map(len, found)) + len(found) < longest:
        kind = int(chance.integers(4))
        if kind == 0:
            figure = f"{int(10 ** chance.uniform(0, 6)):,}"
            found.append(
                f"{chance.choice(list('$#+-'))}{figure}" if chance.random() < 0.4 else figure
            )
        elif kind == 1:
            day, month, year = chance.integers((1, 1, 1900), (29, 13, 2030)).tolist()
            form = ("{}/{}/{}", "{}.{}.{}", "{}-{:02}-{:02}")[int(chance.integers(3))]
            found.append(form.format(*((year, month, day) if "-" in form else (day, month, year))))
        elif kind == 2:
            word = re.sub(r"\W|_", "", words[int(chance.integers(len(words)))]) or "No"
            found.append(word.upper() if chance.random() < 0.5 else word.capitalize())
        else:
            found.append("".join(chance.choice(SIGNS, int(chance.integers(2, 6)))))
    return " ".join(" ".join(found)[:longest].split())


def _room(face: Face, size: int, text: str, seed: int) -> tuple[int, int, int, int]:
    """The width and height of a line's picture, and where its text begins, with some margin."""
    chance = np.random.default_rng([32, seed])
    font = face.at(size)
    left, _, right, bottom = font.getbbox(text)
    up, down = font.getmetrics()
    margins = (chance.uniform(0.05, 0.35, 4) * size).astype(int).tolist()
    high = max(up + down, int(bottom)) + margins[1] // 2 + margins[3] // 2
    wide = int(right - left) + margins[0] + margins[2]
    return wide, high, margins[0] - int(left), margins[1] // 2


def draw_line(face: Face, size: int, text: str, seed: int) -> Pixels:
    """Draws a line of text as a bad scan of it might be.

    Args:
        face: its letters.
        size: of them, in pixels.
        text: the text.
        seed: of the margins and of what is bad.

    Returns:
        (height, width).
    """
    from PIL import Image, ImageDraw

    wide, high, x, y = _room(face, size, text, seed)
    picture = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(picture).text((x, y), text, fill=255, font=face.at(size))
    chance = np.random.default_rng([33, seed])
    ink = SCANNED(np.asarray(picture, dtype=np.float32).T / np.float32(255), chance).T
    ground, dark = chance.uniform(170, 255), chance.uniform(0, 90)
    shade = np.linspace(0, chance.uniform(-30, 30), wide, dtype=np.float32)
    grey = ground + shade + ink * (dark - ground - shade)
    if chance.random() < 0.1:
        grey = 255 - grey
    return grey.clip(0, 255).astype(np.uint8)
