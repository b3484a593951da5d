"""BasicMotions: four activities of four students, by a smart watch; six channels, ten a second.

J. Clements, of the University of East Anglia; 40 recordings of ten seconds to learn from and 40 to
test on. Who is who is not told, so that both parts may have the same students.
"""

from __future__ import annotations

from recur.data.datasets.uea import official, sources
from recur.data.records.recordings import Recordings
from recur.data.splits import Splits

SOURCE, _TEST = sources("basic-motions", "BasicMotions", "BasicMotions (UEA archive)", "0.5 MB")
RECORDS = Recordings


def load() -> Splits[Recordings]:
    """Returns the recordings in the official split.

    Raises:
        FailedError: if a file cannot be had.
        InputError: if it is damaged.
    """
    return official(SOURCE, _TEST)
