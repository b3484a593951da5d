"""Readings that look like those of a pump with six sensors, with faults among them: made.

A working day and a load that wanders drive pressure, flow, temperature, current, vibration and
speed, each in its own way, some later than others. Faults of six kinds are in the test part,
labelled; so a score says that things work, and nothing about real machines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets.source import Source
from recur.data.records.readings import Readings
from recur.data.splits import Splits
from recur.messages import one_of

SOURCE = Source(
    name="made-sensors",
    title="sensors of a pump, made by rules",
    task="anomaly",
    licence="made here",
    homepage="https://github.com/TheDatumOrg/VUS",
    size="0.0 MB",
    package=("recur", "data/datasets/made_sensors.py", "recur"),
)
RECORDS = Readings
SENSORS = ("pressure", "flow", "temperature", "current", "vibration", "speed")
NUMBER = 8000
"""Rows to learn from; half as many to test on."""
DAY = 200
"""Rows of a day."""
SEED = 211
EVERY = 100
"""One fault begins in so many rows, in the mean."""
PARTS = ("clean", "contaminated")
NOTE = "These readings are made by rules: the score says little about real machines."

Values = NDArray[np.float64]


def load(part: str = "clean") -> Splits[Readings]:
    """Returns the readings.

    Args:
        part: "clean", or "contaminated": faults are among the rows to learn from too, and nobody
            says where.

    Raises:
        InputError: another part.
        FailedError: never, where recur is installed.
    """
    SOURCE.find()
    one_of("the part of made-sensors", part, PARTS)
    chance = np.random.default_rng(SEED)
    learnt, tested = (_usual(chance, rows) for rows in (NUMBER, NUMBER // 2))
    if part == "contaminated":
        learnt = _faulty(np.random.default_rng(SEED + 1), learnt)[0]
    with_faults, faults = _faulty(chance, tested)
    train = Readings(SENSORS, learnt, None, _places(len(learnt)))
    test = Readings(SENSORS, with_faults, faults, _places(len(tested)))
    about = f"sensors made by rules, {part}"
    return Splits(train, test=test, about=about, notes=(NOTE,))


def _places(rows: int) -> list[str]:
    return [f"row {row}" for row in range(1, rows + 1)]


def _usual(chance: np.random.Generator, rows: int) -> Values:
    """(rows, 6) a machine without faults."""
    steps = np.arange(rows)
    day = np.sin(2 * np.pi * steps / DAY) + 0.4 * np.sin(4 * np.pi * steps / DAY)
    load = day + 0.5 * _wandering(chance, rows, 0.98)
    late = np.convolve(load, np.full(20, 1 / 20))[:rows]
    noise = chance.normal(size=(rows, 6)) * (0.05, 0.08, 0.03, 0.06, 0.15, 0.04)
    columns = (
        3 + load,
        10 + 2 * np.tanh(load),
        60 + 5 * late,
        4 + load + 0.3 * load**2,
        1 + 0.4 * np.abs(load),
        12 + 1.5 * np.tanh(2 * late),
    )
    found: Values = np.stack(columns, axis=1) + noise
    return found


def _wandering(chance: np.random.Generator, rows: int, memory: float) -> Values:
    """(rows,) numbers that come back to 0, of deviation 1."""
    found = np.zeros(rows)
    pushes = chance.normal(size=rows) * (1 - memory**2) ** 0.5
    for row in range(1, rows):
        found[row] = memory * found[row - 1] + pushes[row]
    return found


def _faulty(chance: np.random.Generator, usual: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Readings with faults of six kinds, and where they are."""
    values, faults = usual.copy(), np.zeros(len(usual), dtype=bool)
    for start in range(EVERY // 2, len(usual) - EVERY, EVERY):
        if chance.random() < 0.5:
            continue
        begin, length = start + int(chance.integers(EVERY // 2)), int(chance.integers(5, 30))
        part = slice(begin, begin + length)
        _fault(chance, values, part, int(chance.integers(6)))
        faults[part] = True
    return values, faults


def _fault(chance: np.random.Generator, values: Values, part: slice, kind: int) -> None:
    sensor, rows = int(chance.integers(6)), len(values[part])
    spread = values[:, sensor].std()
    match kind:
        case 0:  # a jump
            values[part, sensor] += spread * chance.choice([-1, 1]) * chance.uniform(1, 3)
        case 1:  # stuck
            values[part, sensor] = values[part.start, sensor]
        case 2:  # noise
            values[part, sensor] += spread * chance.normal(size=rows)
        case 3:  # a slow drift
            values[part, sensor] += spread * np.linspace(0, chance.uniform(1, 3), rows)
        case 4:  # two sensors no longer agree
            values[part, 0] = values[part, 0][::-1]
            values[part, 1] += spread * np.linspace(0, 1, rows)
        case _:  # a leak
            values[part, 1] -= chance.uniform(0.5, 1.5)
            values[part, 3] += chance.uniform(0.3, 0.8)
