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
    parameters = _parameters(model)
    return any(p.name == "lengths" or p.kind is p.VAR_KEYWORD for p in parameters)


def takes_targets(model: nn.Module) -> bool:
    """Whether the model's forward has a parameter `targets`: it learns to write what follows."""
    return any(p.name == "targets" for p in _parameters(model))


def aligned(model: nn.Module) -> bool:
    """Whether step t of the outputs belongs to step t of the input; a model may say that it isn't.

    Where it isn't, the input's lengths say nothing of which targets exist.
    """
    return bool(getattr(getattr(model, "_orig_mod", model), "aligned", True))


def _parameters(model: nn.Module) -> list[inspect.Parameter]:
    inner = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
    return list(inspect.signature(inner.forward).parameters.values())


def caller(model: nn.Module) -> Call:
    """Returns `batch -> outputs`, deciding once how the model is called.

    The batch is moved to the model's device, and numbers with a fraction take the type of its
    parameters. Targets are given where the forward takes them (teacher forcing).
    """
    with_lengths, with_targets = takes_lengths(model), takes_targets(model)
    device = device_of(model)
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def call(batch: Batch) -> Tensor:
        x = batch.x.to(device, dtype if batch.x.is_floating_point() else None, non_blocking=True)
        options = {}
        if with_lengths and batch.lengths is not None:
            options["lengths"] = batch.lengths
        if with_targets and batch.y is not None:
            options["targets"] = batch.y.to(device)
        outputs = model(x, **options)
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
