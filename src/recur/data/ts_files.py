"""The .ts format of the UEA and UCR archives: recordings of several channels, a class each.

Lines that begin with @ say what the file is; after @data a line is a recording: its channels with
":" between them, the class at the end; in a channel the values, with "," between and "?" where one
is missing. https://www.timeseriesclassification.com
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, must, shown

ENDING = ".ts"


@dataclass(frozen=True)
class Case:
    """A line of the file.

    Attributes:
        name: what messages call it.
        channels: the text of each channel.
        label: its class; empty where the file has none.
    """

    name: str
    channels: tuple[str, ...]
    label: str

    def values(self) -> NDArray[np.float64]:
        """(T, F) its values; NaN where one is missing.

        Raises:
            InputError: if one is no number, or its channels are not of one length.
        """
        rows = [self._channel(number, text) for number, text in enumerate(self.channels, start=1)]
        steps = sorted({len(row) for row in rows})
        if len(steps) > 1:
            got = f"from {steps[0]:,} to {steps[-1]:,} values"
            raise InputError(must(f"the channels of {self.name}", "of one length", got))
        return np.stack(rows, axis=1)

    def _channel(self, number: int, text: str) -> NDArray[np.float64]:
        cells = text.split(",") if text.strip() else []
        try:
            return np.array([float("nan" if c.strip() == "?" else c) for c in cells], np.float64)
        except ValueError as error:
            what = f"channel {number} of {self.name}"
            raise InputError(must(what, "numbers", str(error).rpartition(": ")[2])) from error


def parse_ts(text: str, name: str) -> list[Case]:
    """Reads the text of a .ts file.

    Args:
        text: the text.
        name: what messages call it.

    Raises:
        InputError: if it is something else, has time stamps of its own or numbers for targets, or
            lines of other numbers of channels.
    """
    head: dict[str, str] = {}
    cases: list[Case] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line[0] in "#%":
            continue
        if "data" in head:
            cases.append(_case(f"line {number} of {name}", line, head))
        elif line[0] == "@":
            key, _, value = line[1:].partition(" ")
            head[key.lower()] = value.strip()
        else:
            raise InputError(must(f"line {number} of {name}", "an @ line", repr(shown(line, str))))
    if "data" not in head or not cases:
        got = "no line after it" if "data" in head else "none"
        raise InputError(must(name, "a .ts file with @data and recordings after it", got))
    if head.get("timestamps", "").lower() == "true":
        todo = "Give values at equal steps of time."
        raise InputError(must(name, "a .ts file without time stamps", "@timeStamps true", todo))
    _check_alike(cases)
    return cases


def _case(name: str, line: str, head: dict[str, str]) -> Case:
    parts = line.split(":")
    labelled = head.get("classlabel", "false").split()
    if labelled[:1] != ["true"]:
        numbers = head.get("targetlabel", "false").lower() == "true"
        return Case(name, tuple(parts[:-1] if numbers else parts), "")
    label = parts[-1].strip()
    if len(parts) < 2 or (labelled[1:] and label not in labelled[1:]):
        expected = "values and, after a colon, a class that @classLabel names"
        raise InputError(must(name, expected, repr(shown(label, str))))
    return Case(name, tuple(parts[:-1]), label)


def _check_alike(cases: list[Case]) -> None:
    for case in cases:
        if len(case.channels) != len(cases[0].channels):
            expected = f"of {len(cases[0].channels)} channels, as {cases[0].name}"
            raise InputError(must(case.name, expected, len(case.channels)))
