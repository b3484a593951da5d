"""The exponential moving average of a model's weights.

B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992; with a
decay that begins low, so that the weights of the beginning are soon forgotten, as in TensorFlow's
`ExponentialMovingAverage`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from recur import files
from recur.messages import InputError, must


class Average:
    """The average over the steps of a training; without a decay there is none, and nothing is done.

    Attributes:
        values: the averages by the names of their parameters; while `inside`, the weights.
        steps: steps averaged over.
    """

    def __init__(self, model: nn.Module, decay: float | None) -> None:
        taught = {} if decay is None else dict(model.named_parameters())
        self._weights = {name: each for name, each in taught.items() if each.requires_grad}
        self.values = {name: each.detach().clone() for name, each in self._weights.items()}
        self.decay, self.steps, self._inside = decay or 0.0, 0, False

    def after_step(self) -> None:
        """Takes the weights after a step into account."""
        if not self.values:
            return
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            weights: list[Tensor] = list(self._weights.values())
            torch._foreach_lerp_(list(self.values.values()), weights, 1 - decay)
        self.steps += 1

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """The model has the averages in the place of its weights."""
        with self._having(True):
            yield

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """The model has its own weights, wherever this is called."""
        with self._having(False):
            yield

    def restore(self, values: Mapping[str, Tensor], steps: int) -> None:
        """Goes on with averages out of a file.

        Raises:
            InputError: if they are another model's.
        """
        differ = files.differences(values, self.values)
        if differ:
            raise InputError(must("the average of the weights", "that of this model", differ[0]))
        for name, value in values.items():
            self.values[name].copy_(value)
        self.steps = steps

    def take(self) -> None:
        """The model has the averages from now on."""
        self._exchange(True)

    @contextlib.contextmanager
    def _having(self, inside: bool) -> Iterator[None]:
        before = self._inside
        self._exchange(inside)
        try:
            yield
        finally:
            self._exchange(before)

    def _exchange(self, inside: bool) -> None:
        if inside == self._inside:
            return
        with torch.no_grad():
            for name, weight in self._weights.items():
                held: Tensor = weight.detach().clone()
                weight.copy_(self.values[name])
                self.values[name].copy_(held)
        self._inside = inside
