"""Flickr8k: photographs of people and animals, each with five captions.

M. Hodosh, P. Young and J. Hockenmaier, "Framing image description as a ranking task: data, models
and evaluation metrics", Journal of Artificial Intelligence Research 47, 2013.
"""

from __future__ import annotations

from functools import partial

from recur.data.datasets.archives import Zip
from recur.data.datasets.source import Source
from recur.data.datasets.unpacked import text_of
from recur.data.pictures import Picture
from recur.data.records.captioned import CaptionedPictures
from recur.data.splits import Splits
from recur.messages import FailedError, count


def _file(*names: str) -> Source:
    return Source(
        name="flickr8k",
        title="Flickr8k, pictures with five captions each",
        task="caption",
        licence="for research, not for commercial use; the pictures belong to their authors",
        homepage="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
        size="1100 MB",
        local=names,
    )


RECORDS = CaptionedPictures
SOURCE = _file("Flickr8k.token.txt.gz", "Flickr8k.token.txt")
_PICTURES = _file("Flickr8k_Dataset.zip", "flickr8k_images_900_128x128.zip")
_LISTS = {
    "train": _file("Flickr_8k.trainImages.txt"),
    "validation": _file("Flickr_8k.devImages.txt"),
    "test": _file("Flickr_8k.testImages.txt"),
}


def load() -> Splits[CaptionedPictures]:
    """Returns the official parts, those pictures of them that are in the archive.

    Raises:
        FailedError: if the files cannot be had, or are damaged.
    """
    captions = _captions(text_of(SOURCE.find()))
    archive = Zip(_PICTURES.find())
    places = {name.rsplit("/", 1)[-1]: name for name in archive.names}
    lists = {part: text_of(source.find()).split() for part, source in _LISTS.items()}
    parts = {
        part: [name for name in names if name in places and name in captions]
        for part, names in lists.items()
    }
    if not all(parts.values()):
        expected = "pictures of every part of the official split"
        raise FailedError(f"{archive.archive} must hold {expected}; it does not. Get it again.")
    listed, there = (sum(map(len, found.values())) for found in (lists, parts))
    note = f"{there:,} of {count(listed, 'picture')} are there: the scores are of these alone."
    train, validation, test = (
        CaptionedPictures(
            [Picture(name, partial(archive.read, places[name])) for name in names],
            [tuple(captions[name]) for name in names],
        )
        for names in parts.values()
    )
    notes = (note,) if there < listed else ()
    return Splits(train, validation, test, about="Flickr8k", notes=notes)


def _captions(text: str) -> dict[str, list[str]]:
    """The captions of each picture: lines of NAME#NUMBER, a tab, and the caption."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        place, tab, caption = line.partition("\t")
        if tab and caption.strip():
            found.setdefault(place.rpartition("#")[0], []).append(caption.strip())
    return found
