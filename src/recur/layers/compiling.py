"""`torch.compile` and recurrent layers.

Torch's compiler refuses every `torch.nn.RNN`, `LSTM` and `GRU`, subclasses too, before it looks
inside (`torch._dynamo.config.allow_rnn`): its own would unroll into one graph node for each step.
A layer of recur is one operator, so the refusal is lifted while the compiler looks at one of ours,
and at no other time: what becomes of torch's own layers in the same model is left as it is.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from recur.engine.cpu.library import library
from recur.layers.arrivals import when_imported

# Where the compiler wraps a module that it meets; imported by the first compilation, not by torch.
_PLACE = "torch._dynamo.variables.builder"


def allow(layers: type) -> None:
    """Lets `torch.compile` trace instances of the class `layers`."""
    when_imported(_PLACE, lambda builder: _open(builder, layers))


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
