"""Values that are not finite, found where they first appear, and gradients that explode."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recur.data.sequences import Batch
from recur.messages import FailedError
from recur.training.call import caller
from recur.training.measure import evaluating


def not_finite(
    model: nn.Module,
    batch: Batch,
    *,
    loss: float,
    norm: float,
    epoch: int,
    number: int,
    rate: float,
    clip_norm: float | None,
) -> FailedError:
    """The error for a loss or a gradient that is NaN or infinite.

    It names the epoch and the batch (from 1), the first place with a bad value, and what to do.
    """
    bad_loss = loss != loss or abs(loss) == float("inf")
    what = f"The loss is {loss}" if bad_loss else f"The gradient is {norm}"
    where = first_bad(model, batch) if bad_loss else bad_gradient(model)
    clip = "" if clip_norm else " or set clip_norm=1.0"
    return FailedError(
        f"{what} in epoch {epoch}, batch {number}. {where} Training stopped before the weights "
        f"were changed by it; the best weights so far are untouched. Lower learning_rate (now "
        f"{rate:g}){clip}, and check that the data are finite and scaled."
    )


def first_bad(model: nn.Module, batch: Batch) -> str:
    """A sentence that names the first layer, in the order of execution, with a bad value."""
    if _bad(batch.x):
        rows = (~torch.isfinite(batch.x)).reshape(len(batch.x), -1).any(dim=1).nonzero()
        return f"The input itself has a value that is not finite, in row {int(rows[0])}."
    if batch.y is not None and _bad(batch.y):
        return "The targets have a value that is not finite."
    for name, parameter in model.named_parameters():
        if _bad(parameter):
            return f"The weight {name!r} has a value that is not finite."
    seen: list[str] = []
    hooks = [
        module.register_forward_hook(_watch(name, seen))
        for name, module in model.named_modules()
        if name and not any(module.children())
    ]
    try:
        with evaluating(model):
            model.train()
            caller(model)(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if seen:
        return f"The first bad value is in the output of {seen[0]}."
    return "Every layer's output is finite: the loss itself overflowed."


def bad_gradient(model: nn.Module) -> str:
    """A sentence that names the first weight whose gradient is not finite."""
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and _bad(parameter.grad):
            return f"The first bad value is in the gradient of the weight {name!r}."
    return "Every single gradient is finite: their norm overflowed."


def exploded(norms: Sequence[float], clip_norm: float | None) -> str | None:
    """A sentence if gradients exploded in an epoch: norms far above what is usual in it."""
    usual = statistics.median(norms) if norms else 0.0
    high = [norm for norm in norms if norm > 100 * usual and norm > 10]
    if len(norms) < 10 or not high:
        return None
    cure = (
        f"They were clipped to {clip_norm:g}."
        if clip_norm
        else "Set clip_norm=1.0, or start with a lower learning_rate."
    )
    return (
        f"Gradients exploded in {len(high)} of {len(norms)} batches: norms up to {max(high):.2g}, "
        f"where {usual:.2g} is usual. {cure}"
    )


def _bad(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())


def _watch(name: str, seen: list[str]):  # type: ignore[no-untyped-def]
    def hook(module: nn.Module, inputs: object, output: object) -> None:
        tensors = output if isinstance(output, tuple) else (output,)
        if any(isinstance(tensor, Tensor) and _bad(tensor) for tensor in tensors):
            seen.append(f"{name!r} ({type(module).__name__})")

    return hook
