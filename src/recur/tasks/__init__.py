"""Applications, a file each: data, model, loss, metric, options, and how an answer is shown."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recur.messages import one_of

if TYPE_CHECKING:
    from recur.tasks.task import Task

__all__ = ["About", "described", "every", "find"]


class About(NamedTuple):
    """What a task says of itself; see `Task`."""

    name: str
    kind: str
    summary: str
    inputs: str
    takes: str
    gives: str
    data: str
    metric: str


@functools.cache
def every() -> dict[str, Task[Any, Any, Any, Any]]:
    """Returns all tasks by name: the `Task` classes that the files of this folder define."""
    found = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        for value in vars(module).values():
            if _is_task(value) and value.__module__ == module.__name__:
                found[value.name] = value()
    return dict(sorted(found.items()))


def find(name: str) -> Task[Any, Any, Any, Any]:
    """Returns the task of that name.

    Raises:
        InputError: if there is none; the text names those there are.
    """
    return every()[one_of("task", name, every())]


@functools.cache
def described() -> dict[str, About]:
    """Returns what all tasks say of themselves, by name.

    It is read from their files without running them: a list of tasks needs no torch, and importing
    that takes seconds. Where the files are not there (compiled, or bundled), the tasks are asked.
    """
    files = [file for folder in __path__ for file in Path(folder).glob("*.py")]
    if not files:
        return {name: _about(vars(type(task))) for name, task in every().items()}
    return {about.name: about for about in sorted(_read(files))}


def _read(files: Iterable[Path]) -> Iterator[About]:
    for file in files:
        for statement in ast.parse(file.read_bytes()).body:
            said = _strings(statement) if isinstance(statement, ast.ClassDef) else {}
            if said.keys() >= set(About._fields):
                yield _about(said)


def _strings(statement: ast.ClassDef) -> dict[str, Any]:
    """The attributes of a class that are constants, by name."""
    return {
        line.targets[0].id: line.value.value
        for line in statement.body
        if isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and isinstance(line.value, ast.Constant)
    }


def _about(attributes: Mapping[str, Any]) -> About:
    return About(*(attributes[field] for field in About._fields))


def _is_task(value: object) -> bool:
    from recur.tasks.task import Task

    return inspect.isclass(value) and issubclass(value, Task) and not inspect.isabstract(value)
