"""How a batch is given to a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor, nn

from recur.data.sequences import Batch
from recur.messages import InputError

Call = Callable[[Batch], Tensor]


def takes_lengths(model: nn.Module) -> bool:
    """Whether the model's forward has a parameter `lengths`."""
    parameters = inspect.signature(model.forward).parameters.values()
    return any(p.name == "lengths" or p.kind is p.VAR_KEYWORD for p in parameters)


def caller(model: nn.Module) -> Call:
    """Returns `batch -> outputs`, deciding once whether lengths are handed over."""
    with_lengths = takes_lengths(model)

    def call(batch: Batch) -> Tensor:
        if with_lengths and batch.lengths is not None:
            output = model(batch.x, lengths=batch.lengths)
        else:
            output = model(batch.x)
        if not isinstance(output, Tensor):
            raise InputError(
                f"The model must return a tensor; got {type(output).__name__}. Recurrent layers "
                "return (outputs, state) unless they are made with return_sequences=True or False."
            )
        return output

    return call


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU if it has none."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Moves a batch; lengths stay where they are, since layers take them from anywhere."""
    if batch.x.device == device:
        return batch
    y = None if batch.y is None else batch.y.to(device)
    return Batch(batch.x.to(device), batch.lengths, y)
