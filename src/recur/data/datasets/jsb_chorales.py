"""382 four-part chorales by J. S. Bach, in equal steps: the smallest set of polyphonic music.

N. Boulanger-Lewandowski et al., "Modeling temporal dependencies in high-dimensional sequences",
ICML 2012, arXiv:1206.6392: their split, a step a quarter note, the pieces transposed into a common
tonality (356 of the 382 end on a C in the bass). From the JSON files of C.-Z. A. Huang, which have
steps of an 8th and a 16th too, there in the keys that the pieces are in. A held note and a repeated
one look alike.
"""

from __future__ import annotations

import dataclasses

from recur.data.datasets.source import Remote, Source
from recur.data.records.pieces import Pieces, read_pieces
from recur.data.splits import Splits
from recur.messages import one_of

_ADDRESS = "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/master/"


def _encoding(step: str, size: int, sha256: str) -> Source:
    file = f"jsb-chorales-{step}.json"
    return Source(
        name="jsb-chorales",
        title="JSB chorales",
        task="music",
        licence="music in the public domain; none is stated for the encoding",
        homepage="https://github.com/czhuang/JSB-Chorales-dataset",
        size=f"{size / 1e6:.1f} MB",
        local=(f"{file}.gz", file),
        remote=Remote(f"{_ADDRESS}{file}", size, f"sha256:{sha256}"),
    )


SOURCE = _encoding(
    "quarter", 407_200, "2db9329f1881a1d3f49703ec556bf1d6f84b4f6c1d702c156536e93cf31e1c91"
)
_FINER = {
    "8th": _encoding(
        "8th", 870_990, "88fb80b22829a815e8105da538d94ae803773158507e2145938351f35142390a"
    ),
    "16th": _encoding(
        "16th", 1_741_172, "8730aca7b64e7d29493733d1cf19fad4a5b351d8f1845e57dac27728104fd39f"
    ),
}
RECORDS = Pieces
STEPS = {"quarter": SOURCE, **_FINER}
"""The lengths of a step."""


def load(step: str = "quarter") -> Splits[Pieces]:
    """Returns the pieces in the published split: 229 to learn from, 76 and 77 held out.

    Args:
        step: the length of a step: "quarter" (what published figures are for), "8th" or "16th".

    Raises:
        FailedError: if the file cannot be had.
        InputError: if there is no such step.
    """
    pieces = read_pieces(STEPS[one_of("step", step, STEPS)].find())
    return dataclasses.replace(pieces, about=f"JSB chorales ({step} notes)")
