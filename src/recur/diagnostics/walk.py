"""A model's recurrent layers, walked a step at a time, so that the state of every step can be seen.

The engine walks a whole sequence at once and keeps what happens within to itself. Here each step is
a walk of its own from an explicit state, so autograd knows every state: one backward pass gives the
total derivative of a loss with respect to each. Slower, and the same numbers.

Letters: T time, B batch, H hidden size, R size of the state h (H, or the projection's), D
directions.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from recur import engine
from recur.cells import Cell, State
from recur.engine.problem import existing_steps
from recur.layers import Recurrent
from recur.layers.layout import Entered
from recur.layers.recurrent import MERGED
from recur.layers.taking import OURS
from recur.messages import InputError, must
from recur.models.fronts import Front


@dataclass
class Walk:
    """One layer in one direction, over one batch.

    Attributes:
        name: the layer in words.
        cell: what a step computes.
        weights: of the layer in this direction.
        reverse: whether it goes from the last step to the first.
        x: (T, B, I) what it read.
        exists: (T, B), True where a step exists.
        before: for each step, in the order of time, the states that came in: (B, R), others (B, H).
        after: those that went out; where a step does not exist, the same again.
        inside: for each step the cell's gates, by letter, (B, H).
    """

    name: str
    cell: Cell
    weights: engine.Weights
    reverse: bool
    x: Tensor
    exists: Tensor
    options: engine.Options
    before: list[State] = field(default_factory=list)
    after: list[State] = field(default_factory=list)
    inside: list[dict[str, Tensor]] = field(default_factory=list)

    def run(self, state: State, reset: Tensor | None) -> State:
        """Walks from `state` and returns the final one; `reset` (T, B) as for the layers."""
        starts = torch.zeros_like(self.exists[0])
        order = range(len(self.x))
        for t in reversed(order) if self.reverse else order:
            if reset is not None and not self.reverse:
                starts = reset[t]
            fresh = (starts & self.exists[t]).unsqueeze(-1)
            before = tuple(torch.where(fresh, 0, s) for s in state) if reset is not None else state
            seen: dict[str, Tensor] = {}
            _, state = engine.scan(
                self.cell,
                self.x[t : t + 1],
                before,
                self.weights,
                mask=None if bool(self.exists[t].all()) else self.exists[t : t + 1],
                outputs=False,
                options=self.options._replace(record=seen),
            )
            self.before.append(before)
            self.after.append(state)
            self.inside.append({name: seen[name][0] for name in self.cell.gate_names})
            if reset is not None and self.reverse:
                # The walk crosses the boundary after the first step of the later sequence.
                starts = torch.where(self.exists[t], reset[t], starts)
        if self.reverse:
            self.before.reverse()
            self.after.reverse()
            self.inside.reverse()
        return state

    def outputs(self) -> Tensor:
        """(T, B, R), zeros where a step does not exist."""
        y = torch.stack([state[0] for state in self.after])
        return torch.where(self.exists.unsqueeze(-1), y, 0)

    def gates(self) -> dict[str, Tensor]:
        """The gates of every step, by letter, (T, B, H)."""
        return {
            name: torch.stack([seen[name] for seen in self.inside]) for name in self.cell.gate_names
        }

    def lags(self) -> Tensor:
        """(T, B), how many steps the walk goes on after each."""
        counted = self.exists.long().cumsum(dim=0)
        return counted - 1 if self.reverse else counted[-1] - counted


def inner(model: object) -> nn.Module:
    """The module to look into; what torch.compile has wrapped without its wrapping.

    Raises:
        InputError: no module.
    """
    found = getattr(model, "_orig_mod", model)
    if not isinstance(found, nn.Module):
        todo = "Give the network that it holds, its .model." if hasattr(model, "model") else ""
        raise InputError(must("model", "a torch.nn.Module", type(model).__name__, todo))
    return found


@contextlib.contextmanager
def watched(model: nn.Module) -> Iterator[list[Walk]]:
    """While it lasts, the recurrent layers of `model` are walked a step at a time.

    Those within a front are not: their rows (the spellings of words) are not the batch's.

    The list that it gives fills up with a `Walk` for each layer and direction, in the order in
    which they were walked. The model is in evaluation mode, and layers of torch.nn are recur's.

    Raises:
        InputError: a model without a recurrent layer, or only with some of classes of their own.
    """
    theirs = _plain(model)
    for layer in theirs:
        layer.__class__ = OURS[type(layer)]
    before = {m for front in model.modules() if isinstance(front, Front) for m in front.modules()}
    layers = {
        name: m for name, m in model.named_modules() if isinstance(m, Recurrent) and m not in before
    }
    if not layers:
        raise InputError(_unknown(model))
    modes = [(module, module.training) for module in model.modules()]
    walks: list[Walk] = []
    model.eval()
    for name, layer in layers.items():
        vars(layer)["_walk"] = functools.partial(_walk, layer, name or "the layer", walks)
    try:
        yield walks
    finally:
        for layer in layers.values():
            del vars(layer)["_walk"]
        for module, mode in modes:
            module.training = mode
        for layer, kind in theirs.items():
            layer.__class__ = kind


def _plain(model: nn.Module) -> dict[nn.Module, type[nn.Module]]:
    """The layers of torch.nn itself, which compute what recur's do; with their classes."""
    kinds = [theirs for theirs, ours in OURS.items() if issubclass(ours, Recurrent)]
    found = [m for m in model.modules() if type(m) in kinds and "forward" not in vars(m)]
    return {layer: type(layer) for layer in found}


def _unknown(model: nn.Module) -> str:
    expected = "one with a recurrent layer: recur's or torch.nn's RNN, LSTM or GRU"
    kinds = (nn.RNNBase, nn.RNNCellBase)
    others = {type(m).__name__ for m in model.modules() if isinstance(m, kinds)}
    todo = "What a subclass or a cell computes is not known here." if others else ""
    return must("the model", expected, ", ".join(sorted(others)) or "none", todo)


def _walk(
    layer: Recurrent,
    name: str,
    walks: list[Walk],
    entered: Entered,
    state: State | None,
    weights: list[engine.Weights],
) -> tuple[Tensor | None, State, list[dict[str, Tensor]]]:
    """What `Recurrent` does, a step at a time."""
    x, finals = entered.x, []
    steps = existing_steps(x, entered.lengths, entered.mask)
    exists = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if steps is None else steps
    if not exists.any():
        raise InputError(must("the sequences", "of at least one step", "none"))
    for number in range(layer.num_layers):
        sides = []
        for direction in range(layer.directions):
            each = number * layer.directions + direction
            walk = Walk(
                _called(layer, name, number, direction),
                layer.cell,
                weights[each],
                direction == 1,
                x,
                exists,
                layer.options(),
            )
            start = _zeros(layer, x) if state is None else tuple(s[each] for s in state)
            finals.append(walk.run(start, entered.reset))
            sides.append(walk)
        walks += sides
        outputs = [walk.outputs() for walk in sides]
        x = MERGED[layer.own.merge](*outputs) if layer.bidirectional else outputs[0]
    final = tuple(torch.stack(states) for states in zip(*finals, strict=True))
    return (None if layer.return_sequences is False else x), final, []


def _called(layer: Recurrent, name: str, number: int, direction: int) -> str:
    words = [name]
    if layer.num_layers > 1:
        words.append(f"layer {number + 1}")
    if layer.bidirectional:
        words.append("backwards" if direction else "forwards")
    return ", ".join(words)


def _zeros(layer: Recurrent, x: Tensor) -> State:
    # They ask for a gradient, so that a model whose weights are frozen can be looked into too.
    asks = torch.is_grad_enabled()
    return tuple(x.new_zeros(x.shape[1], n).requires_grad_(asks) for n in layer.state_sizes)
