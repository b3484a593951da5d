"""Keras' cells as the engine's: the same numbers in another order.

Keras keeps kernels (inputs, gates * units) where `torch.nn` keeps their transposes, an LSTM's gates
in the same order (i, f, c, o), and a GRU's as z, r, h where `torch.nn` has r, z, n
(keras/src/layers/rnn). All of it is differentiable: Keras reads gradients from its own variables.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import keras
import torch
from torch import Tensor

from recur.cells import GRU, GRU_BEFORE, LSTM, RNN_RELU, RNN_TANH, Cell
from recur.engine import Weights

KINDS = SimpleRNNCell, LSTMCell, GRUCell = (
    keras.layers.SimpleRNNCell,
    keras.layers.LSTMCell,
    keras.layers.GRUCell,
)


class Taken(NamedTuple):
    """A cell of Keras that the engine walks."""

    cell: Cell
    order: tuple[int, ...] = ()  # of Keras' gates, in the engine's order; empty for the same


def taken(cell: Any) -> Taken:
    """The engine's cell of the same equations; `taking.OF_CELLS` have been asked."""
    if isinstance(cell, SimpleRNNCell):
        return Taken(RNN_RELU if is_relu(cell.activation) else RNN_TANH)
    if isinstance(cell, LSTMCell):
        return Taken(LSTM)
    return Taken(GRU if cell.reset_after else GRU_BEFORE, order=(1, 0, 2))


def read(kind: Taken, cell: Any) -> Weights:
    """The weights as the engine takes them, in the type that the layer computes in."""
    kernel, recurrent = cell.kernel.value.t(), cell.recurrent_kernel.value.t()
    bias = None if cell.bias is None else cell.bias.value
    b_ih, b_hh = (bias, None) if bias is None or bias.dim() == 1 else bias.unbind(0)
    if not kind.order:
        return Weights(kernel, recurrent, b_ih, b_hh)
    reorder = functools.partial(_ordered, order=kind.order)
    optional = (None if b is None else reorder(b) for b in (b_ih, b_hh))
    return Weights(reorder(kernel), reorder(recurrent), *optional)


def _ordered(rows: Tensor, order: tuple[int, ...]) -> Tensor:
    """The rows of gates in another order."""
    gates = rows.chunk(len(order))
    return torch.cat([gates[gate] for gate in order])


def is_tanh(activation: Any) -> bool:
    """Whether it is tanh, by any of its names."""
    return activation in _named("tanh")


def is_relu(activation: Any) -> bool:
    """Whether it is relu."""
    return activation in _named("relu")


def is_sigmoid(activation: Any) -> bool:
    """Whether it is sigmoid."""
    return activation in _named("sigmoid")


def _named(name: str) -> list[Any]:
    return [getattr(place, name) for place in (keras.activations, keras.ops, torch)]
