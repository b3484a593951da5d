"""Free Spoken Digit Dataset: the English digits 0 to 9, fifty times each by six speakers, 8 kHz.

Z. Jackson et al., "Free Spoken Digit Dataset", v1.0.8, doi:10.5281/zenodo.1342401. Its official
split tests on the recordings numbered 0 to 4 of every speaker and digit; here 5 to 9 are for
validation, chosen the same way, and the others to learn from.

Or one speaker is tested on; validation is then by the same numbers of the five others, or by a
second speaker. Or strings of digits are made of what each part holds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from recur.data import audio
from recur.data.datasets.archives import Zip
from recur.data.datasets.source import Source
from recur.data.records.clips import Clips, in_strings
from recur.data.splits import Splits
from recur.messages import FailedError, InputError, must

SOURCE = Source(
    name="fsdd",
    title="Free Spoken Digit Dataset",
    task="speech",
    licence="CC BY-SA 4.0",
    homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
    size="16.2 MB",
    local=("fsdd_recordings.zip", "free-spoken-digit-dataset-master.zip"),
    how="get the repository at https://github.com/Jakobovski/free-spoken-digit-dataset as a zip "
    "(16.2 MB)",
)
RECORDS = Clips
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
OFFICIAL, STRINGS = "official", "strings"
TEST, VALIDATION = range(5), range(5, 10)
"""The numbers of the recordings of each part."""
DIGITS_OF_A_STRING = (3, 7)
GAP = 0.3
"""Seconds of silence between two digits of a string, at most."""
OFTEN = 3
"""How often each recording stands in a string."""
_NAME = re.compile(r"(?:.*/)?recordings/(\d)_([a-z]+)_(\d+)\.wav")


def load(part: str = OFFICIAL) -> Splits[Clips]:
    """Returns the recordings, digits in words as their transcripts.

    Args:
        part: "official"; "theo": a speaker, who is tested on and never learnt from;
            "theo:lucas": validation is by another one, who is never learnt from either. With
            "strings" or "strings:" before it: strings of three to seven digits of one speaker,
            joined with silence of up to 0.3 s between them, each recording in three of them.

    Raises:
        FailedError: if the file cannot be had.
        InputError: if there is no such part.
    """
    as_strings, speakers = _asked(part)
    whole, numbers = _whole(Zip(SOURCE.find()))
    splits = _official(whole, numbers) if not speakers else _apart(whole, numbers, *speakers)
    return _of_strings(splits) if as_strings else splits


def _asked(part: str) -> tuple[bool, list[str]]:
    """Whether strings are asked for, and who is tested on and validated by."""
    if part == OFFICIAL:
        return False, []
    first, *others = part.split(":")
    as_strings = first == STRINGS
    speakers = others if as_strings else [first, *others]
    if len(set(speakers) & set(SPEAKERS)) < len(speakers) or len(speakers) > 2:
        expected = f"official, strings, one or two of {', '.join(SPEAKERS)}, or strings:theo"
        raise InputError(must("part", expected, repr(part)))
    return as_strings, speakers


def _whole(archive: Zip) -> tuple[Clips, list[int]]:
    """All recordings, and the number of each."""
    found = sorted(
        (int(named[3]), int(named[1]), named[2], name)
        for name in archive.names
        if (named := _NAME.fullmatch(name))
    )
    if len(found) < 3 * len(DIGITS):
        expected = "recordings/0_george_0.wav and others"
        raise FailedError(f"{archive.archive} must hold {expected}; it does not. Get it again.")
    sounds = [
        audio.in_bytes(name.rpartition("/")[2], functools.partial(archive.read, name))
        for *_, name in found
    ]
    said = [DIGITS[digit] for _, digit, _, _ in found]
    whole = Clips(sounds, said, [speaker for *_, speaker, _ in found])
    return whole, [number for number, *_ in found]


def _official(whole: Clips, numbers: list[int]) -> Splits[Clips]:
    train, validation, test = (
        whole.take([row for row, number in enumerate(numbers) if number in wanted])
        for wanted in (range(10, 1000), VALIDATION, TEST)
    )
    about = "Free Spoken Digit Dataset (official split)"
    return Splits(train, validation, test, about=about)


def _apart(whole: Clips, numbers: list[int], tested: str, validated: str = "") -> Splits[Clips]:
    """One speaker is tested on; a second one is for validation, or the same five are."""

    def held(row: int) -> bool:
        return whole.speakers[row] == validated if validated else numbers[row] in VALIDATION

    parts = (
        _where(whole, lambda row: whole.speakers[row] != tested and not held(row)),
        _where(whole, lambda row: whole.speakers[row] != tested and held(row)),
        _where(whole, lambda row: whole.speakers[row] == tested),
    )
    others = f"by {validated}, who is not either" if validated else "by the five others"
    note = f"The speaker {tested} is never learnt from; validation is {others}."
    return Splits(*parts, about=f"Free Spoken Digit Dataset, tested on {tested}", notes=(note,))


def _where(whole: Clips, wanted: Callable[[int], bool]) -> Clips:
    return whole.take([row for row in range(len(whole)) if wanted(row)])


def _of_strings(splits: Splits[Clips]) -> Splits[Clips]:
    """The same with strings of digits, each part's made of its own recordings."""
    train, validation, test = (
        in_strings(part, sizes=DIGITS_OF_A_STRING, gap=GAP, often=OFTEN, seed=seed)
        for seed, part in enumerate((splits.train, splits.validation, splits.test))
        if part is not None
    )
    about = f"strings of the {splits.about}"
    return Splits(train, validation, test, about=about, notes=splits.notes)
