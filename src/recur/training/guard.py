"""Values that are not finite, found where they first appear."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from recur.data.sequences import Batch
from recur.training.call import Call, Caller
from recur.training.feed import Feed
from recur.training.totals import Totals

IN_DATA = "Remove or fill such values in the data."
IN_WEIGHTS = "Start again from weights that are finite."


class Trace:
    """Watches a pass through a model.

    Attributes:
        found: a sentence about the first bad value in the order of execution; empty if none yet.
        modules: (name, module) in the order in which they gave their output.
    """

    def __init__(self) -> None:
        self.found = ""
        self.todo = ""
        self.modules: list[tuple[str, nn.Module]] = []

    @contextlib.contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Watches every module of a model."""
        hooks = []
        for name, module in model.named_modules():
            hooks.append(module.register_forward_pre_hook(self._before(name)))
            hooks.append(module.register_forward_hook(self._after(name)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _before(self, name: str):  # type: ignore[no-untyped-def]
        def hook(module: nn.Module, inputs: object) -> None:
            for weight, value in module.named_parameters(recurse=False):
                if not self.found and _bad(value):
                    self.found = f"The first bad value is in {weight} of {_called(name, module)}."
                    self.todo = IN_WEIGHTS

        return hook

    def _after(self, name: str):  # type: ignore[no-untyped-def]
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            self.modules.append((name, module))
            first = output[0] if isinstance(output, tuple | list) else output
            if not self.found and isinstance(first, Tensor) and _bad(first):
                place = _place(module, first)
                self.found = f"The first bad value is in the output of {_called(name, module)}"
                self.found += f", {place}." if place else "."

        return hook


def first_bad(model: nn.Module, batch: Batch, totals: Totals, call: Call) -> tuple[str, str]:
    """Walks a batch through a model once more, forwards and backwards.

    Args:
        model: the model, with the weights with which the batch went wrong.
        batch: the batch.
        totals: computes the loss.
        call: `batch -> outputs`, as they were computed.

    Returns:
        a sentence that names the first layer, in the order of execution, with a bad value: a
        weight, an output or (walking backwards) a gradient; and what to do about it, empty where
        that is the learning rate.
    """
    if _bad(batch.x, batch.lengths):
        return f"The input has a value that is not finite, {_row(batch.x)}.", IN_DATA
    for y in batch.y.values() if isinstance(batch.y, dict) else [batch.y]:
        if y is not None and _bad(y):
            return f"The targets have a value that is not finite, {_row(y)}.", IN_DATA
    trace = Trace()
    with _buffers_kept(model), torch.enable_grad(), trace.watching(model):
        model.zero_grad(set_to_none=True)
        loss = totals.measure(batch, call(batch)).loss
        if trace.found:
            return trace.found, trace.todo
        if _bad(loss):
            return "Every layer's output is finite: the loss itself overflowed.", ""
        loss.backward()  # type: ignore[no-untyped-call]
    return _bad_gradient(trace.modules), ""


def bad_batch(call: Caller, feed: Feed, totals: Totals) -> tuple[int, Batch] | None:
    """Returns the first batch (from 1) of a feed whose loss is not finite; None if there is none.

    To be called without gradients.
    """
    for number, batch in enumerate(feed.batches(None), start=1):
        loss = totals.measure(batch, call(batch)).loss
        if _bad(loss):
            return number, batch
    return None


def message(
    what: str, value: float, when: str, where: tuple[str, str], *, rate: float, clips: bool
) -> str:
    """The sentences of the error.

    Args:
        what: what has the value: "loss" or "norm of the gradient".
        value: NaN or infinite.
        when: the epoch and the batch.
        where: what `first_bad` returned.
        rate: the learning rate.
        clips: whether gradients are clipped.
    """
    found, todo = where
    clip = "" if clips else ", set clip_norm=1.0"
    todo = todo or f"Lower learning_rate (now {rate:g}){clip}, or scale inputs and targets."
    kept = "The best weights and the checkpoint so far are untouched."
    return f"The {what} is {value} in {when}. {found} {kept} {todo}"


def _bad_gradient(modules: list[tuple[str, nn.Module]]) -> str:
    for name, module in reversed(modules):
        for weight, value in module.named_parameters(recurse=False):
            if value.grad is not None and _bad(value.grad):
                where = f"{weight} of {_called(name, module)}"
                return f"Walking backwards, the first bad value is in the gradient of {where}."
    return "A second pass over the batch gave finite numbers: dropout drew others."


def _bad(tensor: Tensor, lengths: Tensor | None = None) -> bool:
    """Whether a value is not finite; beyond a row's length nothing is looked at."""
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    if not tensor.is_floating_point():
        return False
    bad = ~torch.isfinite(tensor)
    if lengths is not None and tensor.dim() > 1 and len(lengths) == len(tensor):
        steps = torch.arange(tensor.shape[1], device=tensor.device)
        bad = bad[steps < lengths.to(tensor.device).unsqueeze(1)]
    return bool(bad.any())


def _called(name: str, module: nn.Module) -> str:
    kind = type(module).__name__
    return f"layer {name!r} ({kind})" if name else f"the model itself ({kind})"


def _row(tensor: Tensor) -> str:
    rows = (~torch.isfinite(tensor)).reshape(len(tensor), -1).any(dim=1).nonzero()
    return f"in row {int(rows[0])} of the batch (from 0)"


def _place(module: nn.Module, output: Tensor) -> str:
    """The first bad time step of a recurrent layer, and the row that has it."""
    if not isinstance(module, nn.RNNBase) or output.dim() != 3:
        return ""
    by_step = output if not module.batch_first else output.transpose(0, 1)
    step, row = (~torch.isfinite(by_step)).any(dim=-1).nonzero()[0].tolist()
    return f"at time step {step} of row {row} of the batch (from 0)"


@contextlib.contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    """Running means and the like are not moved by a pass that only looks."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
