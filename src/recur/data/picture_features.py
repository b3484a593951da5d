"""What another network found in pictures, from a file: in the place of their pixels."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from recur import files
from recur.messages import InputError, count, must, shown

ENDINGS = (".npz", ".safetensors")


class PictureFeatures:
    """A file that holds for each picture an array of the same shape, (E,) or (E, h, w).

    Arrays go by the names of the pictures: the path, or what is left of it without its first
    folders, down to the name of the file. They are read when they are asked for.

    Args:
        path: a file of numpy (`numpy.savez`) or of safetensors.

    Attributes:
        path: the file.
        shape: (E,) or (E, h, w).

    Raises:
        InputError: if there is no such file, or it is damaged, empty or something else.
    """

    def __init__(self, path: files.PathLike) -> None:
        self.path = files.path_of(path)
        if self.path.suffix.lower() not in ENDINGS:
            expected = "a file of features (.npz or .safetensors)"
            raise InputError(must("features file", expected, shown(self.path.name, str)))
        if not self.path.is_file():
            raise InputError(f"There is no file {self.path}. Check the path.")
        names, self._read = _opened(self.path)
        self._names = set(names)
        if not names:
            raise InputError(must(str(self.path), "features of pictures", "none"))
        self.shape = self._array(names[0]).shape
        if len(self.shape) not in (1, 3) or 0 in self.shape:
            got = f"the shape {self.shape} of {names[0]}"
            raise InputError(must(str(self.path), "arrays (E,) or (E, h, w) of pictures", got))

    def names(self, pictures: Sequence[str]) -> list[str]:
        """The name in the file of each picture.

        Raises:
            InputError: if one is not there, or two pictures would have the same features.
        """
        found = [self._name(each) for each in pictures]
        owners: dict[str, str] = {}
        for picture, name in zip(pictures, found, strict=True):
            if owners.setdefault(name, picture) != picture:
                todo = "Name the features by paths that tell them apart."
                both = f"{owners[name]} and {picture}"
                raise InputError(must(f"{name} in {self.path}", "of one picture", both, todo))
        return found

    def at(self, name: str) -> NDArray[np.float32]:
        """The features of that name in the file.

        Raises:
            InputError: if they are of another shape than the first, or not finite numbers.
        """
        found = self._array(name)
        if found.shape != self.shape or found.dtype.kind not in "fiu":
            got = f"{found.dtype} {found.shape}"
            raise InputError(must(f"{name} in {self.path}", f"numbers {self.shape}", got))
        numbers = found.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise InputError(must(f"{name} in {self.path}", "finite numbers", "others too"))
        return numbers

    def _name(self, picture: str) -> str:
        parts = PurePath(picture).parts
        for first in range(len(parts)):
            name = "/".join(parts[first:])
            if name in self._names:
                return name
        number = count(len(self._names), "picture")
        raise InputError(f"{self.path} has features of {number}; {parts[-1]} is not among them.")

    def _array(self, name: str) -> NDArray[Any]:
        try:
            return np.asarray(self._read(name))
        except Exception as error:  # what a damaged file raises depends on where it is damaged
            raise _damaged(self.path, error) from error


def _opened(path: Path) -> tuple[list[str], Callable[[str], Any]]:
    """The names in a file, and what reads the array of one."""
    try:
        if path.suffix.lower() == ".npz":
            return _of_numpy(zipfile.ZipFile(path))
        tensors = safe_open(str(path), framework="np")
        return list(tensors.keys()), tensors.get_tensor  # type: ignore[no-untyped-call]
    except Exception as error:  # see above
        raise _damaged(path, error) from error


def _of_numpy(archive: zipfile.ZipFile) -> tuple[list[str], Callable[[str], Any]]:
    """As `_opened`, of what `numpy.savez` writes: `numpy.load` would leave a damaged one open."""

    def read(name: str) -> Any:
        with archive.open(f"{name}.npy") as content:
            return np.lib.format.read_array(content, allow_pickle=False)

    names = archive.namelist()
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")], read


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is damaged, or no file of features: {error}")
