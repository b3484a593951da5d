"""Where the data of a run are: found again from another folder, and after they were moved.

config.json keeps the path as it was given, and beside it the absolute one, the one that leads there
from the run, and a checksum of the content: of a folder that of all that lies in it. What belongs
to the data by another option (the file of translations) has a checksum of its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recur import files
from recur.data.tables import read_table
from recur.messages import InputError
from recur.tasks.options import Options, named_files
from recur.tasks.sources import datasets_for
from recur.tasks.task import Task

SOURCE = "source"
"""The key in config.json."""


def source_of(options: Options, task: Task[Any, Any, Any, Any], run: Path) -> dict[str, str]:
    """Returns what config.json keeps about a file or a folder of data; nothing about a dataset.

    Of the options that name files which belong to it, a checksum too.
    """
    if _is_dataset(options, task) or not os.path.exists(options.data):
        return {}
    path = os.path.realpath(options.data)
    try:
        beside = os.path.relpath(path, os.path.realpath(run))
    except ValueError:  # on another drive
        beside = path
    return {"absolute": path, "relative": beside, **_checksums(options)}


def _is_dataset(options: Options, task: Task[Any, Any, Any, Any]) -> bool:
    return options.data.partition(":")[0] in datasets_for(task.records)


def source_in_memory(table: Any) -> dict[str, str]:
    """Returns what config.json keeps about a table in memory: by what it is known again."""
    return {"sha256": read_table(table).checksum()}


def is_same_table(config: Mapping[str, Any], table: Any) -> bool:
    """Whether a table holds what a run was trained on."""
    source = config.get(SOURCE)
    known = source.get("sha256") if isinstance(source, dict) else None
    return bool(known) and read_table(table).checksum() == known


def found(config: Mapping[str, Any], run: Path) -> str:
    """Returns the path of a run's data, wherever they are now; as it was given if that leads there.

    The file of that place is taken if it is still there; one that was moved with the run, or is
    found by the path as it was given, only if its content is the same.
    """
    given = str(config["options"].get("data", ""))
    source = config.get(SOURCE)
    if not isinstance(source, dict) or not isinstance(source.get("absolute"), str):
        return given  # a dataset, or a run of an earlier recur
    absolute = source["absolute"]
    if os.path.exists(absolute):
        same = os.path.exists(given) and os.path.samefile(given, absolute)
        return given if same else absolute
    moved = os.path.normpath(run / str(source.get("relative", "")))
    known = source.get("sha256")
    there = (path for path in (moved, given) if os.path.exists(path))
    return next((path for path in there if _checksum(path) == known), absolute)


def is_same(config: Mapping[str, Any], options: Options) -> bool:
    """Whether what the options name holds what a run was trained on."""
    source = config.get(SOURCE)
    if not isinstance(source, dict) or not source.get("sha256"):
        return False
    now = _checksums(options)
    # A run of an earlier recur knows the file of `data` alone.
    return "sha256" in now and all(source.get(name, each) == each for name, each in now.items())


def check_same(config: Mapping[str, Any], options: Options, run: Path) -> None:
    """Checks that files are not known to hold other data than a run was trained on.

    Raises:
        InputError: if they do.
    """
    source = config.get(SOURCE)
    if not isinstance(source, dict) or "absolute" not in source:
        return
    for name, now in _checksums(options).items():
        if source.get(name, now) != now:
            path = _files(options)[name]
            raise InputError(
                f"The data have changed since the run {run} began: {path} has another content. "
                "Restore them, or train a new run."
            )


def _checksums(options: Options) -> dict[str, str]:
    """Those of what the options name and what is there, by their keys in config.json."""
    return {name: _checksum(path) for name, path in _files(options).items()}


def _files(options: Options) -> dict[str, str]:
    """What there is of the data that options name: a file or a folder, and what belongs to it."""
    others = {f"{name}_sha256": getattr(options, name) for name in named_files(type(options))}
    beside = {key: str(files.beside(options.data, path)) for key, path in others.items() if path}
    named = {"sha256": options.data, **beside}
    return {key: path for key, path in named.items() if os.path.exists(path)}


def _checksum(path: str) -> str:
    """Of a file its content's; of a folder that of all names and contents in it."""
    if not os.path.isdir(path):
        return _digest(path)
    whole = hashlib.sha256()
    for file in sorted(_within(Path(path))):
        name = file.relative_to(path).as_posix()
        whole.update(f"{name}\0{_digest(file)}\n".encode())
    return whole.hexdigest()


def _within(folder: Path) -> Iterator[Path]:
    """The files in a folder and those in it; nothing hidden, and no run that lies there."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [each for each in folders if each[0] != "." and not _is_run(here / each)]
        yield from (here / each for each in names if each[0] != ".")


def _is_run(folder: Path) -> bool:
    return (folder / "config.json").is_file() and (folder / "preprocessing.json").is_file()


def _digest(path: files.PathLike) -> str:
    try:
        with open(path, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
