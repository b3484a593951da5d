"""`torch.fx`, TorchScript and quantization: what is made of a model layer by layer.

`torch.fx` asks a layer's module whether it is one of torch's, which are not looked into. So that
ours are one node too, to every tracer that a program derives from it, a layer that is given a value
of such a graph puts itself into the graph.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn
from torch.fx import Proxy
from torch.fx.proxy import TracerBase

from recur.messages import InputError

# Not there before torch 2.7.
_exporting = getattr(torch.compiler, "is_exporting", lambda: False)
_INSTEAD = "Take torch.nn's layer with the same state_dict for it."


def tracer_of(given: Any, state: Any = None) -> TracerBase | None:
    """The tracer whose graph the arguments of a layer are values of; None for tensors."""
    if isinstance(given, Proxy):
        return given.tracer
    if isinstance(state, tuple | list) and state:
        state = state[0]
    return state.tracer if isinstance(state, Proxy) else None


def node(tracer: Any, layer: nn.Module, *args: Any, **options: Any) -> Any:
    """What stands in the graph for the result of the layer.

    Raises:
        InputError: the layer itself is what is traced.
    """
    if tracer.root is layer:
        raise InputError(
            f"torch.fx does not look into a {_name(layer)}. Trace a module that holds it."
        )
    given = {name: value for name, value in options.items() if value is not None}
    return tracer.create_proxy("call_module", tracer.path_of_module(layer), args, given)


class OneNode(nn.Module):
    """A layer that says so where a graph has no place for it."""

    # In the layer's `__dict__` where `accelerate` swapped it, so that copies and pickles can be
    # restored too.
    _swapped_by_recur = False

    def as_torch(self) -> bool:
        """Whether torch's own operator is to be in what is traced or exported.

        Of a layer that `accelerate` swapped: what is made of the model needs no recur, as before.
        """
        made = torch._C._get_tracing_state() is not None or _exporting()
        return made and self._swapped_by_recur

    def __prepare_scriptable__(self) -> nn.Module:
        from recur.layers.accelerate import restore  # which knows all layers, and this one not

        if restore(self):
            return self
        raise InputError(
            f"torch.jit.script cannot compile a {_name(self)}. torch.jit.trace, torch.export and "
            f"torch.compile can. {_INSTEAD}"
        )

    @property
    def qconfig(self) -> Any:
        """How torch's quantization, which sets it, would have the layer."""
        try:
            return vars(self)["qconfig"]
        except KeyError:
            raise AttributeError("qconfig") from None

    @qconfig.setter
    def qconfig(self, value: Any) -> None:
        vars(self)["qconfig"] = value
        warnings.warn(
            f"torch's quantization knows its own layers only: this {_name(self)} stays as it is. "
            f"{_INSTEAD}",
            stacklevel=2,
        )

    @qconfig.deleter
    def qconfig(self) -> None:
        del vars(self)["qconfig"]


def _name(layer: nn.Module) -> str:
    return f"recur.{type(layer).__name__}"
