"""Where the data of a run are: found again from another folder, and after they were moved.

config.json keeps the path as it was given, and beside it the absolute one, the one that leads there
from the run, and a checksum of the content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recur.data.tables import read_table
from recur.messages import InputError
from recur.tasks.sources import datasets_for
from recur.tasks.task import Task

SOURCE = "source"
"""The key in config.json."""


def source_of(data: str, task: Task[Any, Any, Any, Any], run: Path) -> dict[str, str]:
    """Returns what config.json keeps about a file of data; nothing about a dataset or a folder."""
    if data.partition(":")[0] in datasets_for(task.records) or not os.path.isfile(data):
        return {}
    path = os.path.realpath(data)
    try:
        beside = os.path.relpath(path, os.path.realpath(run))
    except ValueError:  # on another drive
        beside = path
    return {"absolute": path, "relative": beside, "sha256": _checksum(path)}


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
    if os.path.isfile(absolute):
        same = os.path.exists(given) and os.path.samefile(given, absolute)
        return given if same else absolute
    moved = os.path.normpath(run / str(source.get("relative", "")))
    return next((path for path in (moved, given) if is_same(config, path)), absolute)


def is_same(config: Mapping[str, Any], data: str) -> bool:
    """Whether a file holds what a run was trained on."""
    source = config.get(SOURCE)
    known = source.get("sha256") if isinstance(source, dict) else None
    return bool(known) and os.path.isfile(data) and _checksum(data) == known


def check_same(config: Mapping[str, Any], data: str, run: Path) -> None:
    """Checks that a file is not known to hold other data than a run was trained on.

    Raises:
        InputError: if it does.
    """
    if config.get(SOURCE) and os.path.isfile(data) and not is_same(config, data):
        raise InputError(
            f"The data have changed since the run {run} began: {data} has another content. "
            "Restore them, or train a new run."
        )


def _checksum(path: str) -> str:
    try:
        with open(path, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
