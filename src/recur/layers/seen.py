"""A layer of `torch.nn` as recur's layer of the same weights sees it, without being changed."""

from __future__ import annotations

import functools
import types
from typing import Any, cast

from torch import nn

from recur.layers.own import DEFAULTS
from recur.layers.recurrent import Recurrent


def seen(layer: nn.RNNBase, ours: type[Recurrent]) -> Recurrent:
    """An object of recur's class that shares all attributes of `layer`, an RNN, LSTM or GRU.

    It costs a microsecond, and is thrown away after the one walk that it is for.
    """
    kind = _kind(cast(Any, ours))
    view: Recurrent = kind.__new__(kind)
    kind.layer.__set__(view, layer)
    object.__setattr__(view, "__dict__", vars(layer))
    return view


@functools.cache
def _kind(ours: Any) -> Any:
    def missing(view: Any, name: str) -> Any:
        # Parameters, and what a parametrization computes, which is a property of the layer's class.
        return getattr(_layer(view), name)

    # Of the class and not of the object, whose program may use these names for its own.
    names: dict[str, Any] = {"own": DEFAULTS, "_zoneout": (), "_by_position": True}
    held: dict[str, Any] = {name: _always(value) for name, value in names.items()}
    for name in ("_weights", "_initial", "_walk", "_leave", "options"):
        held[name] = property(functools.partial(types.MethodType, getattr(ours, name)))
    held |= {"__slots__": ("layer",), "__getattr__": missing}
    kind: Any = type(ours.__name__, (ours,), held)
    _layer = kind.layer.__get__
    return kind


def _always(value: Any) -> property:
    return property(lambda _: value)
