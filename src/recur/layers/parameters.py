"""The parameters of a recurrent layer: torch.nn's by name and shape, and those of recur's cells."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from recur import engine

if TYPE_CHECKING:
    from recur.layers.cells import RecurrentCell
    from recur.layers.recurrent import Recurrent

Shape = tuple[int, ...]

# What the engine calls them. One number a unit: peepholes, or an IndRNN's recurrent weights.
FIELDS = {
    "weight_ih": "w_ih",
    "weight_hh": "w_hh",
    "bias_ih": "b_ih",
    "bias_hh": "b_hh",
    "weight_hr": "w_hr",
    "weight_units": "units",
    "weight_norm_ih": "norm_x",
    "weight_norm_hh": "norm_h",
    "weight_norm_c": "norm_c",
    "bias_norm_c": "norm_c_bias",
}


def is_torchs(layer: Recurrent) -> bool:
    """Whether torch.nn's constructor made just what the layer needs."""
    own, cell = layer.own, layer.cell
    plain = cell.name in ("rnn_tanh", "rnn_relu", "lstm", "gru", "gru_before")
    return plain and not (own.peepholes or own.layer_norm or own.merge != "concat")


def register(layer: Recurrent) -> None:
    """Puts the layer's own parameters in the place of those that torch.nn's constructor made."""
    like = layer.get_parameter("weight_ih_l0")
    old = [name for names in layer._all_weights for name in names]
    for name in old:
        delattr(layer, name)
    layer._flat_weights_names, layer._all_weights = [], []
    for index in range(layer.num_layers):
        for direction in range(layer.directions):
            end = f"_l{index}{'_reverse' if direction else ''}"
            shapes = _shapes(layer, index)
            for name, shape in shapes.items():
                layer.register_parameter(name + end, nn.Parameter(like.new_empty(shape)))
            layer._all_weights.append([name + end for name in shapes])
            layer._flat_weights_names.extend(layer._all_weights[-1])
    layer._init_flat_weights()


def _shapes(layer: Recurrent, index: int) -> dict[str, Shape]:
    own, cell, hidden = layer.own, layer.cell, layer.hidden_size
    out = layer.proj_size or hidden
    inputs = layer.input_size
    if index:
        inputs = out * (layer.directions if own.merge == "concat" else 1)
    fed, back = cell.input_gates * hidden, cell.state_gates * hidden
    shapes: dict[str, Shape] = {"weight_ih": (fed, inputs)}
    if back:
        shapes["weight_hh"] = (back, out // own.heads)
    if layer.bias:
        shapes["bias_ih"] = (fed,)
        if back:
            shapes["bias_hh"] = (back,)
    if layer.proj_size:
        shapes["weight_hr"] = (out, hidden)
    if cell.needs_units or own.peepholes:
        shapes["weight_units"] = (len(cell.unit_weights), hidden)
    if own.layer_norm:
        shapes |= {"weight_norm_ih": (fed,), "weight_norm_hh": (back,)}
        if cell.normalises:
            shapes |= {"weight_norm_c": (hidden,), "bias_norm_c": (hidden,)}
    return shapes


def read(layer: Recurrent, names: list[str], first: int) -> list[Tensor]:
    """The parameters of these names, the first of which has the number `first` of all."""
    parameters, flat = layer._parameters, layer._flat_weights
    found: list[Tensor] = []
    for number, name in enumerate(names, first):
        weight: Tensor | None = parameters.get(name)
        if weight is None:
            # By attribute where it is no plain parameter: functional_call, parametrizations and
            # pruning are seen.
            weight = getattr(layer, name)
        if weight is not flat[number] and not torch.compiler.is_compiling():
            weight = _newer(layer, number, weight)
        found.append(weight)
    return found


def _newer(layer: Recurrent, number: int, weight: Tensor) -> Tensor:
    """The weight, or what the program put in its place in `_flat_weights`.

    As in torch.nn, where that list is what is walked with until a parameter is another.
    """
    names, seen = layer._flat_weights_names, layer._flat_weight_refs
    own = [layer._parameters.get(name) for name in names]
    if any(w is None or r is None or r() is not w for w, r in zip(own, seen, strict=True)):
        return weight
    put = layer._flat_weights[number]
    return weight if put is None else put


def outline(layer: Recurrent | RecurrentCell) -> engine.Weights:
    """What stands for the weights where only their types and devices matter.

    Nothing is computed: a parametrization may draw numbers, or do a step of an iteration.
    """
    found: dict[str, Tensor] = {}
    for name in layer._all_weights[0]:
        weight: Any = layer._parameters.get(name)
        if weight is None and parametrize.is_parametrized(layer, name):
            kept: Any = layer.parametrizations[name]  # type: ignore[index]
            weight = next(itertools.chain(kept.parameters(False), kept.buffers(False)))
        elif weight is None:
            weight = getattr(layer, name)
        found[_field(name)] = weight
    found.setdefault("w_hh", found["w_ih"])
    return engine.Weights(**found)


@contextlib.contextmanager
def at_rest(layer: Recurrent) -> Iterator[None]:
    """Parametrizations compute as in evaluation, and change nothing of their own."""
    held: Any = layer.parametrizations if parametrize.is_parametrized(layer) else nn.ModuleDict()
    learning = [part for part in held.modules() if part.training]
    for part in learning:
        part.training = False
    try:
        yield
    finally:
        for part in learning:
            part.training = True


def _field(name: str) -> str:
    return FIELDS[name.partition("_l")[0]]


def named(layer: Recurrent, names: list[str], weights: list[Tensor]) -> engine.Weights:
    """The engine's weights from parameters of these names."""
    found = dict(zip(map(_field, names), weights, strict=True))
    if "w_hh" not in found:
        found["w_hh"] = found["w_ih"].new_zeros(0, layer.hidden_size)
    elif layer.own.heads > 1:
        found["w_hh"] = _whole(found["w_hh"], layer.own.heads)
    return engine.Weights(**found)


def _whole(blocks: Tensor, heads: int) -> Tensor:
    """(G * H, H) from the blocks on the diagonal of each gate, (G * H, H / heads)."""
    size = blocks.shape[1]
    hidden = size * heads
    each = blocks.view(-1, heads, size, size)
    apart = torch.eye(heads, dtype=blocks.dtype, device=blocks.device)
    return torch.einsum("ghij,hk->ghikj", each, apart).reshape(-1, hidden)
