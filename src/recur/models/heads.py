"""The last linear layer of a model, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from recur.layers.attention import existing
from recur.layers.lengths import Lengths
from recur.messages import InputError, must, whole


class Heads(nn.Module):
    """Linear layers of the same input, which answer several questions at once.

    Args:
        size: numbers that they read.
        outputs: of each, by name, how many numbers come out.
    """

    def __init__(self, size: int, outputs: Mapping[str, int]) -> None:
        super().__init__()
        # By number: a name may be anything, and a module's may not.
        self.names = tuple(outputs)
        self.layers = nn.ModuleList(nn.Linear(size, each) for each in outputs.values())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The scores (..., outputs) by name."""
        return {name: layer(x) for name, layer in zip(self.names, self.layers, strict=True)}


def check_outputs(outputs: int | Mapping[str, int]) -> None:
    """Raises an InputError unless these are sizes of at least 1: one, or at least one by name."""
    if not isinstance(outputs, Mapping):
        whole("outputs", outputs, most=2**31 - 1)
        return
    if not outputs:
        raise InputError(must("outputs", "a number, or at least one by name", "none"))
    for name, each in outputs.items():
        whole(f"outputs[{name!r}]", each, most=2**31 - 1)


def head(size: int, outputs: int | Mapping[str, int]) -> nn.Linear | Heads:
    """Makes it: one linear layer, or with names one for each."""
    return Heads(size, outputs) if isinstance(outputs, Mapping) else nn.Linear(size, outputs)


def within(scores: Tensor, lengths: Lengths | None) -> Tensor:
    """Scores of each step, (batch, time, outputs), with zeros beyond a length."""
    exists = existing(scores, lengths)
    return scores if exists is None else scores.masked_fill(~exists.unsqueeze(-1), 0)
