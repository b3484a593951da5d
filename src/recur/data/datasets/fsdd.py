"""Free Spoken Digit Dataset: the English digits 0 to 9, fifty times each by six speakers, 8 kHz.

Z. Jackson et al., "Free Spoken Digit Dataset", v1.0.8, doi:10.5281/zenodo.1342401. Its official
split tests on the recordings numbered 0 to 4 of every speaker and digit; here 5 to 9 are for
validation, chosen the same way, and the others to learn from.
"""

from __future__ import annotations

import functools
import re

from recur.data import audio
from recur.data.datasets.archives import Zip
from recur.data.datasets.source import Source
from recur.data.records.clips import Clips
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

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
OFFICIAL = "official"
TEST, VALIDATION = range(5), range(5, 10)
"""The numbers of the recordings of each part."""
_NAME = re.compile(r"(?:.*/)?recordings/(\d)_([a-z]+)_(\d+)\.wav")


def load(part: str = OFFICIAL) -> Splits[Clips]:
    """Returns the recordings, digits in words as their transcripts.

    Args:
        part: "official"; or a speaker, who is tested on and never learnt from.

    Raises:
        FailedError: if the file cannot be had.
        InputError: if there is no such speaker.
    """
    one_of("part", part, (OFFICIAL, *SPEAKERS))
    archive = Zip(SOURCE.find())
    found = sorted(
        (int(named[3]), int(named[1]), named[2], name)
        for name in archive.names
        if (named := _NAME.fullmatch(name))
    )
    if len(found) < 3 * len(DIGITS):
        expected = "recordings/0_george_0.wav and others"
        raise FailedError(f"{archive.archive} must hold {expected}; it does not. Get it again.")
    whole = Clips(
        [
            audio.in_bytes(name.rpartition("/")[2], functools.partial(archive.read, name))
            for *_, name in found
        ],
        [DIGITS[digit] for _, digit, _, _ in found],
        [speaker for *_, speaker, _ in found],
    )
    numbers = [number for number, *_ in found]
    if part == OFFICIAL:
        rows = [
            [row for row, number in enumerate(numbers) if number in wanted]
            for wanted in (range(10, 1000), VALIDATION, TEST)
        ]
        about = "Free Spoken Digit Dataset (official split)"
        train, validation, test = (whole.take(each) for each in rows)
        return Splits(train, validation, test, about=about)
    rest, held = (
        [row for row, speaker in enumerate(whole.speakers) if (speaker == part) == is_held]
        for is_held in (False, True)
    )
    about = f"Free Spoken Digit Dataset, tested on {part}"
    note = f"The speaker {part} is never learnt from; validation is by another speaker too."
    return Splits(whole.take(rest), test=whole.take(held), about=about, notes=(note,))
