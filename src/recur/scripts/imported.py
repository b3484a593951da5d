"""What is done when a program has imported a module: not before, or its settings come too late.

`os.environ["OMP_NUM_THREADS"] = "1"` and `os.environ["KERAS_BACKEND"] = "jax"` are read when torch
and Keras are imported. So nothing of the kind is imported before the program asks for it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def after(name: str, do: Callable[[], None], before: Callable[[str], bool] | None = None) -> None:
    """Calls `do` once, when the module `name` has been imported; now if it has been.

    Args:
        name: the module's.
        do: what is called.
        before: says of other modules whether `do` is to be called before they are imported: those
            that would be in the middle of their own import when they import `name`.
    """
    if name in sys.modules:
        do()
    else:
        sys.meta_path.insert(0, _Waiting(name, do, before or (lambda _: False)))


class _Waiting(MetaPathFinder):
    """Sees what is asked for, and leaves the finding to others."""

    def __init__(self, name: str, do: Callable[[], None], before: Callable[[str], bool]) -> None:
        self._name, self._do, self._before = name, do, before
        self._looking = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self._looking:
            return None
        if name == self._name:
            return self._watched()
        if self._before(name):
            self._now()
            return already_there(name) if name in sys.modules else None
        return None

    def _watched(self) -> ModuleSpec | None:
        self._looking = True
        try:
            spec = importlib.util.find_spec(self._name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Loader) -> None:
        """The loader stays the one that it is, for those who ask the module for it later."""
        load = loader.exec_module

        def load_and_do(module: ModuleType) -> None:
            del loader.exec_module
            load(module)
            self._now()

        loader.exec_module = load_and_do  # type: ignore[method-assign]

    def _now(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            self._do()


def already_there(name: str) -> ModuleSpec:
    """A spec for who asks for a module that is there by now."""
    return spec_of(name, sys.modules[name])


def spec_of(name: str, module: ModuleType) -> ModuleSpec:
    """A spec that makes a module importable under a name too."""
    return ModuleSpec(name, _There(module), is_package=hasattr(module, "__path__"))


class _There(Loader):
    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        if self._spec is not None:
            module.__spec__ = self._spec  # Python has written the other one over it
