"""What took long to read, kept in the cache in a form that is read at once.

Safetensors hold it: texts as their UTF-8 bytes end to end, beside the size of each. The name of a
kept file holds the checksum of what it was made from, so that it can never be out of date.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recur import files
from recur.data.datasets.source import cache_folder
from recur.messages import FailedError, InputError

if TYPE_CHECKING:
    from torch import Tensor


def kept(name: str, checksum: str, make: Callable[[], dict[str, Tensor]]) -> Mapping[str, Tensor]:
    """Returns the tensors kept under this name and checksum, or makes and keeps them.

    A cache that cannot be written, or holds a damaged file, costs time and nothing else.
    """
    path = cache_folder() / f"{name}-{checksum[:16]}.safetensors"
    with contextlib.suppress(InputError):  # also where there is none
        return files.read_tensors(path)[0]
    made = make()
    with contextlib.suppress(FailedError):
        files.write_tensors(path, made)
        files.sweep(path.parent)
    return made


def pack(texts: list[str]) -> tuple[Tensor, Tensor]:
    """Returns the bytes of all texts, end to end, and the size of each in bytes."""
    import torch

    encoded = [text.encode("utf-8") for text in texts]
    whole = np.frombuffer(bytearray(b"".join(encoded)), dtype=np.uint8)
    return torch.from_numpy(whole), torch.tensor([len(text) for text in encoded], dtype=torch.int64)


def unpack(whole: Tensor, sizes: Tensor) -> list[str]:
    """Returns the texts that `pack` packed."""
    content = whole.numpy().tobytes()
    ends = np.cumsum(sizes.numpy())
    places = zip((ends - sizes.numpy()).tolist(), ends.tolist(), strict=True)
    return [content[start:end].decode("utf-8") for start, end in places]


def checksum_of(path: Path) -> str:
    """The sha256 of a file's content.

    Raises:
        FailedError: if it cannot be read.
    """
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise FailedError(f"{path} cannot be read: {error.strerror}.") from error


def checksum_of_texts(*groups: list[str]) -> str:
    """The sha256 of lists of texts."""
    digest = hashlib.sha256()
    for texts in groups:
        digest.update(f"{len(texts)};".encode())
        digest.update("\0".join(texts).encode("utf-8"))
    return digest.hexdigest()
