"""Faces drawn by a program: 30 people who do not exist, ten pictures of each, for a first look.

What a person has (the shape of the face, eyes, brows, nose, mouth, hair, beard, glasses) is the
same in each picture; how they look, are lit and are framed differs.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets.source import Source
from recur.data.pictures import Picture, Pixels
from recur.data.records.pictured import Faces
from recur.data.splits import Splits

SOURCE = Source(
    name="drawn-faces",
    title="faces of people who do not exist, drawn here",
    task="face",
    licence="made here",
    homepage="https://numpy.org",
    size="0.0 MB",
    package=("numpy", "__init__.py", "numpy"),
)
RECORDS = Faces
PEOPLE, PICTURES, SIDE = 30, 10, 48
"""People, pictures of each, and pixels of their height and width."""
NOTE = "These faces are drawn by a program: the score says nothing about photographs."
Plane = NDArray[np.float64]


def load() -> Splits[Faces]:
    """Returns 300 pictures, in no parts.

    Raises:
        FailedError: never, but where numpy is not there.
    """
    SOURCE.find()
    names = [f"person {number:02}" for number in range(1, PEOPLE + 1)]
    pictures = [
        Picture(f"{name}, picture {shot + 1}", partial(draw_face, person, shot))
        for person, name in enumerate(names)
        for shot in range(PICTURES)
    ]
    labels = [name for name in names for _ in range(PICTURES)]
    return Splits(Faces(pictures, labels), about="drawn faces", notes=(NOTE,))


def draw_face(person: int, shot: int) -> Pixels:
    """Draws a picture of a person.

    Args:
        person: which person.
        shot: which picture of theirs.

    Returns:
        (48, 48), grey.
    """
    own = iter(np.random.default_rng([2, person]).uniform(0, 1, 32))
    now = np.random.default_rng([3, person, shot])
    at = np.linspace(-1, 1, SIDE)
    y, x = np.meshgrid(at, at, indexing="ij")
    turn = now.uniform(-0.12, 0.12)
    x, y = (x - now.uniform(-0.08, 0.08)), (y - now.uniform(-0.08, 0.08))
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    x, y = np.stack([x, y]) / now.uniform(0.92, 1.08)
    wide, high, skin, hair = _of(own, (0.48, 0.72), (0.68, 0.9), (0.55, 0.9), (0.05, 0.75))
    plane = np.full((SIDE, SIDE), now.uniform(0.2, 0.5))
    crown = _of(own, (0.02, 0.16))[0]
    plane = _over(plane, _blob(x, y + 0.12, wide + crown, high + crown), hair)
    line = _of(own, (-0.65, -0.3))[0]
    face = _blob(x, y, wide, high) * _above(y, line)
    plane = _over(plane, face, skin)
    look = now.uniform(-0.05, 0.05)  # the head turns: what is in the middle moves most
    apart, height, size, lid = _of(own, (0.2, 0.34), (-0.22, -0.02), (0.05, 0.1), (0.5, 1.0))
    lid *= now.uniform(0.5, 1.0)
    thick, tilt, raised = _of(own, (0.015, 0.05), (-0.4, 0.4), (0.1, 0.2))
    raised += now.uniform(-0.02, 0.04)
    for side in (-1, 1):
        left = x - side * apart - look
        plane = _over(plane, _blob(left, y - height, size * 1.6, size * lid), 0.95)
        plane = _over(plane, _blob(left, y - height, size * 0.7, size * 0.7 * lid), 0.1)
        brow = y - height + raised - side * tilt * left * 0.6
        plane = _over(plane, _blob(left, brow, size * 2, thick), hair * 0.6)
    long, broad = _of(own, (0.14, 0.3), (0.05, 0.12))
    nose = y - height - long
    plane = _over(plane, _blob(x - look * 1.5, nose + long / 2, 0.03, long / 2), skin * 0.86)
    plane = _over(plane, _blob(x - look * 1.5, nose, broad, 0.04), skin * 0.7)
    mouth, low, lips = _of(own, (0.14, 0.3), (0.38, 0.52), (0.02, 0.055))
    smile = now.uniform(-0.3, 0.8)
    bow = y - low + smile * ((x - look) ** 2 - 0.02)
    plane = _over(plane, _blob(x - look, bow, mouth, lips * now.uniform(1, 1.8)), skin * 0.45)
    if next(own) < 0.35:
        beard = face * _above(y, low - 0.1) * (1 - _blob(x, bow, mouth * 1.2, lips * 2.5))
        plane = _over(plane, beard * 0.7, hair * 0.7)
    if next(own) < 0.3:
        for side in (-1, 1):
            left = x - side * apart - look
            ring = _blob(left, y - height, 0.19, 0.15) - _blob(left, y - height, 0.15, 0.11)
            plane = _over(plane, np.clip(ring, 0, 1), 0.15)
    light = 1 + now.uniform(-0.3, 0.3) * x + now.uniform(-0.2, 0.2) * y
    plane = plane * light * now.uniform(0.8, 1.15) + now.normal(0, 0.02, plane.shape)
    found: Pixels = (np.clip(plane, 0, 1) * 255).astype(np.uint8)
    return found


def _of(own: object, *bounds: tuple[float, float]) -> list[float]:
    """What a person has, each between two bounds."""
    return [low + (high - low) * float(next(own)) for low, high in bounds]  # type: ignore[call-overload]


def _blob(x: Plane, y: Plane, wide: float, high: float) -> Plane:
    """1 within an ellipse around the middle, 0 outside, soft at the edge."""
    far = np.sqrt((x / wide) ** 2 + (y / high) ** 2)
    return 1 / (1 + np.exp(np.clip((far - 1) * min(wide, high) * 60, -50, 50)))


def _above(y: Plane, line: float) -> Plane:
    """1 below a line of the picture, 0 above it."""
    return 1 / (1 + np.exp(np.clip((line - y) * 40, -50, 50)))


def _over(plane: Plane, mask: Plane, shade: float) -> Plane:
    return plane * (1 - mask) + shade * mask
