"""Which path each recurrent layer of a model takes, in words."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from recur import engine
from recur.layers.recurrent import Recurrent


@dataclass(frozen=True)
class Explanation:
    """What `explain` found: a row for each recurrent layer. Printing it shows them as lines."""

    rows: tuple[tuple[str, str], ...]  # (layer, the path and the reasons)

    def __str__(self) -> str:
        if not self.rows:
            return "There is no recurrent layer in this model."
        return "\n".join(f"{layer}: {path}" for layer, path in self.rows)


def explain(module: nn.Module) -> Explanation:
    """Says which path each recurrent layer of `module` takes, and why no faster one.

    A layer of `torch.nn` is named too: recur does not walk it.
    """
    return Explanation(
        tuple(
            (f"{name or 'the model'} ({type(layer).__name__})", _path(layer))
            for name, layer in module.named_modules()
            if isinstance(layer, nn.RNNBase)
        )
    )


def _path(layer: nn.RNNBase) -> str:
    if not isinstance(layer, Recurrent):
        return f"torch.nn's own; recur.{type(layer).__name__} takes its place with the same weights"
    return str(engine.choose(layer.problem()))
