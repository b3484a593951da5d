"""The Turkish Web Treebank: 4,850 sentences of the web and of Wikipedia; a package carries them.

T. Kayadelen, A. Ozturel and B. Bohnet, "A gold standard dependency treebank for Turkish", LREC
2020. Words are cut into their inflectional groups, and each of these has tags.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from recur.data.datasets.source import Source
from recur.data.records.tagged import TaggedSentences
from recur.data.splits import Splits
from recur.data.tagged import parse, text_of

SOURCE = Source(
    name="turkish-web",
    title="Turkish Web Treebank, from the package turkish-treebanks",
    task="tag",
    licence="Apache 2.0",
    homepage="https://github.com/google-research-datasets/turkish-treebanks",
    size="7.4 MB",
    package=("turkish_treebanks", "../data/web.conllu", "turkish-treebanks==1.0.0"),
)
RECORDS = TaggedSentences
FILES = ("web.conllu", "wiki.conllu")
_PAGE = re.compile(r"^# sent_id = (.*):S\d+$", re.MULTILINE)


def load() -> Splits[TaggedSentences]:
    """Returns all sentences; of those that come from one page, the names in the files say so.

    Raises:
        FailedError: if the package is not installed.
    """
    folder = SOURCE.find().parent
    parts = [_read(folder / name) for name in FILES]
    sentences = [each for part in parts for each in part.sentences]
    return Splits(TaggedSentences(sentences, parts[0].columns), about="Turkish Web Treebank")


def _read(path: Path) -> TaggedSentences:
    text = text_of(path)
    found = parse(text, path.name)
    pages = _PAGE.findall(text)
    told = zip(found.sentences, pages, strict=True)
    return TaggedSentences(
        [dataclasses.replace(each, document=page) for each, page in told], found.columns
    )
