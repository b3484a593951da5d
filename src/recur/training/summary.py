"""What a model is made of: layers, output shapes, parameters, and the path of recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from recur.layers import explain
from recur.training.call import caller, device_of, to_device
from recur.training.feed import feed_of
from recur.training.measure import evaluating


@dataclass(frozen=True)
class Row:
    """A layer: its name and type, the shape of its output if known, its parameters."""

    name: str
    kind: str
    output: str
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What `summary` found; printing it shows a table.

    Attributes:
        rows: a row a layer, in the order in which the model names them.
        parameters: in all.
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
        x: some data, as for `predict`; two rows of it are sent through the model to see the shapes.
        lengths: the steps of each row of `x`.

    Raises:
        InputError: data that the model cannot take.
    """
    shapes = {} if x is None else _shapes(model, x, lengths)
    rows = [
        Row(name or "the model", type(m).__name__, shapes.get(name, "?"), _count(m))
        for name, m in model.named_modules()
        if not any(m.children())
    ]
    return Summary(
        tuple(rows),
        parameters=_count(model),
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        paths=str(explain(model)),
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _shapes(model: nn.Module, x: Any, lengths: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    hooks = []
    for name, module in model.named_modules():

        def note(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            found[name] = _shape(output)

        hooks.append(module.register_forward_hook(note))
    batch = next(iter(feed_of(x, lengths=lengths, batch_size=2, bucket=False).batches(None)))
    try:
        with evaluating(model):
            caller(model)(to_device(batch, device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _shape(output: Any) -> str:
    first = output[0] if isinstance(output, tuple | list) else output
    # The number of rows is not the model's.
    return f"(batch, {', '.join(map(str, first.shape[1:]))})" if isinstance(first, Tensor) else "?"
