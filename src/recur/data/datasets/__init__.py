"""Public datasets by name, a file each; `recur.datasets` is where users find them.

A file of this folder that has a `SOURCE`, the kind of its `RECORDS` and a function `load` is a
dataset, and is listed nowhere else.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Protocol

from recur.data.datasets.source import Source
from recur.data.splits import Records, Splits

__all__ = ["Dataset", "Source", "catalogue", "every"]


class Dataset(Protocol):
    """What the file of a dataset holds.

    Attributes:
        SOURCE: what is known about it, and where its files are.
        RECORDS: the kind of its records: tasks of that kind can be trained on it.
    """

    SOURCE: Source
    RECORDS: type[Records]

    def load(self, part: str = "") -> Splits[Records]:
        """Returns the records in the parts that the source sets apart.

        Args:
            part: what follows a colon after the name; a dataset without parts takes none.

        Raises:
            FailedError: if it cannot be had.
            InputError: if there is no such part.
        """


@functools.cache
def every() -> dict[str, ModuleType]:
    """Returns all datasets by name."""
    files = sorted(file.name for file in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in files]
    return {each.SOURCE.name: each for each in modules if hasattr(each, "RECORDS")}


def catalogue() -> list[Source]:
    """Every dataset: its name, task, licence, size, and where it is or would come from."""
    return sorted((module.SOURCE for module in every().values()), key=lambda s: (s.task, s.name))
