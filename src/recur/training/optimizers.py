"""Optimizers by name: torch's own, in one fused kernel where torch has one."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from recur.messages import InputError, must, one_of

# The class, torch's default step size, and whether it comes fused.
_KNOWN: dict[str, tuple[Any, float, bool]] = {
    "adam": (torch.optim.Adam, 1e-3, True),
    "adamw": (torch.optim.AdamW, 1e-3, True),
    "sgd": (torch.optim.SGD, 1e-2, True),
    "adagrad": (torch.optim.Adagrad, 1e-2, True),
    "rmsprop": (torch.optim.RMSprop, 1e-2, False),
    "nadam": (torch.optim.NAdam, 2e-3, False),
}


def find_optimizer(
    optimizer: str | Optimizer, model: nn.Module, learning_rate: float | None
) -> Optimizer:
    """Returns an optimizer for the parameters of `model` that want gradients.

    Raises:
        InputError: an unknown name, a step size that is not above 0, one given beside an optimizer
            object, or a model with nothing to train.
    """
    if learning_rate is not None and not learning_rate > 0:
        raise InputError(must("learning_rate", "above 0", learning_rate))
    if isinstance(optimizer, Optimizer):
        if learning_rate is not None:
            raise InputError("Give learning_rate to the optimizer object, not beside it.")
        return optimizer
    if not isinstance(optimizer, str):
        raise InputError(must("optimizer", "a name or a torch.optim object", repr(optimizer)))
    make, default, fused = _KNOWN[one_of("optimizer", optimizer, _KNOWN)]
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise InputError("The model has no parameters that want gradients: nothing can be trained.")
    extra: dict[str, Any] = {"lr": learning_rate or default}
    if fused and all(
        p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters
    ):
        extra["fused"] = True
    made: Optimizer = make(parameters, **extra)
    return made
