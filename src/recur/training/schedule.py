"""How large a step is, as training goes on: shapes of the step size over a training.

With a size that stays, the weights at the end of an epoch are those that the last few batches
happened to ask for; with one that falls, training settles. That it should fall: H. Robbins and
S. Monro, "A stochastic approximation method", 1951.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from recur.messages import real, whole


class Shape(Protocol):
    """The share of the step size asked for that a step has."""

    @property
    def ends(self) -> bool:
        """Whether it hangs on the number of all steps, which must be known then."""

    def share(self, taken: int, total: int, epoch: int) -> float:
        """Returns the share.

        Args:
            taken: the steps before this one; of those after warm-up.
            total: the steps of the whole training; of those after warm-up.
            epoch: the epochs done.
        """


@dataclass(frozen=True)
class Constant:
    """The whole step size at every step."""

    ends = False

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return 1.0


@dataclass(frozen=True)
class Linear:
    """A straight line, to 0 after the last step.

    For Adam: J. Devlin et al., "BERT", 2019, appendix A.2.
    """

    ends = True

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return max(0.0, 1 - taken / total)


@dataclass(frozen=True)
class Cosine:
    """Half a period of a cosine, to 0 after the last step.

    I. Loshchilov and F. Hutter, "SGDR", 2017, without restarts.
    """

    ends = True

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return (1 + math.cos(math.pi * min(1.0, taken / total))) / 2


@dataclass(frozen=True)
class Steps:
    """The whole step size for the first epochs, then less by a factor at the start of each.

    W. Zaremba et al., "Recurrent neural network regularization", arXiv:1409.2329, section 4.1.

    Args:
        factor: what the step size is multiplied by, above 0 and at most 1.
        after: the first epochs, which have the whole step size; at least 1.

    Raises:
        InputError: if an argument is not what is said above.
    """

    factor: float = 0.5
    after: int = 1

    ends = False

    def __post_init__(self) -> None:
        real("factor", self.factor, lambda f: 0 < f <= 1, "above 0 and at most 1")
        whole("after", self.after)

    def share(self, taken: int, total: int, epoch: int) -> float:
        """As `Shape.share`."""
        return self.factor ** max(0, epoch + 1 - self.after)


@dataclass(frozen=True)
class Plateau:
    """Less by a factor where the monitored column has not become better for some epochs.

    Args:
        factor: what the step size is multiplied by, above 0 and below 1.
        patience: the epochs without a better value that are waited for.

    Raises:
        InputError: if an argument is not what is said above.
    """

    factor: float = 0.5
    patience: int = 2

    def __post_init__(self) -> None:
        real("factor", self.factor, lambda f: 0 < f < 1, "above 0 and below 1")
        whole("patience", self.patience, least=0)


SHAPES: dict[str, Shape] = {"constant": Constant(), "linear": Linear(), "cosine": Cosine()}
