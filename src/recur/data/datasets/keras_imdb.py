"""Reviews as Keras numbers them: its words, its ranks, its order.

Source: `keras.datasets.imdb` documents the arguments; how its file was made is not published. The
way was found by trying until all its known numbers came out: 88,584 words, reviews of 238.71364
and 230.8042 words on average, the lengths and labels of the first ones, and the ranks of words.
So: words are split as by Keras' `Tokenizer` ("br" of the HTML line breaks is a word), ranked by
frequency in the training reviews; test words without a rank are dropped; positive reviews come
before negative ones, by file name, until they are shuffled. Which of two words of the very same
frequency comes first is not known; here it is the alphabet.
"""

from __future__ import annotations

from collections import Counter
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recur.data.datasets.kept import checksum_of_texts, kept, pack, unpack
from recur.data.splits import Splits
from recur.messages import InputError

if TYPE_CHECKING:
    import torch

_MARKS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
# Lower case for ASCII letters only, as Python 2 did when that file was made.
_PLAIN = str.maketrans(ascii_uppercase + _MARKS, ascii_lowercase + " " * len(_MARKS))


KEPT = "imdb-ranks-1"  # another number when words are split or ranked in another way


class Ranks(NamedTuple):
    """N reviews: the ranks of their words from 1, end to end, and the words of each."""

    values: NDArray[np.int64]
    lengths: NDArray[np.int64]


class Ranked(NamedTuple):
    """Training and test reviews, and the words by rank."""

    words: list[str]
    train: Ranks
    test: Ranks


class Rules(NamedTuple):
    """The arguments of `imdb.load_data`."""

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int


def words_of(text: str) -> list[str]:
    """Splits a text as Keras' `Tokenizer` did with its defaults."""
    return [word for word in text.translate(_PLAIN).split(" ") if word]


def ranked(reviews: Splits[Any]) -> Ranked:
    """Returns the reviews as ranks; they are kept in the cache, since counting takes a while."""
    assert reviews.test is not None
    texts = reviews.train.texts, reviews.test.texts
    tensors = kept(KEPT, checksum_of_texts(*texts), lambda: _counted(*texts))
    train, test = (
        Ranks(tensors[f"{name}.ranks"].numpy().astype(np.int64), tensors[f"{name}.lengths"].numpy())
        for name in ("train", "test")
    )
    return Ranked(unpack(tensors["words.text"], tensors["words.size"]), train, test)


def selected(
    ranks: Ranks, labels: list[str], rules: Rules, chance: np.random.RandomState
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the reviews as lists of ids, and their labels, in an order drawn from `chance`.

    Raises:
        InputError: if no review is short enough.
    """
    order, positive = _positive_first(labels)
    chance.shuffle(order)
    started = int(rules.start_char is not None)
    if rules.maxlen is not None:
        order = order[ranks.lengths[order] + started < rules.maxlen]
    if not len(order):
        raise InputError(f"No review is shorter than maxlen={rules.maxlen}. Raise it.")
    return _lists(*_ids(ranks, rules), order), positive[order].astype(np.int64)


def in_the_file(ranks: Ranks, labels: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the reviews as lists of ranks, and their labels, as Keras' file has them."""
    order, positive = _positive_first(labels)
    ends = np.cumsum(ranks.lengths)
    return _lists(ranks.values, ends, order), positive[order].astype(np.int64)


def _positive_first(labels: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The order of the reviews, and which are positive."""
    positive = np.array([label == "positive" for label in labels])
    return np.argsort(~positive, kind="stable"), positive


def _lists(values: NDArray[np.int64], ends: NDArray[np.int64], order: NDArray[Any]) -> NDArray[Any]:
    """The reviews of `order` as lists, out of all of them end to end."""
    starts = np.concatenate([[0], ends[:-1]])
    x = np.empty(len(order), dtype=object)
    for row, index in enumerate(order.tolist()):
        x[row] = values[starts[index] : ends[index]].tolist()
    return x


def _ids(ranks: Ranks, rules: Rules) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ids of all reviews end to end, and where each ends."""
    ids = ranks.values + rules.index_from
    ends = np.cumsum(ranks.lengths)
    if rules.start_char is not None:
        ids = np.insert(ids, ends - ranks.lengths, rules.start_char)
        ends = ends + np.arange(1, len(ends) + 1)
    allowed = ids >= rules.skip_top
    if rules.num_words is not None:
        allowed &= ids < rules.num_words
    if rules.oov_char is not None:
        return np.where(allowed, ids, rules.oov_char), ends
    return ids[allowed], np.concatenate([[0], np.cumsum(allowed)])[ends]


def _counted(train_texts: list[str], test_texts: list[str]) -> dict[str, torch.Tensor]:
    import torch

    train = [words_of(text) for text in train_texts]
    counts: Counter[str] = Counter()
    for words in train:
        counts.update(words)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    rank_of = {word: rank for rank, word in enumerate(ordered, start=1)}
    found = {}
    found["words.text"], found["words.size"] = pack(ordered)
    test = ([word for word in words_of(text) if word in rank_of] for text in test_texts)
    for name, part in (("train", train), ("test", test)):
        rows = [np.array([rank_of[word] for word in words], dtype=np.int32) for words in part]
        found[f"{name}.ranks"] = torch.from_numpy(np.concatenate(rows))
        found[f"{name}.lengths"] = torch.tensor([len(row) for row in rows])
    return found
