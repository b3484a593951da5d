"""20 Newsgroups: Usenet posts of 1993 in 20 groups, split by date (J. Rennie's "bydate").

K. Lang, "NewsWeeder: learning to filter netnews", ICML 1995.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from recur.data.datasets import archives
from recur.data.datasets.kept import checksum_of, kept, pack, unpack
from recur.data.datasets.source import Remote, Source
from recur.data.records.labelled import LabelledTexts
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Source(
    name="twenty-newsgroups",
    title="20 Newsgroups, split by date",
    task="classify",
    licence="none stated; public posts of 1993",
    homepage="https://scikit-learn.org/stable/datasets/real_world.html",
    size="14 MB",
    local=("20news-bydate.tar.xz", "20news-bydate.tar.gz"),
    # The address and the checksum that scikit-learn's fetch_20newsgroups has.
    remote=Remote(
        "https://ndownloader.figshare.com/files/5975967",
        14_464_277,
        "sha256:8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
        "20news-bydate.tar.gz",
    ),
)
RECORDS = LabelledTexts
EVERYTHING = "everything"
STRIPPED = (
    "Headers, footers and quotes are removed, by scikit-learn's rules; "
    f"twenty-newsgroups:{EVERYTHING} keeps them."
)
VALIDATION = 0.1
"""The share of each group's training posts, its last ones, that validates."""
MOST = 1 << 28
"""Bytes of the unpacked archive at most."""
_PARTS = ("train", "test")
_QUOTE = re.compile(r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>")


def load(part: str = "") -> Splits[LabelledTexts]:
    """Returns the posts in the official split, the test posts later than those to learn from.

    As later ones are tested on, later ones validate: the last tenth of each group's training posts
    by the numbers that the news server gave them as they came in (their dates were removed by who
    made the split).

    Args:
        part: "everything" keeps headers, footers and quotes, which give the group away.

    Raises:
        FailedError: if they cannot be had.
        InputError: if there is no such part.
    """
    if part:
        one_of("what follows twenty-newsgroups:", part, (EVERYTHING,))
    archive = SOURCE.find()
    tensors = kept("twenty-newsgroups", checksum_of(archive), lambda: _packed(_unpacked(archive)))
    texts, groups = (
        {name: unpack(tensors[f"{name}.{what}"], tensors[f"{name}.{what}_size"]) for name in _PARTS}
        for what in ("text", "group")
    )
    if part != EVERYTHING:
        texts = {name: list(map(stripped, of)) for name, of in texts.items()}
    learnt, test = (LabelledTexts(texts[name], groups[name]) for name in _PARTS)
    rows = [row for group in dict.fromkeys(learnt.labels) for row in _late(learnt.labels, group)]
    early = sorted({*range(len(learnt))}.difference(rows))
    return Splits(
        learnt.take(early),
        learnt.take(rows),
        test,
        about="20 Newsgroups (official split)",
        notes=() if part else (STRIPPED,),
    )


def stripped(post: str) -> str:
    """A post without its headers, its signature and what it quotes.

    The rules are those of scikit-learn's `fetch_20newsgroups(remove=...)`, line by line: headers
    end at the first empty line; a signature begins at the last line that is empty or of hyphens;
    quotes are lines that begin with > or |, and those that introduce them ("... writes:").
    """
    body = post.partition("\n\n")[2]
    lines = body.strip().split("\n")
    empty = [at for at, line in enumerate(lines) if not line.strip().strip("-")]
    signed = empty and empty[-1] > 0
    lines = lines[: empty[-1]] if signed else body.split("\n")
    return "\n".join(line for line in lines if not _QUOTE.search(line))


def _late(groups: list[str], group: str) -> list[int]:
    rows = [row for row, each in enumerate(groups) if each == group]
    return rows[round(len(rows) * (1 - VALIDATION)) :]


def _unpacked(archive: Path) -> dict[str, LabelledTexts]:
    """Reads the posts; ordered by group and number, whatever the order in the archive."""
    found: dict[str, list[tuple[str, int, str]]] = {part: [] for part in _PARTS}
    with archives.damaged(archive):
        for path, content in archives.members(archive, _is_post, most=MOST):
            folder, group, number = path.split("/")[-3:]
            text = content.decode("latin-1")
            found[folder.rpartition("-")[2]].append((group, int(number), text))
    if not all(found.values()):
        expected = "20news-bydate-train/sci.space/59846 and others, in train and test"
        raise FailedError(f"{archive} must hold {expected}; it does not. Remove it and try again.")
    return {
        part: LabelledTexts(
            [post[2] for post in sorted(posts)], [post[0] for post in sorted(posts)]
        )
        for part, posts in found.items()
    }


def _is_post(path: str) -> bool:
    folder, _, number = ("", "", "", *path.split("/"))[-3:]
    return folder in (f"20news-bydate-{part}" for part in _PARTS) and number.isdecimal()


def _packed(parts: dict[str, LabelledTexts]) -> dict[str, Tensor]:
    tensors = {}
    for name, posts in parts.items():
        for what, texts in (("text", posts.texts), ("group", posts.labels)):
            tensors[f"{name}.{what}"], tensors[f"{name}.{what}_size"] = pack(texts)
    return tensors
