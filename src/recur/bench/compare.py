"""One case, all sides: checked, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recur.bench.case import Case
from recur.bench.sides import MODES, Inputs, Side, ours, torchs
from recur.bench.turns import in_turns
from recur.messages import FailedError

More = Callable[[Case, Inputs], Sequence[Side]]


@dataclass(frozen=True)
class Compared:
    """A case in one mode, timed.

    Attributes:
        case: the case.
        mode: "inference" or "training".
        seconds: the median of each side, by name; the layouts of one side are one.
    """

    case: Case
    mode: str
    seconds: Mapping[str, float]

    def ratio(self, other: str) -> float:
        """How many times as fast as another side recur is."""
        return self.seconds[other] / self.seconds["recur"]

    @property
    def flops(self) -> float:
        """Recur's floating operations in matrix products, a second."""
        return self.case.flops * (3 if self.mode == "training" else 1) / self.seconds["recur"]


def compare(
    case: Case,
    modes: Sequence[str] = MODES,
    *,
    more: More = lambda case, inputs: (),
    seconds: float = 1.0,
    rounds: int = 5,
) -> list[Compared]:
    """Times recur's layer beside that of `torch.nn`, and beside `more` sides.

    All get the same weights and the same input. Nothing is timed before the outputs and every
    gradient of each were found equal to those of `torch.nn`.

    Args:
        case: what is timed.
        modes: of `MODES`.
        more: makes other sides.
        seconds: for how long the slowest side of a mode is timed.
        rounds: and how often at least.

    Raises:
        FailedError: if a side's results differ.
    """
    inputs = Inputs.of(case)
    sides = [*ours(case, inputs), *torchs(case, inputs), *more(case, inputs)]
    expected = sides[1].results()
    for side in sides:
        _check(case, side, expected)
    compared = []
    for mode in modes:
        runners = {side.name: side.runners[mode] for side in sides if mode in side.runners}
        compared.append(
            Compared(case, mode, _best(in_turns(runners, seconds=seconds, rounds=rounds)))
        )
    return compared


def _check(case: Case, side: Side, expected: Mapping[str, Tensor]) -> None:
    for what, value in side.results().items():
        wanted = expected[what]
        # Against the greatest value: a small sum of many large parts carries their errors.
        scale = wanted.abs().max().item() + 1e-6
        if value.shape != wanted.shape or not torch.allclose(
            value / scale, wanted / scale, rtol=1e-3, atol=1e-4
        ):
            raise FailedError(
                f"{side.name} and torch.nn differ in {what} of {case}: nothing was timed. "
                "Please report this, with the output of `recur explain`."
            )


def _best(seconds: Mapping[str, float]) -> dict[str, float]:
    """The better layout of each side: what comes after a comma in a name is one."""
    best: dict[str, float] = {}
    for name, value in seconds.items():
        side = name.split(",")[0]
        best[side] = min(value, best.get(side, value))
    return best
