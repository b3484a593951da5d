"""Pictures of two coloured shapes, drawn here, with sentences that say so: data for a first look.

Each caption is exactly true, which no caption of a photograph is: a score on these says whether a
network sees colours, shapes, sizes and places, and nothing about photographs.
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from recur.data.datasets.source import Source
from recur.data.pictures import Picture, Pixels
from recur.data.records.captioned import CaptionedPictures
from recur.data.splits import Splits

SOURCE = Source(
    name="shapes",
    title="pictures of coloured shapes, drawn here",
    task="caption",
    licence="made here",
    homepage="https://python-pillow.org",
    size="0.0 MB",
    package=("PIL", "__init__.py", "pillow"),
)
RECORDS = CaptionedPictures
SIDE = 64
"""Pixels of a picture's height and width."""
COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 80, 190),
    "yellow": (235, 210, 40),
    "purple": (140, 60, 170),
    "orange": (255, 140, 20),
}
KINDS = ("circle", "square", "triangle")
SIZES = {"small": 6, "large": 12}
"""Half the height of a shape, in pixels."""
PLACES = (("above", "below"), ("left of", "right of"))
"""Where the first stands from the second, and the second from the first."""
PARTS = {"train": (2020, 2), "validation": (250, 1), "test": (250, 1)}
"""Scenes of each part, and how often each is drawn."""
NOTE = "These pictures are drawn by a program: the score says nothing about photographs."


def load() -> Splits[CaptionedPictures]:
    """Returns 4,040 pictures to learn from and 250 each to validate and to test on.

    Each has two captions, which say the same from either shape. What may be drawn (two shapes of
    any kind, colour and size, above or beside each other: 2,520 scenes) is cut into parts, so that
    no scene of one part is in another.

    Raises:
        FailedError: if the package that draws is not installed.
    """
    SOURCE.find()
    things = list(itertools.product(SIZES, COLOURS, KINDS))
    scenes = [
        (first, second, place)
        for first, second in itertools.product(things, things)
        for place in range(len(PLACES))
        if first != second
    ]
    order = np.random.default_rng(0).permutation(len(scenes)).tolist()
    parts, at = [], 0
    for number, times in PARTS.values():
        parts.append(_drawn([scenes[n] for n in order[at : at + number]] * times, 2 * at))
        at += number
    train, validation, test = parts
    return Splits(train, validation, test, about="drawn shapes", notes=(NOTE,))


Thing = tuple[str, str, str]


def _drawn(scenes: list[tuple[Thing, Thing, int]], start: int) -> CaptionedPictures:
    pictures: list[Picture] = []
    captions: list[tuple[str, ...]] = []
    for number, (first, second, place) in enumerate(scenes, start=start):
        draw = partial(draw_scene, first, second, place, number)
        pictures.append(Picture(f"scene {number}", draw))
        one, other = (f"a {' '.join(thing)}" for thing in (first, second))
        there, back = PLACES[place]
        captions.append((f"{one} {there} {other}", f"{other} {back} {one}"))
    return CaptionedPictures(pictures, captions)


def draw_scene(first: Thing, second: Thing, place: int, seed: int) -> Pixels:
    """Draws one shape above another (`place` 0) or left of it (1).

    Args:
        first: its size, colour and kind.
        second: those of the other.
        place: see above.
        seed: of where exactly they stand, and of the ground's shade.

    Returns:
        (64, 64, 3).
    """
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([1, seed])
    shade = int(rng.integers(215, 256))
    picture = Image.new("RGB", (SIDE, SIDE), (shade, shade, shade))
    pen = ImageDraw.Draw(picture)
    # Along the axis that tells them apart each has its half; across it they stand near each other.
    middle = int(rng.integers(20, SIDE - 20))
    for thing, (low, high) in ((first, (0, SIDE // 2)), (second, (SIDE // 2, SIDE))):
        half = SIZES[thing[0]]
        along = int(rng.integers(low + half + 1, high - half))
        across = middle + int(rng.integers(-6, 7))
        _draw(pen, thing, *((across, along) if place == 0 else (along, across)), half)
    return np.asarray(picture)


def _draw(pen: object, thing: Thing, x: int, y: int, half: int) -> None:
    from PIL import ImageDraw

    assert isinstance(pen, ImageDraw.ImageDraw)
    _, colour, kind = thing
    box = (x - half, y - half, x + half, y + half)
    if kind == "circle":
        pen.ellipse(box, fill=COLOURS[colour])
    elif kind == "square":
        pen.rectangle(box, fill=COLOURS[colour])
    else:
        corners = [(x, y - half), (x - half, y + half), (x + half, y + half)]
        pen.polygon(corners, fill=COLOURS[colour])
