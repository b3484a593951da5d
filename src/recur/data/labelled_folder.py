"""Texts with labels, from a folder for each class: FOLDER/CLASS/*.txt, or FOLDER/train/CLASS/*.txt.

sport/one.txt, sport/two.txt, science/a.txt ... is how aclImdb, 20 Newsgroups and
scikit-learn's `load_files` have them.
"""

from __future__ import annotations

import re
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
_LAYOUT = "FOLDER/CLASS/*.txt, or FOLDER/train/CLASS/*.txt and FOLDER/test/CLASS/*.txt"


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
    root, least = Path(folder), 1 if alone else 2
    inside = _folders(root)
    found = {
        part: [each for each in inside if pattern.fullmatch(each.name)]
        for part, pattern in PARTS.items()
    }
    if not found["train"] or len(inside) != sum(map(len, found.values())):
        return Parts(_read(root, least, encoding, drop_bad), None, None)
    twice = next((some for some in found.values() if len(some) > 1), None)
    if twice is not None:
        names = listed([each.name for each in twice], "and")
        raise InputError(must(str(root), "a folder with one part of each kind", names))
    train, validation, test = (
        _read(some[0], least, encoding, drop_bad) if some else None for some in found.values()
    )
    assert train is not None
    return Parts(train, validation, test)


def _folders(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return [each for each in entries if each.is_dir() and not each.name.startswith(".")]


def _read(folder: Path, least: int, encoding: str, drop_bad: bool) -> Labelled:
    paths = [
        (path, each.name)
        for each in _folders(folder)
        for path in sorted(each.iterdir())
        if path.suffix.lower() in (".txt", "") and path.is_file() and path.name[0] != "."
    ]
    classes = len({label for _, label in paths})
    if classes < least:
        got = f"{count(len(paths), 'text')} of {count(classes, 'class', 'classes')}"
        each = "each of two classes at least" if least > 1 else "each class"
        expected = f"a folder of texts for {each} ({_LAYOUT})"
        raise InputError(must(str(folder), expected, got))
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
