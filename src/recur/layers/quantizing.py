"""Torch's quantization of models that `accelerate` has changed.

It looks for torch's own classes. So the layers get them back as soon as it begins: in the copy that
it makes of the model, or in the model itself where it is told to work in place or traces it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from recur.layers.arrivals import when_imported

# What all of its ways begin with, given the model.
_BEGINNINGS = {
    "torch.ao.quantization.quantize": "propagate_qconfig_",
    "torch.ao.quantization.quantize_fx": "_prepare_fx",
}


def restore_first(restore: Callable[[Any], Any]) -> None:
    """Has the model restored before torch's quantization looks at it."""
    for place, name in _BEGINNINGS.items():
        when_imported(place, functools.partial(_wrap, name, restore))


def _wrap(name: str, restore: Callable[[Any], Any], place: ModuleType) -> None:
    begin = getattr(place, name, None)
    if begin is None:
        # Another version of torch: the layers stay, and say so.
        return

    @functools.wraps(begin)
    def restored(model: Any, *args: Any, **options: Any) -> Any:
        restore(model)
        return begin(model, *args, **options)

    setattr(place, name, restored)
