"""The sides of a comparison: recur's layer and torch's, with the same weights and the same input.

Legend: B batch, T time, I inputs, H hidden, D directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from recur.bench.case import LAYERS, Case
from recur.bench.turns import Runner, timed

MODES = ("inference", "training")
"""Inference: a pass without gradients. Training: a pass, and the gradients of input and weights."""

_TORCH: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(frozen=True)
class Inputs:
    """What all sides of a case are given.

    Attributes:
        x: (B, T, I).
        gradient: (B, T, D * H), of the outputs.
        weights: by the names of `torch.nn`.
    """

    x: Tensor
    gradient: Tensor
    weights: Mapping[str, Tensor]

    @classmethod
    def of(cls, case: Case, seed: int = 0) -> Self:
        """Draws them."""
        chance = torch.Generator().manual_seed(seed)
        layer = _TORCH[case.cell](case.inputs, case.hidden, bidirectional=case.bidirectional)
        reach = case.hidden**-0.5
        weights = {
            name: (2 * torch.rand(value.shape, generator=chance) - 1) * reach
            for name, value in layer.state_dict().items()
        }
        rows = (case.batch, case.time)
        return cls(
            torch.randn(*rows, case.inputs, generator=chance),
            torch.randn(*rows, case.directions * case.hidden, generator=chance),
            weights,
        )


class Side(Protocol):
    """One side of a comparison.

    Attributes:
        name: its column.
        runners: what can be timed, by mode.
    """

    name: str
    runners: Mapping[str, Runner]

    def results(self) -> Mapping[str, Tensor]:
        """The "outputs" (B, T, D * H) and, of a side that trains, the gradients.

        Those are "x" (B, T, I) and the weights' by name.
        """


class LayerSide:
    """A layer of this process."""

    def __init__(self, name: str, layer: nn.RNNBase, inputs: Inputs) -> None:
        layer.load_state_dict(dict(inputs.weights))
        self.name, self.layer = name, layer
        self.x = self._enter(inputs.x).detach().requires_grad_()
        self.gradient = self._enter(inputs.gradient)
        self.runners: Mapping[str, Runner] = {
            "inference": timed(self._infer),
            "training": timed(self._train),
        }

    def results(self) -> Mapping[str, Tensor]:
        """As `Side.results`."""
        outputs = self.layer(self.x)[0]
        named = dict(self.layer.named_parameters())
        found = torch.autograd.grad(outputs, [self.x, *named.values()], self.gradient)
        return {
            "outputs": self._enter(outputs.detach()),
            "x": self._enter(found[0]),
            **dict(zip(named, found[1:], strict=True)),
        }

    def _enter(self, rows: Tensor) -> Tensor:
        """Batch first to the layer's own order, or back."""
        return rows if self.layer.batch_first else rows.transpose(0, 1).contiguous()

    def _infer(self) -> None:
        with torch.no_grad():
            self.layer(self.x)

    def _train(self) -> None:
        self.layer.zero_grad()
        self.x.grad = None
        self.layer(self.x)[0].backward(self.gradient)


def ours(case: Case, inputs: Inputs) -> list[Side]:
    """Recur's layer."""
    return [LayerSide("recur", _layer(LAYERS[case.cell], case, batch_first=True), inputs)]


def torchs(case: Case, inputs: Inputs) -> list[Side]:
    """The layer of `torch.nn` in both its layouts; the better one counts."""
    make = _TORCH[case.cell]
    return [
        LayerSide("torch.nn", _layer(make, case, batch_first=False), inputs),
        LayerSide("torch.nn, batch first", _layer(make, case, batch_first=True), inputs),
    ]


def _layer(make: Callable[..., nn.RNNBase], case: Case, *, batch_first: bool) -> nn.RNNBase:
    return make(case.inputs, case.hidden, bidirectional=case.bidirectional, batch_first=batch_first)
