"""`torch.compile` and recurrent layers.

Torch's compiler refuses every `torch.nn.RNN`, `LSTM` and `GRU`, subclasses too, before it looks
inside (`torch._dynamo.config.allow_rnn`): its own would unroll into one graph node for each step.
A layer of recur is one operator, so the refusal is lifted while the compiler looks at one of ours,
and at no other time: what becomes of torch's own layers in the same model is left as it is.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from recur.engine.cpu.library import library

# Where the compiler wraps a module that it meets; imported by the first compilation, not by torch.
_PLACE = "torch._dynamo.variables.builder"


def allow(layers: type) -> None:
    """Lets `torch.compile` trace instances of the class `layers`."""
    if _PLACE in sys.modules:
        _open(sys.modules[_PLACE], layers)
    else:
        sys.meta_path.insert(0, _WhenImported(layers))


class _WhenImported(importlib.abc.MetaPathFinder):
    """Finds nothing, but sees the compiler's module come: importing it here would take seconds."""

    def __init__(self, layers: type) -> None:
        self.layers = layers

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _PLACE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _open(module, self.layers)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _open(builder: ModuleType, layers: type) -> None:
    import torch._dynamo.config as config

    wrap = getattr(getattr(builder, "VariableBuilder", None), "wrap_module", None)
    if wrap is None or not hasattr(config, "allow_rnn"):
        # Another version of torch: a graph break at the layer, as at torch's own.
        return

    @functools.wraps(wrap)
    def wrap_module(self: Any, value: Any) -> Any:
        if not isinstance(value, layers):
            return wrap(self, value)
        library()  # which library serves is decided before the trace: it reads files
        with config.patch(allow_rnn=True):
            return wrap(self, value)

    builder.VariableBuilder.wrap_module = wrap_module
