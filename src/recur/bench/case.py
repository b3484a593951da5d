"""What is timed: a layer of some size on a batch of some size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from recur.layers import GRU, LSTM, RNN, Recurrent
from recur.messages import InputError, must, one_of

LAYERS: dict[str, Callable[..., Recurrent]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
"""Those that torch.nn has too."""
MOST = 1_000_000_000


@dataclass(frozen=True)
class Case:
    """One recurrent layer and its batch.

    Attributes:
        cell: "rnn", "lstm" or "gru".
        batch: rows of the batch.
        time: steps of each row.
        inputs: features of a step.
        hidden: units in each direction.
        bidirectional: whether a second set of weights walks from the end.

    Raises:
        InputError: an unknown cell, or a size below 1.
    """

    cell: str = "lstm"
    batch: int = 32
    time: int = 100
    inputs: int = 64
    hidden: int = 64
    bidirectional: bool = False

    def __post_init__(self) -> None:
        one_of("cell", self.cell, LAYERS)
        for name in ("batch", "time", "inputs", "hidden"):
            if getattr(self, name) < 1:
                raise InputError(must(name, "at least 1", getattr(self, name)))
            if getattr(self, name) > MOST:
                raise InputError(must(name, f"at most {MOST:,}", getattr(self, name)))

    @property
    def directions(self) -> int:
        """1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def flops(self) -> int:
        """Floating operations of the matrix products of one pass forward.

        Training takes three times as many: each product has a gradient for both its factors.
        """
        layer = LAYERS[self.cell](
            self.inputs, self.hidden, bidirectional=self.bidirectional, device="meta"
        )
        matrices = sum(weight.numel() for weight in layer.parameters() if weight.dim() == 2)
        return 2 * self.batch * self.time * matrices

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        sizes = f"{self.batch}, {self.time}, {self.inputs}, {self.hidden}"
        return f"{self.cell} {sizes}{', both directions' if self.bidirectional else ''}"
