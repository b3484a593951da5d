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
    """Whether the model's forward has a parameter `lengths`, or passes any on."""
    inner = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
    parameters = inspect.signature(inner.forward).parameters.values()
    return any(p.name == "lengths" or p.kind is p.VAR_KEYWORD for p in parameters)


def caller(model: nn.Module) -> Call:
    """Returns `batch -> outputs`, deciding once how the model is called.

    The batch is moved to the model's device, and numbers with a fraction take the type of its
    parameters.
    """
    with_lengths, device = takes_lengths(model), device_of(model)
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def call(batch: Batch) -> Tensor:
        x = batch.x.to(device, dtype if batch.x.is_floating_point() else None, non_blocking=True)
        if with_lengths and batch.lengths is not None:
            outputs = model(x, lengths=batch.lengths)
        else:
            outputs = model(x)
        if not isinstance(outputs, Tensor):
            raise InputError(
                f"The model must return a tensor; got {type(outputs).__name__}. Recurrent layers "
                "return (outputs, state) unless they are made with return_sequences=True or False."
            )
        return outputs

    return call


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU if it has none."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def with_targets_on(batch: Batch, device: torch.device) -> Batch:
    """Moves the targets; lengths stay where they are, since layers take them from anywhere."""
    if batch.y is None or batch.y.device == device:
        return batch
    return batch._replace(y=batch.y.to(device, non_blocking=True))
