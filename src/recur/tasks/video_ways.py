"""Two ways to read clips, of which the data decide.

Films by a small convolutional network over each frame, skeletons by the places and motions of their
joints.

Letters: T frames that the network reads, J joints, D axes of each.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from recur.data.film import Film, Reels
from recur.data.records.filmed import Filmed, Films, Skeletons
from recur.data.skeletons import Posture, Skeleton, alike
from recur.data.variations import Variations
from recur.messages import InputError, must
from recur.models.fronts import Frames
from recur.tasks.options import TableData, option

THUMBNAIL = 8
"""Pixels of the height and width in which the linear model sees frames."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipOptions(TableData):
    """Options of how clips are read and changed."""

    path: str = option("path", "the column of the clips' paths, in a table", reads=True)
    label: str = option("label", "the column of the classes, in a table", reads=True)
    person: str = option("person", "the column of who is in a clip, in a table", reads=True)
    drop_bad: bool = option(False, "leave out clips that cannot be read", reads=True)
    frames: int = option(
        32, "frames of a film that are read at most; those that skeletons are brought to", least=1
    )
    size: int = option(24, "of films: pixels of the height and width of frames", least=4, most=512)
    features: int = option(
        64, "of films: numbers that a frame is for the recurrent layers", least=1
    )
    flip: bool = option(False, "of films: in training, see half of them in a mirror")
    shift: int = option(0, "of films: in training, moved by up to so many pixels", least=0)
    hip: str = option("hip", "of skeletons: the joint in the middle")
    turn: float = option(
        30.0, "of skeletons: in training, turned by up to so many degrees", least=0.0, most=180.0
    )
    scale: float = option(
        0.1, "of skeletons: in training, up to this share wider or higher", least=0.0, below=1.0
    )
    noise: float = option(
        0.01, "of skeletons: in training, noise of this many sizes of the body", least=0.0
    )
    warp: float = option(
        0.2, "of skeletons: in training, up to this share faster or slower", least=0.0, below=1.0
    )
    crop: float = option(
        0.2, "of skeletons: in training, up to this share cut off at the ends", least=0.0, below=1.0
    )

    @property
    def variations(self) -> Variations:
        """What chance makes of a skeleton, besides turning it."""
        return Variations(self.scale, self.noise, self.warp, self.crop)


R = TypeVar("R", bound=Filmed)


@dataclasses.dataclass(frozen=True)
class Read:
    """A clip as the network reads it.

    Attributes:
        x: (T, ...).
        rows: (T,) which of its frames these are.
        frames: how many it has in all.
    """

    x: NDArray[Any]
    rows: NDArray[np.int64]
    frames: int


Reader = Callable[[int, np.random.Generator | None], Read]
"""`(row, chance) -> what is read of it`, changed by chance where there is some."""


class Way(abc.ABC, Generic[R]):
    """A way to read clips.

    Attributes:
        name: as the preprocessing keeps it.
        records: the clips that it reads.
    """

    name: ClassVar[str]
    records: type[R]

    @abc.abstractmethod
    def reader(self, records: R, options: ClipOptions, joints: tuple[str, ...]) -> Reader:
        """Returns what reads the clips."""

    @abc.abstractmethod
    def stands(self, options: ClipOptions, inputs: int) -> dict[str, Any]:
        """What stands before the recurrent layers, as the models take it."""

    @abc.abstractmethod
    def plain(self, records: R, options: ClipOptions) -> list[NDArray[np.float64]]:
        """(T, F) what the linear model reads of each clip."""

    @abc.abstractmethod
    def drawn(self, clip: Any, options: ClipOptions) -> NDArray[Any]:
        """(T, ...) what a film strip shows of a clip."""

    def channels(self, joints: tuple[str, ...], inputs: int) -> list[str] | None:
        """What each number of a step is of, where that says something."""
        return None


class OfFilms(Way[Films]):
    """Films."""

    name, records = "films", Films

    def reader(self, records: Films, options: ClipOptions, joints: tuple[str, ...]) -> Reader:
        """Frames (T, 3, size, size) of bytes; in training in a mirror or moved, if asked for."""
        for clip in records.clips:
            clip.check()
        reels = Reels(records.clips, options.size, options.frames)

        def read(row: int, chance: np.random.Generator | None) -> Read:
            found = reels.at(row)
            pixels = found.pixels
            if chance is not None:
                pixels = _moved(pixels, options, chance)
            return Read(pixels, found.rows, found.frames)

        return read

    def stands(self, options: ClipOptions, inputs: int) -> dict[str, Any]:
        """A convolutional network over each frame."""
        return {"front": Frames((3, options.size, options.size), options.features)}

    def plain(self, records: Films, options: ClipOptions) -> list[NDArray[np.float64]]:
        """Frames of eight by eight pixels, in grey."""
        reels = Reels(records.clips, THUMBNAIL, options.frames)
        return [
            reels.at(row).pixels.mean(axis=1).reshape(-1, THUMBNAIL**2) / 255
            for row in range(len(records))
        ]

    def drawn(self, clip: Film, options: ClipOptions) -> NDArray[Any]:
        """(T, size, size, 3)."""
        pixels = Reels([clip], max(options.size, 64), options.frames).at(0).pixels
        return pixels.transpose(0, 2, 3, 1)


class OfSkeletons(Way[Skeletons]):
    """Skeletons."""

    name, records = "skeletons", Skeletons

    def reader(self, records: Skeletons, options: ClipOptions, joints: tuple[str, ...]) -> Reader:
        """Places and motions (frames, 2 J D); in training turned, warped and so on."""
        clips: list[Skeleton] = records.clips
        if alike(clips, records.names) != joints:
            expected = f"of the {len(joints)} joints that are known"
            got = ", ".join(clips[0].joints)[:100]
            raise InputError(must(records.names[0], expected, got))
        posture = _posture(options, joints)

        def read(row: int, chance: np.random.Generator | None) -> Read:
            values = clips[row].values
            rows = np.linspace(0, len(values) - 1, options.frames).round().astype(np.int64)
            return Read(posture(values, chance).astype(np.float32), rows, len(values))

        return read

    def stands(self, options: ClipOptions, inputs: int) -> dict[str, Any]:
        """Numbers as they are."""
        return {"inputs": inputs}

    def plain(self, records: Skeletons, options: ClipOptions) -> list[NDArray[np.float64]]:
        """What the network reads."""
        posture = _posture(options, records.clips[0].joints)
        return [posture(clip.values) for clip in records.clips]

    def drawn(self, clip: Skeleton, options: ClipOptions) -> NDArray[Any]:
        """(T, J, 2) as they are seen from the front."""
        posture = _posture(options, clip.joints)
        rows = np.linspace(0, len(clip.values) - 1, options.frames).round().astype(np.int64)
        seen: NDArray[np.float64] = posture.centred(clip.values)[rows][..., :2]
        return seen

    def channels(self, joints: tuple[str, ...], inputs: int) -> list[str] | None:
        """The joint of each number."""
        return _posture(ClipOptions(), joints).names(inputs // (2 * len(joints)))


WAYS: dict[str, Way[Any]] = {way.name: way for way in (OfFilms(), OfSkeletons())}


def way_of(records: Filmed) -> Way[Any]:
    """The way by which clips are read."""
    return next(way for way in WAYS.values() if isinstance(records, way.records))


def _posture(options: ClipOptions, joints: tuple[str, ...]) -> Posture:
    return Posture(options.hip, joints, options.frames, options.turn, options.variations)


def _moved(
    pixels: NDArray[np.uint8], options: ClipOptions, chance: np.random.Generator
) -> NDArray[np.uint8]:
    """Frames in a mirror, or moved, all of them alike; what comes in at a side is black."""
    if options.flip and chance.random() < 0.5:
        pixels = pixels[..., ::-1]
    if options.shift:
        most, size = options.shift, pixels.shape[-1]
        down, across = chance.integers(0, 2 * most + 1, 2).tolist()
        wide = np.pad(pixels, ((0, 0), (0, 0), (most, most), (most, most)))
        pixels = wide[..., down : down + size, across : across + size]
    return np.ascontiguousarray(pixels)
