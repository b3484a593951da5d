"""UNIPEN train_r01_v07: English words and sentences as strokes of a pen.

I. Guyon et al., "UNIPEN project of on-line data exchange and recognizer benchmarks", ICPR 1994. The
words are single ones in small letters (category 6, source sta), the sentences are copied from the
Wall Street Journal in joined writing (category 8, source bbd); pen-down runs alone. There is no
official split: here every part has writers of its own, drawn once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recur.data import packed
from recur.data.datasets.kept import checksum_of, kept, pack, unpack
from recur.data.datasets.source import Source
from recur.data.ink import Ink
from recur.data.records.handwritten import Handwritten, parse_lines
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

if TYPE_CHECKING:
    from torch import Tensor


def _file(name: str) -> Source:
    return Source(
        name="unipen",
        title="UNIPEN, words and sentences as strokes",
        task="handwriting",
        licence="CC BY 4.0",
        homepage="https://doi.org/10.5281/zenodo.1195803",
        size="11.4 MB",
        local=(name,),
        how="get UNIPEN train_r01_v07 at https://doi.org/10.5281/zenodo.1195803, and write its "
        "words (data/6/sta) and sentences (data/8/bbd) as JSON lines with id, writer, text and "
        "strokes, packed by xz (11.4 MB)",
    )


RECORDS = Handwritten
FILES = {
    "words": _file("unipen_hp_words.jsonl.xz"),
    "sentences": _file("unipen_bbn_sentences.jsonl.xz"),
}
SOURCE = FILES["words"]
BOTH = "both"
VALIDATION = {"words": ("ckb", "jhc", "nco", "skh"), "sentences": ("hlg",)}
TEST = {"words": ("asl", "gl", "mek", "rv", "yuko"), "sentences": ("jab", "sin")}
"""The writers of each part; the others are learnt from."""
NOTES = {
    "words": "No writer of one part is in another; nearly all words are: a closed list of 905.",
    "sentences": "No writer and no sentence of one part is in another.",
}


def load(part: str = BOTH) -> Splits[Handwritten]:
    """Returns the pieces in three parts, each by writers of its own.

    Args:
        part: "words", by 26 writers; "sentences", by 7; or "both".

    Raises:
        FailedError: if a file cannot be had, or is damaged.
        InputError: if there is no such part.
    """
    one_of("part", part, (BOTH, *FILES))
    kinds = tuple(FILES) if part == BOTH else (part,)
    train, validation, test = (
        _joined(*each) for each in zip(*(_parts(kind) for kind in kinds), strict=True)
    )
    about, notes = f"UNIPEN, {' and '.join(kinds)}", tuple(NOTES[kind] for kind in kinds)
    return Splits(train, validation, test, about=about, notes=notes)


def _parts(kind: str) -> list[Handwritten]:
    path = FILES[kind].find()
    stored = kept(f"unipen-{kind}", checksum_of(path), lambda: _packed(_read(path)))
    whole = _unpacked(stored)
    held = (*VALIDATION[kind], *TEST[kind])
    learnt = set(whole.writers).difference(held)
    rows = [
        [row for row, by in enumerate(whole.writers) if by in writers]
        for writers in (learnt, VALIDATION[kind], TEST[kind])
    ]
    if kind == "sentences":  # some were copied by several: those held out are learnt from nobody
        elsewhere = {whole.transcripts[row] for part in rows[1:] for row in part}
        rows[0] = [row for row in rows[0] if whole.transcripts[row] not in elsewhere]
    if not all(rows):
        raise FailedError(f"{path} must hold the writers {', '.join(held)}. Get it again.")
    return [whole.take(each) for each in rows]


def _read(path: Path) -> Handwritten:
    try:
        content = packed.content_of(path)
    except packed.DAMAGED as error:
        raise FailedError(f"{path} is damaged: {error}. Remove it and get it again.") from error
    return parse_lines(content, path.name)


def _packed(whole: Handwritten) -> dict[str, Tensor]:
    import torch

    found = {
        "points": torch.from_numpy(np.concatenate([ink.points for ink in whole.inks])).float(),
        "sizes": torch.tensor([len(ink.points) for ink in whole.inks]),
        "starts": torch.from_numpy(np.concatenate([ink.starts for ink in whole.inks])),
        "strokes": torch.tensor([len(ink.starts) for ink in whole.inks]),
    }
    for name in ("called", "transcripts", "writers"):
        found[name], found[f"{name}.sizes"] = pack(getattr(whole, name))
    return found


def _unpacked(stored: Mapping[str, Tensor]) -> Handwritten:
    points, starts = stored["points"].double().numpy(), stored["starts"].numpy()
    inks = [
        Ink(*each)
        for each in zip(
            np.split(points, np.cumsum(stored["sizes"].numpy())[:-1]),
            np.split(starts, np.cumsum(stored["strokes"].numpy())[:-1]),
            strict=True,
        )
    ]
    return Handwritten(
        inks,
        *(
            unpack(stored[name], stored[f"{name}.sizes"])
            for name in ("called", "transcripts", "writers")
        ),
    )


def _joined(*parts: Handwritten) -> Handwritten:
    return Handwritten(
        *(
            [each for part in parts for each in getattr(part, name)]
            for name in ("inks", "called", "transcripts", "writers")
        )
    )
