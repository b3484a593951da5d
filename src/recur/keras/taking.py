"""What is taken from Keras, and what is left to it: conditions, each with its reason.

The choice is made by these, and by the engine's own (`recur.engine.cpu.path`); the table in
docs/scripts.md is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import torch
from torch import Tensor

from recur.engine.conditions import Condition, declined
from recur.keras import cells


class Walk(NamedTuple):
    """A call of a recurrent layer."""

    layer: Any
    sequences: Tensor
    state: Any  # as the layer was given it
    flags: Any  # of a mask, None without
    training: bool


class Lookup(NamedTuple):
    """A call of an Embedding."""

    layer: Any
    tokens: Tensor


class Update(NamedTuple):
    """A step of an optimizer."""

    optimizer: Any
    gradients: list[Any]
    weights: list[Any]


def each_cell(layer: Any) -> list[Any]:
    """The cells of a recurrent layer, lowest first."""
    return list(layer.cell.cells) if is_stacked(layer) else [layer.cell]


def is_stacked(layer: Any) -> bool:
    """Whether there are several cells."""
    return type(layer.cell) is keras.layers.StackedRNNCells


def why_not_walked(call: Walk) -> str | None:
    """Why Keras' own loop serves the call of a recurrent layer; None if the engine does."""
    for cell in each_cell(call.layer):
        reason = declined(OF_CELLS, cell)
        if reason is None and call.training:
            reason = declined(OF_DROPOUT, cell)
        if reason is not None:
            return reason
    return declined(OF_LAYERS, call)


def _unknown(cell: Any) -> str | None:
    if type(cell) in cells.KINDS:
        return None
    return f"recur does not know what {type(cell).__name__} computes"


def _activation(cell: Any) -> str | None:
    simple = isinstance(cell, cells.SimpleRNNCell)
    if cells.is_tanh(cell.activation) or (simple and cells.is_relu(cell.activation)):
        return None
    there = "tanh and relu" if simple else "tanh"
    return f"its activation is {_name(cell.activation)}; recur's loops have {there}"


def _recurrent_activation(cell: Any) -> str | None:
    if isinstance(cell, cells.SimpleRNNCell) or cells.is_sigmoid(cell.recurrent_activation):
        return None
    found = _name(cell.recurrent_activation)
    return f"its recurrent activation is {found}; recur's loops have sigmoid"


def _name(activation: Any) -> str:
    return str(getattr(activation, "__name__", type(activation).__name__))


def _all_dropped(cell: Any) -> str | None:
    dropped = 1.0 in (cell.dropout, cell.recurrent_dropout)
    return "it drops everything (a dropout of 1)" if dropped else None


def _carried(cell: Any) -> str | None:
    # It multiplies h by the mask before everything else; gates of their own came with the mending.
    if not cell.recurrent_dropout or not isinstance(cell, cells.GRUCell):
        return None
    if getattr(cell, "dropout_mask_count", 0):
        return None
    return "this version of Keras drops units of the state that a GRU carries on, too"


def _cudnn(call: Walk) -> str | None:
    asked = getattr(call.layer, "use_cudnn", "auto") is True
    return "use_cudnn=True asks for cuDNN" if asked else None


def _shape(call: Walk) -> str | None:
    x = call.sequences
    if x.dim() == 3 and len(x) and x.shape[1]:
        return None
    return f"its input has the shape {tuple(x.shape)}"


def _mask(call: Walk) -> str | None:
    flags, steps = call.flags, call.sequences.shape[:2]
    if flags is None or (isinstance(flags, Tensor) and flags.shape in (steps, (*steps, 1))):
        return None
    return "its mask has not one value for each step of each sequence"


def _state(call: Walk) -> str | None:
    for state in _leaves(call.state):
        if state.dim() != 2 or len(state) != len(call.sequences):
            return f"its initial state has the shape {tuple(state.shape)}"
    return None


def _leaves(state: Any) -> Iterator[Tensor]:
    """The tensors of a state, those of stacked cells too; `keras.tree` is not in every Keras 3."""
    if isinstance(state, list | tuple):
        for each in state:
            yield from _leaves(each)
    else:
        yield state


def _types(call: Walk) -> str | None:
    computed = call.layer.compute_dtype
    for cell in each_cell(call.layer):
        if cell.compute_dtype != computed:
            return f"its cell computes in {cell.compute_dtype}, the layer in {computed}"
    return None


def _quantized(call: Lookup) -> str | None:
    mode = getattr(call.layer, "quantization_mode", None)
    return None if mode is None else "it is quantized"


def _adapted(call: Lookup) -> str | None:
    return "it is adapted (LoRA)" if getattr(call.layer, "lora_enabled", False) else None


def _cast(call: Lookup) -> str | None:
    kept, computed = call.layer.variable_dtype, call.layer.compute_dtype
    return None if kept == computed else f"it keeps {kept} and computes in {computed}"


def _elsewhere(call: Lookup) -> str | None:
    device = call.tokens.device.type
    return None if device == "cpu" else f"its input is on the device {device!r}"


def _amsgrad(step: Update) -> str | None:
    return "amsgrad=True is left to Keras" if step.optimizer.amsgrad else None


def _forgetting(step: Update) -> str | None:
    forgets = 1 not in (float(step.optimizer.beta_1), float(step.optimizer.beta_2))
    return None if forgets else "one of its betas is 1"


def _fused(step: Update) -> str | None:
    for tensor in (*step.gradients, *step.weights):
        if not isinstance(tensor, Tensor) or not tensor.is_cpu or tensor.is_sparse:
            return "not all weights and gradients are dense, on the CPU"
        if tensor.dtype not in (torch.float32, torch.float64):
            return f"a weight is of the type {tensor.dtype}"
    return None


def _gradient(step: Update) -> str | None:
    for gradient, weight in zip(step.gradients, step.weights, strict=True):
        if gradient.dtype != weight.dtype:
            return f"a gradient is of the type {gradient.dtype}, its weight of {weight.dtype}"
        if gradient.shape != weight.shape:
            return f"a gradient has the shape {tuple(gradient.shape)}, not its weight's"
    return None


OF_CELLS = (
    Condition("a cell of the program's own, in `RNN`, and `ConvLSTM`", _unknown),
    Condition("an activation but tanh; of a `SimpleRNN` but tanh and relu", _activation),
    Condition("a recurrent activation but sigmoid", _recurrent_activation),
)
OF_DROPOUT = (
    Condition("dropout of everything", _all_dropped),
    Condition("in training, a `GRU` with recurrent dropout of older Keras", _carried),
)
OF_LAYERS = (
    Condition("`use_cudnn=True`", _cudnn),
    Condition("no sequences, or none with a step", _shape),
    Condition("a mask that has not one value for each step", _mask),
    Condition("an initial state that has not one row for each sequence", _state),
    Condition("a cell of another type than the layer", _types),
)
OF_LOOKUPS = (
    Condition("a quantized `Embedding`", _quantized),
    Condition("an `Embedding` with LoRA", _adapted),
    Condition("an `Embedding` in mixed precision", _cast),
    Condition("tokens that are not on the CPU", _elsewhere),
)
OF_UPDATES = (
    Condition("`Adam` with `amsgrad`", _amsgrad),
    Condition("`Adam` with a beta of 1", _forgetting),
    Condition("`Adam` of weights that are sparse, not on the CPU, or in half precision", _fused),
    Condition("`Adam` of gradients of another type or shape than their weights", _gradient),
)
CONDITIONS = (*OF_CELLS, *OF_DROPOUT, *OF_LAYERS, *OF_LOOKUPS, *OF_UPDATES)
