"""MNIST: 70,000 handwritten digits of 28 by 28 pixels, by about 500 writers.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86, 1998. The official test part is of other writers.
"""

from __future__ import annotations

from recur.data.datasets.archives import damaged
from recur.data.datasets.source import Remote, Source
from recur.data.idx import read_idx
from recur.data.pictures import Pixels
from recur.data.records.pictured import LabelledPictures, in_memory
from recur.data.splits import Splits

_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def _file(name: str, size: int, md5: str) -> Source:
    return Source(
        name="mnist",
        title="MNIST, handwritten digits",
        task="image",
        licence="CC BY-SA 3.0",
        homepage="https://yann.lecun.org/exdb/mnist/",
        size="11.6 MB",
        local=(f"{name}.gz", name),
        remote=Remote(f"{_ADDRESS}{name}.gz", size, f"md5:{md5}", f"mnist.{name}.gz"),
    )


RECORDS = LabelledPictures
# The checksums that torchvision has.
SOURCE = _file("train-images-idx3-ubyte", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873")
_FILES = {
    "train": (
        SOURCE,
        _file("train-labels-idx1-ubyte", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
    ),
    "test": (
        _file("t10k-images-idx3-ubyte", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        _file("t10k-labels-idx1-ubyte", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
}
VALIDATION = 5_000
"""The last digits of the training part validate."""


def load() -> Splits[LabelledPictures]:
    """Returns 55,000 digits to learn from, 5,000 to validate, and the official 10,000 to test on.

    Raises:
        FailedError: if a file cannot be had, or is damaged.
    """
    learnt, test = _digits("train"), _digits("test")
    cut = max(len(learnt) - VALIDATION, 0)
    train, validation = learnt.take(range(cut)), learnt.take(range(cut, len(learnt)))
    return Splits(train, validation, test, about="MNIST (official split)")


def _digits(part: str) -> LabelledPictures:
    pixels, numbers = arrays(part)
    return LabelledPictures(in_memory(pixels, "digit"), [str(each) for each in numbers.tolist()])


def arrays(part: str) -> tuple[Pixels, Pixels]:
    """The digits (N, 28, 28) of the part "train" or "test", and which they are, (N,).

    Raises:
        FailedError: if a file cannot be had, or is damaged.
    """
    images, labels = (source.find() for source in _FILES[part])
    pixels, numbers = read_idx(images, 3), read_idx(labels, 1)
    with damaged(labels):
        if len(pixels) != len(numbers):
            raise ValueError(f"it has {len(numbers):,} labels for {len(pixels):,} pictures")
    return pixels, numbers
