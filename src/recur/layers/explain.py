"""Which path each recurrent layer of a model takes, in words."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from recur import engine
from recur.layers.cells import RecurrentCell
from recur.layers.patch import is_patched, why_left
from recur.layers.recurrent import Recurrent
from recur.layers.taking import OURS, RECURRENT, theirs_of, why_not


@dataclass(frozen=True)
class Explanation:
    """What `explain` found: a row for each recurrent layer or cell. Prints as lines."""

    rows: tuple[tuple[str, str], ...]  # (layer, the path and the reasons)

    def __str__(self) -> str:
        if not self.rows:
            return "There is no recurrent layer in this model."
        return "\n".join(f"{layer}: {path}" for layer, path in self.rows)


def explain(module: nn.Module) -> Explanation:
    """Says which path each recurrent layer or cell of `module` takes, and why no faster one.

    A layer of `torch.nn` is named too: recur does not walk it.
    """
    return Explanation(
        tuple(
            (f"{name or 'the model'} ({type(layer).__name__})", _path(layer))
            for name, layer in module.named_modules()
            if isinstance(layer, nn.RNNBase | nn.RNNCellBase)
        )
    )


def _path(layer: nn.RNNBase | nn.RNNCellBase) -> str:
    if isinstance(layer, Recurrent | RecurrentCell):
        return str(engine.choose(layer.problem()))
    if isinstance(layer, tuple(RECURRENT)) and is_patched(type(layer)):
        reason = why_left(layer)
        return f"torch.nn's own: {reason}" if reason else "recur's loops, by recur.patch"
    reason = why_not(layer)
    if reason is not None:
        return f"not recur's: {reason}"
    ours = OURS[theirs_of(type(layer))].__name__
    return f"torch.nn's own; recur.{ours} takes its place with the same weights"
