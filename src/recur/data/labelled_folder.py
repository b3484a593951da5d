"""Files with labels, from a folder for each class: FOLDER/CLASS/*, or FOLDER/train/CLASS/*.

sport/one.txt, sport/two.txt, science/a.txt ... is how aclImdb, 20 Newsgroups and
scikit-learn's `load_files` have texts; pictures, recordings and clips are kept in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from recur import files
from recur.data.labelled import Labelled
from recur.messages import InputError, count, listed, must

PARTS = {
    "train": re.compile(r"(?:.*[-_.])?train(?:ing)?", re.IGNORECASE),
    "validation": re.compile(r"(?:.*[-_.])?(?:validation|valid|val|dev)", re.IGNORECASE),
    "test": re.compile(r"(?:.*[-_.])?test(?:ing)?", re.IGNORECASE),
}
"""What the folder of a part is called, after what comes before a hyphen: "20news-bydate-test"."""

L = TypeVar("L")


class Parts(NamedTuple, Generic[L]):
    """What a folder holds; validation and test are None where it sets none apart."""

    train: L
    validation: L | None
    test: L | None


class Kind(NamedTuple):
    """What the files of a folder are.

    Attributes:
        noun: what one of them is called.
        endings: of their names, in small letters; "" for names without one.
        shown: how they are named in a layout: "*.txt".
        class_noun: what a folder of them is called, and several.
        inside: gives what is in the folder of a class, in order, where it is more than files with
            these endings.
    """

    noun: str
    endings: tuple[str, ...]
    shown: str
    class_noun: tuple[str, str] = ("class", "classes")
    inside: Callable[[Path], Iterable[Path]] | None = None

    @property
    def layout(self) -> str:
        """How such a folder looks."""
        each = f"{self.class_noun[0].upper()}/{self.shown}"
        return f"FOLDER/{each}, or FOLDER/train/{each} and FOLDER/test/{each}"

    def of(self, folder: Path) -> Iterable[Path]:
        """What is in the folder of a class, in order."""
        if self.inside is not None:
            return self.inside(folder)
        return [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in self.endings and path.is_file() and path.name[0] != "."
        ]


TEXTS = Kind("text", (".txt", ""), "*.txt")
Files = list[tuple[Path, str]]
"""Each file and its class."""


def read_labelled_folder(
    folder: files.PathLike, *, encoding: str = "", drop_bad: bool = False, alone: bool = False
) -> Parts[Labelled]:
    """Reads the texts of a folder for each class, a file each; the folder's name is the class.

    Files are read whose name ends in .txt or has no ending; others, and hidden ones, are not.

    Args:
        folder: the folder.
        encoding: of the files; empty: UTF-8, or UTF-16 with its mark.
        drop_bad: leave out files that are empty, and say how many.
        alone: all may be of one class, where nothing is learnt from them.

    Raises:
        InputError: if it is no such folder, a file is empty or in another encoding, or there are
            fewer than two classes (unless `alone`).
    """

    def texts(of: Path, found: Files) -> Labelled:
        return _texts(of, found, encoding, drop_bad)

    return in_parts(folder, TEXTS, texts, least=1 if alone else 2)


def in_parts(
    folder: files.PathLike, kind: Kind, read: Callable[[Path, Files], L], *, least: int = 2
) -> Parts[L]:
    """Finds the files of a folder for each class, and reads each part that it sets apart.

    Args:
        folder: the folder.
        kind: what its files are.
        read: reads a part: its folder, and each file there with its class, in order.
        least: classes of each part at least.

    Raises:
        InputError: if it is no such folder, or one with fewer classes.
    """
    root = Path(folder)
    inside = _folders(root)
    found = {
        part: [each for each in inside if pattern.fullmatch(each.name)]
        for part, pattern in PARTS.items()
    }
    if not found["train"] or len(inside) != sum(map(len, found.values())):
        return Parts(read(root, _files(root, least, kind)), None, None)
    twice = next((some for some in found.values() if len(some) > 1), None)
    if twice is not None:
        names = listed([each.name for each in twice], "and")
        raise InputError(must(str(root), "a folder with one part of each kind", names))
    train, validation, test = (
        read(some[0], _files(some[0], least, kind)) if some else None for some in found.values()
    )
    assert train is not None
    return Parts(train, validation, test)


def _folders(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return [each for each in entries if each.is_dir() and not each.name.startswith(".")]


def _files(folder: Path, least: int, kind: Kind) -> Files:
    """Each file of a part, with its class."""
    found = [(path, each.name) for each in _folders(folder) for path in kind.of(each)]
    classes, (one, many) = len({label for _, label in found}), kind.class_noun
    if classes < least:
        got = f"{count(len(found), kind.noun)} of {count(classes, one, many)}"
        each = f"each of two {many} at least" if least > 1 else f"each {one}"
        expected = f"a folder of {kind.noun}s for {each} ({kind.layout})"
        raise InputError(must(str(folder), expected, got))
    return found


def _texts(folder: Path, found: Files, encoding: str, drop_bad: bool) -> Labelled:
    texts = [files.decoded(files.read_bytes(path), path, encoding) for path, _ in found]
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty and not drop_bad:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        todo = "Remove such files, or leave them out (drop bad)."
        raise InputError(f"{found[empty[0]][0]} is empty{more}. {todo}")
    notes = (f"{len(empty):,} of {len(texts):,} files of {folder.name} left out: empty.",)
    kept = sorted({*range(len(texts))}.difference(empty))
    labels = [found[row][1] for row in kept]
    return Labelled([texts[row] for row in kept], labels, notes if empty else ())
