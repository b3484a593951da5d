"""What a model is made of: layers, output shapes, parameters, and the path of recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from recur.data.sequences import Batch
from recur.layers.explain import explain
from recur.training.call import caller
from recur.training.feed import SequenceFeed, feed_of
from recur.training.measure import evaluating

ROWS = 2  # of the data, sent through the model to see the shapes


@dataclass(frozen=True)
class Row:
    """A layer: its name and type, the shape of its output, its own parameters."""

    name: str
    kind: str
    output: str
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What `summary` found; printing it shows a table.

    Attributes:
        rows: a row a layer, in the order in which data go through them (without data, in the order
            in which the model names them).
        parameters: in all; what layers share counts once.
        trainable: those that training changes.
        paths: a line for each recurrent layer: how it is walked, and why.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    paths: str

    def __str__(self) -> str:
        table = [("Layer (type)", "Output shape", "Parameters")]
        table += [(f"{r.name} ({r.kind})", r.output, f"{r.parameters:,}") for r in self.rows]
        wide = [max(len(row[i]) for row in table) for i in range(3)]
        lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}" for a, b, c in table]
        rule = "-" * len(lines[0])
        totals = f"Parameters: {self.parameters:,} ({self.trainable:,} trainable)"
        return "\n".join([lines[0], rule, *lines[1:], rule, totals, self.paths])


def summary(model: nn.Module, x: Any = None, *, lengths: Any = None) -> Summary:
    """Describes a model.

    Args:
        model: any module.
        x: some data, as for `predict`; two rows are sent through the model to see the shapes.
            Without it only the last axis is known, where the layer says so itself.
        lengths: the steps of each row of `x`.

    Raises:
        InputError: data that the model cannot take.
    """
    seen = {} if x is None else _shapes(model, x, lengths)
    layers = {name: module for name, module in model.named_modules() if _is_layer(module)}
    ordered = [name for name in seen if name in layers]
    ordered += [name for name in layers if name not in seen]
    rows = [
        Row(
            name or "the model",
            type(layers[name]).__name__,
            seen.get(name) or _declared(layers[name]),
            _own(layers[name]),
        )
        for name in ordered
    ]
    return Summary(
        tuple(rows),
        parameters=sum(p.numel() for p in model.parameters()),
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        paths=str(explain(model)),
    )


def _is_layer(module: nn.Module) -> bool:
    """What holds other modules is no layer, unless it has weights of its own."""
    return not any(module.children()) or _own(module) > 0


def _own(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters(recurse=False))


def _declared(module: nn.Module) -> str:
    """The shape that a layer tells of itself."""
    last: int | None = None
    if isinstance(module, nn.Embedding):
        last = module.embedding_dim
    elif isinstance(module, nn.Linear):
        last = module.out_features
    elif isinstance(module, nn.RNNBase):
        last = (module.proj_size or module.hidden_size) * (2 if module.bidirectional else 1)
    return "?" if last is None else f"(..., {last})"


def _shapes(model: nn.Module, x: Any, lengths: Any) -> dict[str, str]:
    """Shapes of outputs by the layer's name, in the order in which the layers were called."""
    found: dict[str, str] = {}
    hooks = []
    batch = _few(x, lengths)
    rows = len(batch.x)
    for name, module in model.named_modules():

        def note(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            found.setdefault(name, _shape(module, output, rows))  # of its first call

        hooks.append(module.register_forward_hook(note))
    try:
        with evaluating(model):
            caller(model, names=None)(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _few(x: Any, lengths: Any) -> Batch:
    """A few rows of the data as a batch."""
    feed = feed_of(x, lengths=lengths, batch_size=ROWS, bucket=False)
    if isinstance(feed, SequenceFeed):
        return feed.batch(np.arange(min(ROWS, len(feed.data))))
    return next(feed.batches(None))


def _shape(module: nn.Module, output: Any, rows: int) -> str:
    """The shape of the (first) output, with "batch" where the rows are."""
    first = output[0] if isinstance(output, tuple | list) else output
    if isinstance(first, PackedSequence):
        first = first.data
    if not isinstance(first, Tensor):
        return "?"
    across = 1 if isinstance(module, nn.RNNBase) and not module.batch_first else 0
    axes = [str(size) for size in first.shape]
    if across < len(axes) and first.shape[across] == rows:
        axes[across] = "batch"
    return f"({', '.join(axes)})"
