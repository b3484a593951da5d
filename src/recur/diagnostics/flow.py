"""How far back gradients reach: the gradient problem, measured.

On its way from the end of a sequence to its beginning, the gradient of the loss is multiplied once
a step by the derivative of a step. Its norm at each lag is what there is to learn from at that
distance: S. Hochreiter, diploma thesis, 1991; Y. Bengio, P. Simard and P. Frasconi, "Learning
long-term dependencies with gradient descent is difficult", IEEE Transactions on Neural Networks
5(2), 1994; R. Pascanu, T. Mikolov and Y. Bengio, arXiv:1211.5063, 2013.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from recur.cells import CELLS
from recur.data.sequences import Batch, Sequences
from recur.data.targets import IGNORED
from recur.diagnostics import gates
from recur.diagnostics.gates import Gate
from recur.diagnostics.walk import Walk, inner, watched
from recur.messages import InputError, count, must
from recur.training.aims import LossLike
from recur.training.call import Caller, aligned
from recur.training.losses import find_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT = 0.01
"""The share of a gradient at which it counts as vanished."""
GROWN = 100.0
"""How many times larger it is far back than near when it counts as exploding."""


@dataclass(frozen=True)
class Flow:
    """The gradient through one recurrent layer in one direction.

    Attributes:
        name: the layer in words.
        cell: the name of its cell.
        norms: at each lag, from 0, the norm of the gradient of a row's loss with respect to the
            state (h, and c where there is one) that many steps before the walk's end; the mean of
            the rows that are so long. It is the total derivative: by every way from the state to
            the loss.
        through: the same by one way alone: through the states that follow, from step to step.
            Where every step is read (by attention, pooling, another layer) there are others.
        spectral_radius: the greatest absolute eigenvalue of each gate's part of the recurrent
            matrix, by letter. For a linear network, the factor of a step.
        gates: how the gates were; none for a cell whose gates are not known.
    """

    name: str
    cell: str
    norms: tuple[float, ...]
    through: tuple[float, ...]
    spectral_radius: dict[str, float]
    gates: tuple[Gate, ...]

    @property
    def horizon(self) -> int | None:
        """The lag from which on at most 1% of the largest norm is left; None if more is to the end.

        None too where nothing can be said: a gradient of zero, or one that is not finite.
        """
        return _horizon(self.norms)

    @property
    def other_way(self) -> bool:
        """Whether gradients reach back past its states too: more than 1% of the largest."""
        past = zip(self.norms, self.through, strict=True)
        return any(abs(norm - through) > LEFT * self._largest for norm, through in past)

    @property
    def growth(self) -> float:
        """The norm at the longest lag over that at lag 0."""
        return self.norms[-1] / self.norms[0] if self.norms[0] else math.inf

    def __str__(self) -> str:
        radii = ", ".join(f"{name} {radius:.2f}" for name, radius in self.spectral_radius.items())
        said = ": ".join(filter(None, (self.finding, self.advice))).rstrip(".")
        lines = [f"{self.name} ({self.cell}): {said}."]
        lines.append(f"  spectral radius of the recurrent matrix: {radii}")
        if self.gates:
            lines.append(f"  over all steps: {'; '.join(map(str, self.gates))}")
        return "\n".join(lines)

    @property
    def finding(self) -> str:
        """What became of the gradient, in words."""
        largest, steps = self._largest, count(len(self.norms) - 1, "step")
        if not math.isfinite(largest):
            return "the gradient is not finite"
        if largest == 0:
            return "no gradient reaches it from this loss"
        if self._explodes():
            return f"gradients explode: {self.growth:.3g} times as large {steps} back"
        found = f"gradients {_reach(self.norms)}"
        if not self.other_way:
            return found
        ways = "by ways past its own state too (attention, pooling, the layers above)"
        return f"{found}, {ways}; through the state alone they {_reach(self.through)}"

    @property
    def advice(self) -> str:
        """What it means and what to do; empty where nothing is wrong."""
        if self.horizon is not None:
            return CELLS[self.cell].advice
        if not math.isfinite(self._largest):
            return NOT_FINITE
        return EXPLODING if self._explodes() else ""

    @property
    def _largest(self) -> float:
        """NaN if any is, whatever its place."""
        return math.nan if any(map(math.isnan, self.norms)) else max(self.norms)

    def _explodes(self) -> bool:
        return len(self.norms) > 1 and self._largest > 0 and self.growth > GROWN

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers as JSON; those that are not finite as None."""
        return {
            "name": self.name,
            "cell": self.cell,
            "horizon": self.horizon,
            "norms": _finite(self.norms),
            "horizon_through_state": _horizon(self.through),
            "norms_through_state": _finite(self.through),
            "spectral_radius": self.spectral_radius,
            "gates": {gate.name: [gate.mean, gate.low, gate.high] for gate in self.gates},
        }


def _horizon(norms: tuple[float, ...]) -> int | None:
    largest = max(norms)
    if any(map(math.isnan, norms)) or not 0 < largest < math.inf:
        return None
    reached = [lag for lag, norm in enumerate(norms) if norm > LEFT * largest]
    return reached[-1] + 1 if reached[-1] + 1 < len(norms) else None


def _reach(norms: tuple[float, ...]) -> str:
    horizon, steps = _horizon(norms), count(len(norms) - 1, "step")
    if horizon is not None:
        return f"vanish after {count(horizon, 'step')} (1% is left)"
    return f"reach back over all {steps}: {norms[-1] / max(norms):.0%} of the largest is left"


def _finite(norms: tuple[float, ...]) -> list[float | None]:
    return [norm if math.isfinite(norm) else None for norm in norms]


EXPLODING = "clip the norm (clip_norm=1.0), or take a smaller recurrent matrix"
NOT_FINITE = "look for values that are not finite in the data and in the weights"


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found. Its `str()` says it in words.

    Attributes:
        flows: one for each recurrent layer and direction, in the order in which they were walked.
        loss: the mean loss that the gradients are of.
        parameter_gradients: the norm of its gradient with respect to each module's own
            parameters, by the module's name.
    """

    flows: tuple[Flow, ...]
    loss: float
    parameter_gradients: dict[str, float]

    @property
    def horizon(self) -> int | None:
        """The longest of the layers' horizons; None if gradients reach to the end in one."""
        found = [flow.horizon for flow in self.flows]
        return None if None in found else max(h for h in found if h is not None)

    def __str__(self) -> str:
        sizes = ", ".join(f"{k} {v:.2g}" for k, v in self.parameter_gradients.items())
        return "\n".join([*map(str, self.flows), f"gradient by layer: {sizes}"])

    def plot(self) -> Figure:
        """Draws the norm of the gradient at each lag, a line for each layer.

        One more for each that is reached by other ways too: what comes through its state alone.
        """
        from recur import plots

        return plots.gradients(self.lines())

    def lines(self) -> dict[str, tuple[float, ...]]:
        """The norms at each lag, by what they are of."""
        found = {}
        for flow in self.flows:
            found[flow.name] = flow.norms
            if flow.other_way:
                found[f"{flow.name}, through the state alone"] = flow.through
        return found

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers as JSON."""
        return {
            "loss": self.loss,
            "flows": [flow.to_json() for flow in self.flows],
            "parameter_gradients": self.parameter_gradients,
        }


def diagnose(model: nn.Module, batch: Any, *, loss: LossLike | None = None) -> Diagnosis:
    """Measures how far back gradients reach, in one backward pass.

    Args:
        model: any module with recurrent layers of recur or of torch.nn; evaluated without dropout,
            and left as it was.
        batch: a `Batch`, `Sequences`, a pair (x, targets), or x alone, as for `recur.fit`.
        loss: as for `recur.fit`, a dict for several outputs. None, or a batch without targets: the
            sum of the outputs. Where there is an output for every step, the loss is that of each
            row's last step (the last one with a target) alone, so that the lag is the distance
            from there.

    Raises:
        InputError: a model without such layers, a loss that does not fit, a batch without steps.
        RuntimeError, ValueError: a batch that the model itself refuses.
    """
    model = inner(model)
    given = batch_of(batch)
    with torch.enable_grad(), watched(model) as walks:
        value, rows = _loss(model, given, loss)
        by_walk = [[s for after in walk.after for s in after] for walk in walks]
        states = [s for own in by_walk for s in own]
        parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        asked = [*states, *parameters.values()]
        if not value.requires_grad:
            raise InputError(must("the loss", "one that the recurrent layers lead to", "another"))
        found = torch.autograd.grad(value * rows, asked, retain_graph=True, allow_unused=True)
        of_states = iter(found)
        total = [[next(of_states) for _ in own] for own in by_walk]
        through = list(map(_through, walks, by_walk, total))
    with torch.no_grad():
        flows = tuple(map(_flow, walks, total, through))
        sizes = _by_module(parameters, found[len(states) :], rows)
    return Diagnosis(flows, float(value.detach()), sizes)


def batch_of(data: Any) -> Batch:
    """One batch of whatever `recur.fit` takes as a whole.

    Raises:
        InputError: something else, or no sequence.
    """
    if isinstance(data, Batch):
        return data
    if isinstance(data, tuple) and len(data) in (2, 3):
        data = Sequences(data[0], data[1], lengths=data[2] if len(data) == 3 else None)
    whole = data if isinstance(data, Sequences) else Sequences(data)
    return whole.batch(range(len(whole)))


def _loss(model: nn.Module, batch: Batch, loss: LossLike | None) -> tuple[Tensor, int]:
    """The mean loss of a row, of several outputs their sum; and how many rows there are."""
    if not isinstance(loss, Mapping) or batch.y is None:
        outputs = Caller(model)(batch)
        return _mean(model, batch, outputs, batch.y, loss), len(outputs)
    found = Caller(model, names=tuple(loss))(batch)
    y: Any = batch.y
    means = [_mean(model, batch, found[name], y[name], each) for name, each in loss.items()]
    return torch.stack(means).sum(), len(batch.x)


def _mean(model: nn.Module, batch: Batch, outputs: Tensor, y: Any, loss: Any) -> Tensor:
    """The mean loss of a row of one output."""
    rows = len(outputs)
    if loss is None or y is None:
        if outputs.dim() == 3:
            outputs = outputs[torch.arange(rows), _ends(model, batch, outputs)]
        return outputs.sum() / rows
    found = find_loss(loss)
    targets = found.align(outputs, y.to(outputs.device))
    found.check(outputs, targets, y)
    if outputs.dim() == 3 and targets.shape[:2] == outputs.shape[:2]:
        last = _ends(model, batch, outputs)
        if targets.dim() == 2:
            steps = torch.arange(targets.shape[1], device=targets.device)
            with_target = (targets != IGNORED) & (steps <= last.unsqueeze(1))
            last = torch.where(with_target, steps, 0).amax(dim=1)
        at = torch.arange(rows), last
        outputs, targets = outputs[at], targets[at]
    return found.mean(outputs, targets)


def _ends(model: nn.Module, batch: Batch, outputs: Tensor) -> Tensor:
    """(B,) the last step of each row of outputs (B, T, C)."""
    if batch.lengths is None or not aligned(model):
        return torch.full((len(outputs),), outputs.shape[1] - 1, device=outputs.device)
    return (batch.lengths.to(outputs.device) - 1).clamp(min=0)


Gradients = Sequence[Tensor | None]
"""Of the states of a walk, step after step; None where there is none."""


def _through(walk: Walk, states: list[Tensor], total: Gradients) -> Gradients:
    """What comes through the states: the gradient of the last step that has one, led back."""
    known = [torch.zeros_like(s) if g is None else g for s, g in zip(states, total, strict=True)]
    parts = len(walk.after[0])
    some = torch.stack([each.abs().amax(dim=-1) for each in known]) != 0
    lags = torch.where(some.view(-1, parts, *some.shape[1:]).any(dim=1), walk.lags(), len(known))
    last = (lags == lags.amin(dim=0)).unsqueeze(-1)
    led = [torch.where(last[n // parts], each, 0) for n, each in enumerate(known)]
    return torch.autograd.grad(states, states, led, retain_graph=True, allow_unused=True)


def _norms(walk: Walk, gradients: Gradients) -> tuple[float, ...]:
    """The norm of the gradients of the states at each lag, the mean of the rows."""
    steps, of_states = [], iter(gradients)
    for after in walk.after:
        squares = [
            torch.zeros_like(state[..., 0]) if part is None else part.square().sum(dim=-1)
            for state, part in zip(after, of_states, strict=False)
        ]
        steps.append(torch.stack(squares).sum(dim=0).sqrt())
    lags = walk.lags()[walk.exists].cpu().numpy()
    norms = torch.stack(steps)[walk.exists].double().cpu().numpy()
    means = np.bincount(lags, norms) / np.bincount(lags)
    return tuple(means.tolist())


def _flow(walk: Walk, total: Gradients, through: Gradients) -> Flow:
    return Flow(
        walk.name,
        walk.cell.name,
        _norms(walk, total),
        _norms(walk, through),
        _radii(walk),
        gates.saturation(walk),
    )


def _radii(walk: Walk) -> dict[str, float]:
    found: dict[str, float] = {}
    if walk.cell.needs_units:  # a diagonal matrix
        assert walk.weights.units is not None
        return {"h": float(walk.weights.units.detach().double().abs().max())}
    if not walk.cell.state_gates:
        return found
    parts = walk.weights.w_hh.detach().double().chunk(walk.cell.state_gates)
    for name, part in zip(gates.letters(walk), parts, strict=True):
        projection = walk.weights.w_hr
        matrix = part if projection is None else part @ projection.detach().double()
        finite = bool(matrix.isfinite().all())
        found[name] = float(torch.linalg.eigvals(matrix).abs().max()) if finite else math.nan
    return found


def _by_module(
    parameters: dict[str, nn.Parameter], gradients: tuple[Tensor | None, ...], rows: int
) -> dict[str, float]:
    squares: dict[str, float] = {}
    for name, gradient in zip(parameters, gradients, strict=True):
        module = name.rpartition(".")[0] or "the model"
        square = 0.0 if gradient is None else float(gradient.double().square().sum())
        squares[module] = squares.get(module, 0.0) + square
    return {module: math.sqrt(square) / rows for module, square in squares.items()}
