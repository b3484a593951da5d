"""Applications, a file each: data, model, loss, metric, options, and how an answer is shown."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import Any

from recur.messages import one_of
from recur.tasks.task import Prediction, Task

__all__ = ["Prediction", "Task", "every", "find"]


@functools.cache
def every() -> dict[str, Task[Any, Any, Any]]:
    """Returns all tasks by name: the `Task` classes that the files of this folder define."""
    found = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        for value in vars(module).values():
            if _is_task(value) and value.__module__ == module.__name__:
                found[value.name] = value()
    return dict(sorted(found.items()))


def find(name: str) -> Task[Any, Any, Any]:
    """Returns the task of that name.

    Raises:
        InputError: if there is none; the text names those there are.
    """
    return every()[one_of("task", name, every())]


def _is_task(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Task) and not inspect.isabstract(value)
