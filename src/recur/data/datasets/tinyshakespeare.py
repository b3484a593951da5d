"""Plays by Shakespeare, 1.1 million characters: the usual first text of a character model.

A. Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015.
"""

from __future__ import annotations

from recur.data.datasets.source import Remote, Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.texts import Texts
from recur.data.splits import Splits

SOURCE = Source(
    name="tinyshakespeare",
    title="tiny Shakespeare",
    task="language",
    licence="public domain",
    homepage="https://github.com/karpathy/char-rnn",
    size="1.1 MB",
    local=("input.txt.gz", "input.txt"),
    remote=Remote(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        1_115_394,
        "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        saved_as="tinyshakespeare.txt",
    ),
)

RECORDS = Texts


def load() -> Splits[Texts]:
    """Returns the first 90 % to learn from, and 5 % each to validate and to test on, as char-rnn.

    Raises:
        FailedError: if it cannot be had.
    """
    text = text_of(SOURCE.find())
    end, last = int(0.9 * len(text)), int(0.95 * len(text))
    train, validation, test = (Texts([part]) for part in (text[:end], text[end:last], text[last:]))
    return Splits(train, validation, test, about="tiny Shakespeare")
