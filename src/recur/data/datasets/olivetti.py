"""Olivetti faces: 40 people, ten pictures of each, of 64 by 64 pixels.

Taken between 1992 and 1994 at the Olivetti Research Laboratory, now AT&T Laboratories Cambridge; F.
Samaria and A. Harter, "Parameterisation of a stochastic model for human face identification",
Workshop on Applications of Computer Vision, 1994.
"""

from __future__ import annotations

import io

import numpy as np

from recur import files
from recur.data.datasets.source import Remote, Source
from recur.data.records.pictured import Faces, in_memory
from recur.data.splits import Splits
from recur.messages import FailedError

SOURCE = Source(
    name="olivetti",
    title="Olivetti faces",
    task="face",
    licence="AT&T Laboratories Cambridge; free with credit",
    homepage="https://scikit-learn.org/stable/datasets/real_world.html",
    size="4.3 MB",
    local=("olivettifaces.mat",),
    # The address and the checksum that scikit-learn's fetch_olivetti_faces has.
    remote=Remote(
        "https://ndownloader.figshare.com/files/5976027",
        4_256_000,
        "sha256:b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
        "olivettifaces.mat",
    ),
)
RECORDS = Faces
SIDE, PICTURES = 64, 10
"""Pixels of a picture's height and width, and pictures of each person."""


def load() -> Splits[Faces]:
    """Returns 400 pictures, in no parts; people are called by their numbers.

    Raises:
        FailedError: if the file cannot be had or is damaged, or scipy is not installed.
    """
    path = SOURCE.find()
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise FailedError(
            "The dataset olivetti needs the package scipy, which is not installed. Install it "
            "with: pip install 'recur[scores]'"
        ) from error
    try:
        columns = np.asarray(loadmat(io.BytesIO(files.read_bytes(path)))["faces"])
        if columns.dtype != np.uint8 or columns.ndim != 2 or len(columns) != SIDE * SIDE:
            raise ValueError(f"its faces are {columns.dtype} of the shape {columns.shape}")
    except Exception as error:  # scipy has no kind of its own for what is damaged
        why = f"{type(error).__name__}: {error}"
        raise FailedError(f"{path} is damaged: {why}. Remove it and get it again.") from error
    pixels = columns.T.reshape(-1, SIDE, SIDE).transpose(0, 2, 1)
    people = [f"person {number // PICTURES + 1:02}" for number in range(len(pixels))]
    pictures = in_memory(np.ascontiguousarray(pixels), "face")
    return Splits(Faces(pictures, people), about="Olivetti faces")
