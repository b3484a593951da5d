"""What `--data` may say: a file, or the name of a dataset of the task's kind of records."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from recur.data import datasets
from recur.data.splits import Records, Splits
from recur.messages import InputError, did_you_mean, listed, must

if TYPE_CHECKING:
    from recur.tasks.task import Task

IN_MEMORY = "(a table in memory)"
"""What the options call data that were no file."""


def name_of(source: Any) -> str:
    """Returns what messages call data: a file's name, or that they are a table in memory."""
    return Path(source).name if isinstance(source, str | os.PathLike) else "the table"


def file_of(source: Any, task: str) -> str:
    """Returns the path of data that must be a file.

    Raises:
        InputError: if they are a table in memory.
    """
    if not isinstance(source, str | os.PathLike):
        got = f"a {type(source).__name__}"
        raise InputError(must(f"data of {task}", "a file, or the name of a dataset", got))
    return os.fspath(source)


def datasets_for(records: type[Records]) -> dict[str, ModuleType]:
    """Returns the datasets of a kind of records by name; a new one is found by itself."""
    known = datasets.every().items()
    return {name: module for name, module in known if issubclass(module.RECORDS, records)}


def dataset(data: str, task: Task[Any, Any, Any, Any]) -> ModuleType | None:
    """Returns the dataset that `data` names, or None if it is a file.

    Args:
        data: A path, or a name; what follows a colon picks a part of the dataset.
        task: The task.

    Raises:
        InputError: if it is neither; the text names the datasets.
    """
    if data == IN_MEMORY:
        raise InputError(
            "The data were a table in memory, which no run keeps: give it again (data)."
        )
    known = datasets_for(task.records)
    name, colon, _ = data.partition(":")
    if name in known:
        if colon and not inspect.signature(known[name].load).parameters:
            raise InputError(f"The dataset {name} has no parts; got {data!r}. Write {name!r}.")
        return known[name]
    path = Path(data)
    if data and os.path.exists(path):  # which also takes what can be no path
        return None
    if path.suffix or len(path.parts) > 1:
        raise InputError(f"There is no file {data}. Check the path.")
    expected = f"a file, or the dataset {listed(sorted(known))}"
    raise InputError(must("data", expected, repr(data), did_you_mean(name, known)))


def loaded(named: ModuleType, data: str) -> Splits[Any]:
    """Returns what a dataset holds, or the part of it that `data` picks.

    Raises:
        FailedError: if it cannot be had.
        InputError: if it has no such part.
    """
    part = data.partition(":")[2]
    found: Splits[Any] = named.load(part) if part else named.load()
    return found
