"""Seven shoulder exercises of ten people, by the accelerometer and gyroscope of a smart watch.

D. M. Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the inertial
signals from a smartwatch", Physiological Measurement 39, 2018, arXiv:1802.01489. The package
seglearn carries the part that its authors gave away: a set of 20 repetitions of each exercise with
each arm, 50 steps a second. As in the paper, sets are cut into pieces of four seconds; here the
pieces do not overlap.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from recur.data.datasets.source import Source
from recur.data.records.recordings import Recordings
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="shoulder-exercises",
    title="shoulder exercises by a smart watch",
    task="activity",
    licence="BSD-3-Clause, of the package",
    homepage="https://github.com/dmbee/seglearn",
    size="18.1 MB",
    package=("seglearn", "data/watch_dataset.npy", "seglearn==1.2.5"),
)
RECORDS = Recordings
STEPS = 200
"""Of a piece: four seconds."""
EXERCISES = (
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
)
CHANNELS = (
    "acceleration x",
    "acceleration y",
    "acceleration z",
    "rotation x",
    "rotation y",
    "rotation z",
)
PEOPLE = {"train": (1, 2, 3, 4, 5, 6), "validation": (7, 8), "test": (9, 10)}


def load() -> Splits[Recordings]:
    """Returns the pieces of six people to learn from, and of two each to validate and to test on.

    Raises:
        FailedError: if the package that carries them is not installed, or its file is another.
    """
    path = SOURCE.find()
    try:
        found = _arrays(path)
        sets = list(zip(found["X"], found["y"].tolist(), found["subject"].tolist(), strict=True))
        train, validation, test = (_pieces(sets, people) for people in PEOPLE.values())
    except (OSError, pickle.UnpicklingError, LookupError, ValueError, TypeError) as error:
        todo = "Install the package again."
        raise FailedError(f"{path} is not the file that it should be: {error}. {todo}") from error
    return Splits(train, validation, test, about=SOURCE.title)


def _pieces(sets: list[tuple[Any, int, int]], people: tuple[int, ...]) -> Recordings:
    values, labels, subjects, names = [], [], [], []
    for number, (whole, exercise, person) in enumerate(sets, start=1):
        if person not in people:
            continue
        for begin in range(0, len(whole) - STEPS + 1, STEPS):
            values.append(np.asarray(whole[begin : begin + STEPS], dtype=np.float64))
            labels.append(EXERCISES[exercise])
            subjects.append(f"person {person}")
            names.append(f"set {number} from second {begin // 50}")
    return Recordings(values, labels, subjects, names, CHANNELS)


class _OnlyArrays(pickle.Unpickler):
    """Reads numpy's arrays and Python's lists out of a pickle, which may hold nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        array: Any = np.zeros(0)
        known: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): array.__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _encode,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no array")
        return known[module, name]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 2 kept bytes."""
    return text.encode(encoding)


def _arrays(path: Path) -> dict[str, Any]:
    """What the file holds: numpy's own reader would run whatever code a pickle names."""
    with path.open("rb") as opened:
        version = np.lib.format.read_magic(opened)
        shape, _, kind = np.lib.format.read_array_header_1_0(opened)
        if version != (1, 0) or shape != () or kind != np.dtype(object):
            raise ValueError("it is no single object")
        found: dict[str, Any] = _OnlyArrays(opened).load().item()
    return found
