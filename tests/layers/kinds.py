"""The recurrent layers and the layers of torch.nn that they take the place of, side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import recur

# The classes by name, and what tells the two simple ones apart.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "rnn_tanh": ("RNN", {}),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
}


def ours(kind: str, *args: Any, **options: Any) -> Any:
    name, extra = KINDS[kind]
    return getattr(recur, name)(*args, **extra, **options)


def theirs(kind: str, *args: Any, **options: Any) -> nn.RNNBase:
    name, extra = KINDS[kind]
    layer = getattr(nn, name)(*args, **extra, **options)
    assert isinstance(layer, nn.RNNBase)
    return layer


def pair(kind: str, *args: Any, **options: Any) -> tuple[nn.RNNBase, Any]:
    """Torch's layer and recur's, with the same weights."""
    a, b = theirs(kind, *args, **options), ours(kind, *args, **options)
    b.load_state_dict(a.state_dict())
    return a, b


def tensors(result: Any) -> list[Tensor]:
    """All float tensors of a layer's result, in order."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, PackedSequence):
        return [result.data]
    return [tensor for part in result for tensor in tensors(part)]


def initial(layer: Any, batch: int | None, dtype: torch.dtype = torch.float32) -> Any:
    """A random initial state of the right shape; unbatched for None."""
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = [layer.proj_size or layer.hidden_size]
    if layer.mode == "LSTM":
        sizes.append(layer.hidden_size)
    shapes = [(count, size) if batch is None else (count, batch, size) for size in sizes]
    states = tuple(torch.randn(shape, dtype=dtype) for shape in shapes)
    return states if len(states) > 1 else states[0]
