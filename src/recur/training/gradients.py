"""The norm of the gradient: always known, held at a limit, and put in words when it explodes.

Backwards through T steps the gradient is multiplied T times by the recurrent matrix, so it may grow
(explode) or fade (vanish) exponentially with T. Cutting its norm at a limit is the remedy of
Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# A norm is called exploding above the first of these, and above the second if that is so many
# times the usual norm of its epoch.
EXPLODING = 1000.0
LARGE, TIMES_USUAL = 10.0, 100.0


class Gradients:
    """The gradients of some parameters, together.

    Args:
        parameters: those of the model.
        clip_norm: the largest norm that is let through; None for no limit.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], clip_norm: float | None) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.clip_norm = clip_norm
        self.on_cpu = all(p.device.type == "cpu" for p in self.parameters)

    def clear(self) -> None:
        """Forgets the gradients, as `optimizer.zero_grad` does with more ado."""
        for parameter in self.parameters:
            parameter.grad = None

    def clip(self) -> float | Tensor:
        """Scales all gradients so that their norm is at most `clip_norm`.

        On the CPU the norm is a number at once. Elsewhere it stays a tensor, so that the device is
        not waited for; since the step is then taken before the norm is looked at, gradients that
        are not finite become zero.

        Returns:
            the norm before scaling.
        """
        values = [_values(p) for p in self.parameters if p.grad is not None]
        if not self.on_cpu:
            return self._clip_unseen(values)
        norm = _norm(values, None)
        if not math.isfinite(norm):  # perhaps only its square is beyond float32
            norm = _norm(values, torch.float64)
        if self.clip_norm is not None and self.clip_norm < norm < math.inf:
            torch._foreach_mul_(values, self.clip_norm / norm)
        return norm

    def _clip_unseen(self, values: list[Tensor]) -> Tensor:
        norm = torch.nn.utils.get_total_norm(values)
        limit = math.inf if self.clip_norm is None else self.clip_norm
        scale, bad = (limit / norm).clamp(max=1.0), ~norm.isfinite()
        for value in values:
            value.mul_(scale).masked_fill_(bad, 0.0)
        return norm


@dataclass
class Norms:
    """Gradient norms of an epoch, in five numbers however long it is.

    Attributes:
        number: steps counted.
        total: the sum of their norms.
        total_log: the sum of the logarithms of their norms.
        largest: the largest norm.
        at: the batch (from 1) at which it was.
    """

    number: int = 0
    total: float = 0.0
    total_log: float = 0.0
    largest: float = 0.0
    at: int = 0

    def add(self, norm: float, batch: int) -> None:
        """Counts the norm of the step after a batch (from 1)."""
        self.number += 1
        self.total += norm
        self.total_log += math.log(max(norm, 1e-12))
        if norm >= self.largest:
            self.largest, self.at = norm, batch

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return self.total / max(self.number, 1)

    @property
    def usual(self) -> float:
        """The geometric mean, which a few explosions hardly move."""
        return math.exp(min(self.total_log / max(self.number, 1), 700.0))


def explosion(norms: Norms, epoch: int, clip_norm: float | None) -> str | None:
    """Says in words that gradients exploded in an epoch (from 1), and what to do; None if not."""
    if norms.largest < max(LARGE, min(EXPLODING, TIMES_USUAL * norms.usual)):
        return None
    seen = f"norm {norms.largest:.3g} in epoch {epoch}, batch {norms.at}; usual: {norms.usual:.2g}"
    if clip_norm is None:
        todo = "Set clip_norm=1.0, so that such a batch cannot throw the weights away."
        return f"Exploding gradient: {seen}. {todo}"
    return (
        f"A gradient that exploded was cut to {clip_norm:g} ({seen}). Only if the "
        "loss jumps: lower the learning rate, scale the inputs and targets, shorten the sequences, "
        "or take an LSTM or GRU."
    )


def _norm(values: list[Tensor], dtype: torch.dtype | None) -> float:
    # For the seven tensors of a small model of words: 46 us, of which the table of words takes 36.
    # torch.nn.utils.get_total_norm takes 89 us, a norm after the other 50.
    norms = torch._foreach_norm(values, 2, dtype) if values else ()
    return math.hypot(*[norm.item() for norm in norms])


def _values(parameter: nn.Parameter) -> Tensor:
    """The numbers of a gradient, to be changed in place."""
    gradient = parameter.grad
    assert gradient is not None
    if gradient.is_sparse:  # of an embedding with sparse=True
        parameter.grad = gradient.coalesce()
        return parameter.grad.values()
    return gradient
