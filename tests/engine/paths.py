"""The ways to walk time, by name, and how a test takes a certain one."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator

import pytest

from recur.engine import reference
from recur.engine.cpu import library

# By its full name: `recur.engine.choose` as an attribute is the function.
choosing = importlib.import_module("recur.engine.choose")

# The compiled path once for each instruction set that this processor runs.
PATHS = ["reference", *(f"cpu-{variant}" for variant in library.runnable())]


@contextlib.contextmanager
def forced(name: str) -> Iterator[None]:
    """Takes this path wherever it does not decline; the reference does the rest."""
    path, _, variant = name.partition("-")
    module = {each.name: each for each in choosing.PATHS}[path]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            choosing, "PATHS", (reference,) if module is reference else (module, reference)
        )
        if variant:
            loaded = library.load(variant)
            patch.setattr(library, "library", lambda: loaded)
        yield
