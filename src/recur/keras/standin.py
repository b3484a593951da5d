"""Stands for TensorFlow where it is not installed: `tensorflow.keras` is Keras, and that is all.

In TensorFlow, `tensorflow.keras` is `keras._tf_keras.keras` since version 2.16: Keras 3 with what
older programs look for there, such as `preprocessing.text`. The same modules are given here, under
the same names. Libraries that try whether TensorFlow is there must not find this: only what the
program itself imports does.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from recur.messages import aside
from recur.scripts.imported import spec_of
from recur.scripts.program import HIDDEN

NAME, KERAS = "tensorflow", "tensorflow.keras"
VERSION = "2.16.0+recur"
"""The first TensorFlow whose Keras is Keras 3."""
_ITS_KERAS = "keras._tf_keras.keras"
# Older programs look for this in Keras itself; it is where TensorFlow's was.
_MOVED = {"keras.preprocessing.text": f"{_ITS_KERAS}.preprocessing.text"}


def install(*, aloud: bool) -> None:
    """From now on the program can import `tensorflow.keras`, if TensorFlow is not installed.

    Args:
        aloud: whether a line says so, when it does.
    """
    HIDDEN.add(__file__)
    missing = importlib.util.find_spec(NAME) is None
    sys.meta_path.insert(0, _Finder(missing, aloud))


class _Finder(MetaPathFinder):
    """Asked first: Python would load Keras' modules a second time, under the other names."""

    def __init__(self, missing: bool, aloud: bool) -> None:
        self._missing, self._aloud = missing, aloud

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in _MOVED and PathFinder.find_spec(name, path) is None:
            return spec_of(name, importlib.import_module(_MOVED[name]))
        if not self._missing or _root(name) != NAME or not _asked_by_the_program():
            return None
        if name == NAME:
            return spec_of(name, self._tensorflow())
        if name == KERAS or name.startswith(f"{KERAS}."):
            return spec_of(name, _keras(name))
        raise ModuleNotFoundError(_missing_name(name))

    def _tensorflow(self) -> ModuleType:
        keras: Any = importlib.import_module("keras")
        _settle_in_keras()
        if self._aloud:
            where = f"Keras {keras.__version__} on {keras.config.backend()}"
            aside(f"recur: TensorFlow is not installed; tensorflow.keras is {where}.")
        return _made()


def _keras(name: str) -> ModuleType:
    theirs = name.replace(KERAS, _ITS_KERAS, 1)
    try:
        return importlib.import_module(theirs)
    except ModuleNotFoundError as error:
        if error.name != theirs:
            raise
        raise ModuleNotFoundError(f"Keras 3 has no module {name}", name=name) from None


def _settle_in_keras() -> None:
    """Has Keras find out now that TensorFlow is not there; it asks once, and remembers."""
    utilities = importlib.import_module("keras.src.utils.module_utils")
    for found in vars(utilities).values():
        if _root(str(getattr(found, "name", ""))) == NAME:
            _ = found.available


def _made() -> ModuleType:
    """What programs ask of TensorFlow beside Keras, as far as it can be answered without it."""
    keras: Any = sys.modules["keras"]
    # A module of TensorBoard's: where it is there, TensorBoard looks for no TensorFlow.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    devices = {"list_physical_devices": _no_devices}
    experimental = _module(f"{NAME}.config.experimental", devices)
    return _module(
        NAME,
        {
            "__version__": VERSION,
            "random": _module(f"{NAME}.random", {"set_seed": keras.utils.set_random_seed}),
            "config": _module(f"{NAME}.config", {**devices, "experimental": experimental}),
            "get_logger": lambda: logging.getLogger(NAME),
        },
    )


def _no_devices(device_type: str | None = None) -> list[Any]:
    return []


def _module(name: str, names: dict[str, Any]) -> ModuleType:
    module = ModuleType(name, "Stands for TensorFlow, which is not installed.")
    vars(module).update(names, __path__=[], __getattr__=_asking(name))
    return module


def _asking(module: str) -> Callable[[str], Any]:
    def __getattr__(name: str) -> Any:  # noqa: N807
        if (module, name) == (NAME, "keras"):
            return importlib.import_module(KERAS)
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(_missing_name(f"{module}.{name}"))

    return __getattr__


def _missing_name(name: str) -> str:
    return (
        f"TensorFlow is not installed, and the program asks for {name}. Of TensorFlow, only "
        f"{KERAS} runs without it. To have the rest: pip install tensorflow"
    )


def _asked_by_the_program() -> bool:
    """Whether the import that is under way stands in the program, and not in a library."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _imports(frame):
        frame = frame.f_back
    if frame is None:
        return False
    name = str(frame.f_globals.get("__name__"))
    if name in ("__main__", "__mp_main__") or _root(name) == _root(_program()):
        return True
    return _root(name) != "keras" and not _is_installed(frame.f_code.co_filename)


def _imports(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file in (__file__, importlib.__file__) or file.startswith("<frozen importlib")


def _program() -> str:
    """The name of the module that is run by `-m`."""
    return getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", "__main__")


def _root(name: str) -> str:
    return name.partition(".")[0]


def _is_installed(file: str) -> bool:
    """Whether a file is Python's own, or was installed."""
    if file.startswith(("<frozen", os.path.join(sysconfig.get_path("stdlib"), ""))):
        return True
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)
