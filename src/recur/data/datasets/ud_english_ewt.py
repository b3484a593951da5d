"""Universal Dependencies, English Web Treebank, release 2.16: 16,622 sentences, three parts.

N. Silveira et al., "A gold standard dependency corpus for English", LREC 2014: weblogs, newsgroups,
e-mail, reviews and answers, with parts of speech (17 tags of Universal Dependencies in `upos`, 49
of the Penn Treebank in `xpos`) and grammatical features.
"""

from __future__ import annotations

from recur.data.datasets.source import Remote, Source
from recur.data.records.tagged import TaggedSentences
from recur.data.splits import Splits
from recur.data.tagged import parse, text_of

_ADDRESS = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/r2.16/"


def _part(name: str, size: int, sha256: str) -> Source:
    file = f"en_ewt-ud-{name}.conllu"
    return Source(
        name="ud-english-ewt",
        title="Universal Dependencies English EWT 2.16",
        task="tag",
        licence="CC BY-SA 4.0",
        homepage="https://github.com/UniversalDependencies/UD_English-EWT",
        size="17.8 MB",
        local=(f"{file}.xz", file),
        remote=Remote(f"{_ADDRESS}{file}", size, f"sha256:{sha256}"),
    )


RECORDS = TaggedSentences
SOURCE = _part(
    "train", 14_203_025, "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"
)
_VALIDATION = _part(
    "dev", 1_805_545, "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"
)
_TEST = _part("test", 1_804_515, "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd")


def load() -> Splits[TaggedSentences]:
    """Returns the three parts.

    Raises:
        FailedError: if they cannot be had.
    """
    train, validation, test = (
        parse(text_of(path), path.name)
        for path in (source.find() for source in (SOURCE, _VALIDATION, _TEST))
    )
    return Splits(train, validation, test, about="UD English-EWT")
