"""Skeletons over time as numbers, from any side that they were seen.

Letters: T frames, J joints, D axes (2 or 3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recur.data.records.recording_files import measured
from recur.data.records.recordings import LARGEST, complete
from recur.data.tables import read_table
from recur.data.variations import Variations, at, evenly
from recur.messages import InputError, must

Floats = NDArray[np.float64]

ENDINGS = (".csv", ".npy", ".npz")
"""Of files that are taken for skeletons in a folder."""
_AXIS = re.compile(r"(?P<joint>.+?)[\s._-]*(?P<axis>[xyz])", re.IGNORECASE)
AXES = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints over time.

    Attributes:
        values: (T, J, D).
        joints: (J,) their names.
    """

    values: Floats
    joints: tuple[str, ...]


def read_skeleton(path: Path, *, delimiter: str = "", encoding: str = "") -> Skeleton:
    """Reads a table with a row a frame and the columns hip_x, hip_y, hip_z ...; or an array.

    Args:
        path: the table; or a file of numpy (.npy, or .npz with one array) of the shape (T, J, D).
        delimiter: of a table, as `recur.data.tables.read_table` takes it.
        encoding: likewise.

    Raises:
        InputError: if it cannot be read, holds something else, no frame, or a gap.
    """
    if path.suffix.lower() in (".npy", ".npz"):
        return of_array(_array(path), str(path))
    table = read_table(path, name=str(path), each="frame", delimiter=delimiter, encoding=encoding)
    values, names = measured(table, ())
    named = [_AXIS.fullmatch(name) for name in names]
    joints = list(dict.fromkeys(each["joint"] for each in named if each))
    axes = AXES[: len(names) // max(1, len(joints))]
    asked = [(joint, axis) for joint in joints for axis in axes]
    places = {(e["joint"], e["axis"].lower()): n for n, e in enumerate(named) if e}
    if len(axes) < 2 or sorted(places) != sorted(asked) or len(places) != len(names):
        expected = "with the columns hip_x, hip_y, hip_z and so on, two axes or three of each joint"
        raise InputError(must(str(path), expected, ", ".join(names)[:200]))
    values, _ = complete(values, names, str(path))
    ordered = values[:, [places[each] for each in asked]]
    return Skeleton(ordered.reshape(len(values), len(joints), len(axes)), tuple(joints))


def of_array(given: Any, name: str) -> Skeleton:
    """A skeleton out of numbers (T, J, D), its joints named by their numbers, from 1.

    Raises:
        InputError: if it is something else, has no frame, nobody in any, or a value that is not
            finite or too large.
    """
    values = np.asarray(given)
    if values.ndim != 3 or values.shape[2] not in (2, 3) or values.dtype.kind not in "fiu":
        got = f"{values.dtype} of the shape {values.shape}"
        raise InputError(must(name, "numbers (frames, joints, 2 or 3 axes)", got))
    if not values.size or not np.isfinite(values).all():
        got = "values that are not finite" if values.size else f"the shape {values.shape}"
        raise InputError(must(name, "finite numbers, of one frame and one joint at least", got))
    if not values.any():
        raise InputError(must(name, "a person in one frame at least", "0 in all of them"))
    if np.abs(values).max() > LARGEST:
        raise InputError(must(name, f"of numbers up to {LARGEST:g}", f"{np.abs(values).max():g}"))
    joints = tuple(str(n) for n in range(1, values.shape[1] + 1))
    return Skeleton(values.astype(np.float64), joints)


def _array(path: Path) -> Any:
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            with found:
                if len(found.files) != 1:
                    raise InputError(must(str(path), "a file of one array", len(found.files)))
                found = found[found.files[0]]
    except (OSError, ValueError, EOFError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        what = f"{path} cannot be read: it is no file of numpy's with numbers, or a damaged one."
        raise InputError(what) from error
    return found


@dataclass(frozen=True)
class Posture:
    """How skeletons become features, wherever a person stands and whatever their size.

    Frames in which the tracker lost the person are filled up from those around. Each is centred on
    the hip (the mean of all joints where there is none of that name),
    each clip divided by how far its joints are from it, and brought to the same number of frames.
    A frame's features are the joints' places and what they moved by since the frame before.

    Attributes:
        hip: the name of the joint in the middle.
        joints: (J,) all names.
        frames: that clips are brought to.
        turn: in training, degrees up to which one is turned about the vertical axis, either way.
        variations: in training, other changes; noise is in sizes of the body.
    """

    hip: str
    joints: tuple[str, ...]
    frames: int
    turn: float
    variations: Variations

    def __call__(self, values: Floats, chance: np.random.Generator | None = None) -> Floats:
        """(frames, 2 J D) of joints (T, J, D), with `chance` changed by it."""
        centred = self.centred(values)
        flat = centred.reshape(len(centred), -1)
        if chance is not None:
            flat = self.variations(flat, chance)
            angle = np.radians(chance.uniform(-self.turn, self.turn))
            flat = turned(flat.reshape(len(flat), *centred.shape[1:]), angle).reshape(len(flat), -1)
        placed = evenly(flat, self.frames)
        moved = np.diff(placed, axis=0, prepend=placed[:1])
        return np.concatenate([placed, moved], axis=1)

    def centred(self, values: Floats) -> Floats:
        """(T, J, D) about the hip, in sizes of the body."""
        values = without_gaps(values)
        hip = self.joints.index(self.hip) if self.hip in self.joints else None
        middle = values.mean(axis=1, keepdims=True) if hip is None else values[:, hip : hip + 1]
        about: Floats = values - middle
        size = np.sqrt(np.square(about).sum(axis=2).mean())
        return about / size if size > 0 else about

    def names(self, axes: int) -> list[str]:
        """The joint of each feature."""
        return [joint for joint in self.joints for _ in range(axes)] * 2


def without_gaps(values: Floats) -> Floats:
    """(T, J, D) with straight lines where the tracker lost the person: all joints at exactly 0."""
    there = np.flatnonzero((values != 0).any(axis=(1, 2)))
    if len(there) in (0, len(values)):
        return values
    return at(values[there], np.interp(np.arange(len(values)), there, np.arange(len(there))))


def turned(values: Floats, angle: float) -> Floats:
    """(T, J, 3) turned about the second axis, the vertical one; (T, J, 2) as they are."""
    if values.shape[2] != 3:
        return values
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(values, 2, 0)
    return np.stack([cosine * x + sine * z, y, cosine * z - sine * x], axis=2)


def alike(skeletons: Sequence[Skeleton], names: Sequence[str]) -> tuple[str, ...]:
    """The joints of all.

    Raises:
        InputError: if one has others, or other axes.
    """
    first = skeletons[0]
    for each, name in zip(skeletons, names, strict=True):
        if each.joints != first.joints or each.values.shape[2] != first.values.shape[2]:
            expected = f"of {len(first.joints)} joints in {first.values.shape[2]} axes, as "
            got = f"{len(each.joints)} in {each.values.shape[2]}"
            raise InputError(must(name, f"{expected}{names[0]}", got))
    return first.joints
