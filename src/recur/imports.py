"""Packages whose names are imported when they are first asked for: importing torch takes seconds.

`import recur`, `recur --help` and a wrong path are answered at once; what computes brings torch.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any


def late(
    package: str, homes: Mapping[str, Sequence[str]], rooms: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the `__getattr__` and the `__dir__` of a package (PEP 562).

    Args:
        package: Its name.
        homes: For each module, the names that the package takes from it.
        rooms: Modules of the package that are attributes of it, imported or not.
    """
    home = {name: module for module, names in homes.items() for name in names}
    whole = vars(sys.modules[package])

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in rooms:
            return quickly(f"{package}.{name}")
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        whole[name] = getattr(quickly(home[name]), name)  # the next time it is simply there
        return whole[name]

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*whole, *home, *rooms})

    return __getattr__, __dir__


def quickly(module: str) -> ModuleType:
    """Imports a module with the garbage collector off.

    Importing torch and recur makes 180,000 objects that stay. Python would look through them for
    garbage again and again, a tenth of the time; frozen and thawed they are old without a look.
    """
    if module in sys.modules or not gc.isenabled():
        return importlib.import_module(module)
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()
