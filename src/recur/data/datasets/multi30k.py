"""Multi30k: 31,014 captions of pictures in English, with German translations.

D. Elliott et al., "Multi30K: multilingual English-German image descriptions", 2016.
"""

from __future__ import annotations

from recur.data.datasets.source import Remote, Source
from recur.data.datasets.unpacked import text_of
from recur.data.records.pairs import Pairs, lines_of
from recur.data.splits import Splits
from recur.messages import FailedError, one_of

_ADDRESS = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"


def _file(name: str, size: int, sha256: str) -> Source:
    return Source(
        name="multi30k",
        title="Multi30k, English and German, task 1",
        task="translate",
        licence="captions of Flickr30k: for research, not for commercial use",
        homepage="https://github.com/multi30k/dataset",
        size="1.3 MB",
        local=(f"{name}.gz", name),
        remote=Remote(f"{_ADDRESS}{name}.gz", size, f"sha256:{sha256}", f"multi30k.{name}.gz"),
    )


RECORDS = Pairs
SOURCE = _file(
    "train.en", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"
)
_FILES = {
    "train": (
        SOURCE,
        _file(
            "train.de", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"
        ),
    ),
    "val": (
        _file("val.en", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
        _file("val.de", 24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    ),
    "test": (
        _file(
            "test_2016_flickr.en",
            21_077,
            "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
        ),
        _file(
            "test_2016_flickr.de",
            22_890,
            "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
        ),
    ),
}
PARTS = ("en-de", "de-en")


def load(part: str = PARTS[0]) -> Splits[Pairs]:
    """Returns the official parts; the test part is test2016.

    Args:
        part: "en-de" or "de-en": from which language to which.

    Raises:
        FailedError: if they cannot be had, or are damaged.
        InputError: another part.
    """
    back = one_of("the part of multi30k", part, PARTS) == PARTS[1]
    train, validation, test = (_pairs(*_FILES[name], back) for name in ("train", "val", "test"))
    return Splits(train, validation, test, about=f"Multi30k {part}")


def _pairs(english: Source, german: Source, back: bool) -> Pairs:
    paths = english.find(), german.find()
    en, de = (lines_of(text_of(path)) for path in paths)
    if len(en) != len(de):
        raise FailedError(
            f"{paths[0]} and {paths[1]} must have as many lines; they have {len(en):,} and "
            f"{len(de):,}. Remove them and get them again."
        )
    return Pairs(de, en) if back else Pairs(en, de)
