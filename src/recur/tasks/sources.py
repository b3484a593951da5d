"""What `--data` may say: a file, or the name of a dataset that is meant for the task."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import ModuleType

from recur.data import datasets
from recur.messages import InputError, did_you_mean, listed, must


def datasets_for(task: str) -> dict[str, ModuleType]:
    """Returns the datasets meant for a task, by name; a new one is found by itself."""
    modules = [value for value in vars(datasets).values() if inspect.ismodule(value)]
    known = [module for module in modules if hasattr(module, "SOURCE")]
    return {module.SOURCE.name: module for module in known if module.SOURCE.task == task}


def dataset(data: str, task: str) -> ModuleType | None:
    """Returns the dataset that `data` names, or None if it is a file.

    Args:
        data: A path, or a name; what follows a colon picks a part of the dataset.
        task: The task's name.

    Raises:
        InputError: if it is neither; the text names the datasets.
    """
    known = datasets_for(task)
    name, colon, _ = data.partition(":")
    if name in known:
        load = getattr(known[name], "load", None)
        if colon and not (load and inspect.signature(load).parameters):
            raise InputError(f"The dataset {name} has no parts; got {data!r}. Write {name!r}.")
        return known[name]
    path = Path(data)
    if data and os.path.exists(path):  # which also takes what can be no path
        return None
    if path.suffix or len(path.parts) > 1:
        raise InputError(f"There is no file {data}. Check the path.")
    expected = f"a file, or the dataset {listed(sorted(known))}"
    raise InputError(must("data", expected, repr(data), did_you_mean(name, known)))
