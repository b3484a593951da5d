"""Files with labels, from a folder for each class: FOLDER/CLASS/*.txt, or FOLDER/train/CLASS/*.txt.

sport/one.txt, sport/two.txt, science/a.txt ... is how aclImdb, 20 Newsgroups and
scikit-learn's `load_files` have texts; recordings and clips lie as well so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from recur import files
from recur.data.labelled import Labelled
from recur.messages import InputError, count, listed, must

PARTS = {
    "train": re.compile(r"(?:.*[-_.])?train(?:ing)?", re.IGNORECASE),
    "validation": re.compile(r"(?:.*[-_.])?(?:validation|valid|val|dev)", re.IGNORECASE),
    "test": re.compile(r"(?:.*[-_.])?test(?:ing)?", re.IGNORECASE),
}
"""What the folder of a part is called, after what comes before a hyphen: "20news-bydate-test"."""

File = tuple[Path, str]
"""The path of an example, and its class."""


class FilesOfParts(NamedTuple):
    """What a folder holds; validation and test are None where it sets none apart."""

    train: list[File]
    validation: list[File] | None
    test: list[File] | None


class Parts(NamedTuple):
    """What a folder holds; validation and test are None where it sets none apart."""

    train: Labelled
    validation: Labelled | None
    test: Labelled | None


def read_labelled_folder(
    folder: files.PathLike, *, encoding: str = "", drop_bad: bool = False, alone: bool = False
) -> Parts:
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
    parts = files_by_class(Path(folder), _texts, noun="text", example="*.txt", alone=alone)
    train, validation, test = (
        None if part is None else _read(Path(folder), part, encoding, drop_bad) for part in parts
    )
    assert train is not None
    return Parts(train, validation, test)


def files_by_class(
    folder: Path,
    inside: Callable[[Path], Iterable[Path]],
    *,
    noun: str,
    example: str,
    alone: bool = False,
) -> FilesOfParts:
    """Finds the examples of a folder for each class, in the parts that it sets apart.

    Args:
        folder: the folder.
        inside: gives the examples in the folder of a class, in order.
        noun: what one of them is called.
        example: what they are called in the folder of a class: "*.txt".
        alone: all may be of one class.

    Raises:
        InputError: if it is no such folder, or there are fewer than two classes (unless `alone`).
    """

    def read(part: Path) -> list[File]:
        return _by_class(part, inside, 1 if alone else 2, noun, example)

    folders = _folders(folder)
    found = {
        part: [each for each in folders if pattern.fullmatch(each.name)]
        for part, pattern in PARTS.items()
    }
    if not found["train"] or len(folders) != sum(map(len, found.values())):
        return FilesOfParts(read(folder), None, None)
    twice = next((some for some in found.values() if len(some) > 1), None)
    if twice is not None:
        names = listed([each.name for each in twice], "and")
        raise InputError(must(str(folder), "a folder with one part of each kind", names))
    train, validation, test = (read(some[0]) if some else None for some in found.values())
    assert train is not None
    return FilesOfParts(train, validation, test)


def _folders(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return [each for each in entries if each.is_dir() and not each.name.startswith(".")]


def _by_class(
    folder: Path, inside: Callable[[Path], Iterable[Path]], least: int, noun: str, example: str
) -> list[File]:
    found = [(path, each.name) for each in _folders(folder) for path in inside(each)]
    classes = len({label for _, label in found})
    if classes < least:
        got = f"{count(len(found), noun)} of {count(classes, 'class', 'classes')}"
        each = "each of two classes at least" if least > 1 else "each class"
        layout = f"FOLDER/CLASS/{example}, or FOLDER/train/CLASS/{example}"
        layout += f" and FOLDER/test/CLASS/{example}"
        expected = f"a folder of {noun}s for {each} ({layout})"
        raise InputError(must(str(folder), expected, got))
    return found


def _texts(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in (".txt", "") and path.is_file() and path.name[0] != "."
    ]


def _read(folder: Path, paths: list[File], encoding: str, drop_bad: bool) -> Labelled:
    texts = [files.decoded(files.read_bytes(path), path, encoding) for path, _ in paths]
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty and not drop_bad:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        todo = "Remove such files, or leave them out (drop bad)."
        raise InputError(f"{paths[empty[0]][0]} is empty{more}. {todo}")
    notes = (f"{len(empty):,} of {len(texts):,} files of {folder.name} left out: empty.",)
    kept = sorted({*range(len(texts))}.difference(empty))
    labels = [paths[row][1] for row in kept]
    return Labelled([texts[row] for row in kept], labels, notes if empty else ())
