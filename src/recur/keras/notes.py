"""What is said of each of a program's layers, once."""

from __future__ import annotations

import weakref
from typing import Any

from recur.layers.report import LEFT, Patch, Swap

TAKEN = "on recur's engine"


class Notes:
    """Keeps what was said already, and the names of layers that are to stay."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.leave: frozenset[str] = frozenset()
        self._said: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()

    def left(self, layer: Any) -> str | None:
        """Why the layer stays, if the program asked for that by its name or its class's."""
        named = {layer.name, type(layer).__name__}
        return LEFT if self.leave and named & self.leave else None

    def note(self, layer: Any, reason: str | None, taken: str = TAKEN) -> None:
        """Says that the layer was taken, or the reason why not; each once for each layer."""
        about = taken if reason is None else reason
        said = self._said.setdefault(layer, set())
        if about in said:
            return
        said.add(about)
        self.patch.met(Swap(layer.name, _kind(layer), reason is None, about))


def _kind(layer: Any) -> str:
    """Its class as people know it: an optimizer's own is one that Keras derives for the backend."""
    kinds = type(layer).__mro__
    kind = next(each for each in kinds if not each.__module__.startswith("keras.src.backend."))
    place = kind.__module__
    if place.startswith("keras.src."):
        place = f"keras.{place.split('.')[2]}"
    return f"{place}.{kind.__qualname__}"
