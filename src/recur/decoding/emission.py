"""What a model's scores of a step mean: which value comes next, and how likely each is.

Letters: ... rows and steps, any number of axes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recur.decoding.narrowing import check_narrowing, drawn, in_single, narrowed
from recur.messages import InputError, must, real, whole


class Emission(ABC):
    """From the raw scores of a step to the value that comes next.

    How varied samples are is part of it (a temperature, a bias); how likely a value was is said by
    the model itself, whatever that is.
    """

    @property
    @abstractmethod
    def size(self) -> int | None:
        """The scores of a step: the outputs of a model; None for any number."""

    @abstractmethod
    def sample(self, scores: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draws a value for each row.

        Args:
            scores: (..., size), as the model gives them.
            generator: the source of chance; torch's own if None.

        Returns:
            the values; each kind says of which shape.

        Raises:
            InputError: scores of another size.
        """

    @abstractmethod
    def likeliest(self, scores: Tensor) -> Tensor:
        """The likeliest value for each row, as `sample` gives them."""

    @abstractmethod
    def log_likelihood(self, scores: Tensor, value: Tensor) -> Tensor:
        """How likely the model took each value, (...), in nats.

        Args:
            scores: (..., size).
            value: as `sample` gives them.

        Raises:
            InputError: scores of another size, or values of another shape.
        """

    def check(self, scores: Tensor) -> Tensor:
        """Returns scores as they are.

        Raises:
            InputError: of another size.
        """
        if self.size is not None and (not scores.dim() or scores.shape[-1] != self.size):
            got = f"the shape {tuple(scores.shape)}"
            raise InputError(must("scores", f"(..., {self.size})", got))
        return scores


@dataclass(frozen=True)
class Tokens(Emission):
    """One of V tokens; a value is its number, (...) int64.

    Attributes:
        vocabulary: V; None for as many as there are scores.
        temperature: below 1 the likely gets likelier; 0: always the likeliest.
        top_k: draw from so many of the likeliest tokens; see `narrowed`.
        top_p: draw from the likeliest tokens that together have this probability.
        min_p: draw from tokens with at least this share of the likeliest one's probability.

    Raises:
        InputError: numbers outside their range.
    """

    vocabulary: int | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if self.vocabulary is not None:
            whole("vocabulary", self.vocabulary)
        _check_temperature(self.temperature)
        check_narrowing(self.temperature or 1.0, self.top_k, self.top_p, self.min_p)

    @property
    def size(self) -> int | None:
        """V."""
        return self.vocabulary

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """(..., V), which sum to 1; float32 or float64."""
        return in_single(self.check(scores)).log_softmax(dim=-1)

    def sample(self, scores: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """As `Emission.sample`."""
        log_probs = self.log_probabilities(scores)
        if not self.temperature:
            return log_probs.argmax(dim=-1)
        how: dict[str, Any] = {"top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        return drawn(narrowed(log_probs, temperature=self.temperature, **how), generator)

    def likeliest(self, scores: Tensor) -> Tensor:
        """As `Emission.likeliest`."""
        return self.check(scores).argmax(dim=-1)

    def log_likelihood(self, scores: Tensor, value: Tensor) -> Tensor:
        """As `Emission.log_likelihood`."""
        log_probs = self.log_probabilities(scores)
        return log_probs.gather(-1, value.unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True)
class Bits(Emission):
    """Bits drawn each by itself, such as the keys of a piano; a value is (..., N) bool.

    Attributes:
        bits: N.
        temperature: below 1 the likely gets likelier; 0: each that is likelier to be set than not.

    Raises:
        InputError: numbers outside their range.
    """

    bits: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        whole("bits", self.bits)
        _check_temperature(self.temperature)

    @property
    def size(self) -> int:
        """N: the log-odds of each."""
        return self.bits

    def sample(self, scores: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """As `Emission.sample`."""
        if not self.temperature:
            return self.likeliest(scores)
        noise = torch.rand(scores.shape, generator=generator, device=scores.device)
        return noise < (self.check(scores) / self.temperature).sigmoid()

    def likeliest(self, scores: Tensor) -> Tensor:
        """As `Emission.likeliest`."""
        return self.check(scores) > 0

    def log_likelihood(self, scores: Tensor, value: Tensor) -> Tensor:
        """As `Emission.log_likelihood`, the sum over the bits."""
        if value.shape != self.check(scores).shape:
            expected = f"of the scores' shape {tuple(scores.shape)}"
            raise InputError(must("bits", expected, tuple(value.shape)))
        wide = in_single(scores)
        each = F.binary_cross_entropy_with_logits(wide, value.to(wide), reduction="none")
        return -each.sum(dim=-1)


def _check_temperature(temperature: float) -> None:
    real("temperature", temperature, lambda t: 0 <= t < math.inf, "a number of at least 0")
