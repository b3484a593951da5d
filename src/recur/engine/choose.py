"""Which path walks a problem: decided in this one place, and kept as an object with its reasons.

A path declines by a condition that it checks beforehand, never by failing. `scan` takes the path
that `choose` names and `recur.explain` prints the same object, so what is said is what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from recur.cells import Cell, State
from recur.engine import cpu, reference
from recur.engine.options import Options
from recur.engine.problem import Problem, Weights


class Path(Protocol):
    """A way to walk time: a module with these names."""

    name: str

    def about(self) -> str:
        """What the path is, in a few words."""

    def declines(self, problem: Problem) -> str | None:
        """Why this path cannot do the problem; None if it can."""

    def scan(
        self,
        cell: Cell,
        x: Tensor,
        state: State | None,
        weights: Sequence[Weights],
        *,
        lengths: Tensor | None,
        mask: Tensor | None,
        starts: Sequence[Tensor | None],
        reverse: Sequence[bool],
        outputs: bool,
        every: int,
        options: Options,
    ) -> tuple[Tensor | None, State]:
        """Walks a sequence, in as many directions as there are weights."""

    def step(
        self, cell: Cell, x: Tensor, state: State, weights: Weights, options: Options
    ) -> State:
        """Walks one step."""

    def stepper(
        self,
        cell: Cell,
        layers: Sequence[Weights],
        state: State,
        x: Tensor,
        options: Options,
    ) -> Callable[[Tensor], None]:
        """What takes one step after another in place."""


# Fastest first; the last one does everything.
PATHS: tuple[Path, ...] = (cpu, reference)


class Choice(NamedTuple):
    """The path that will be taken, and why each faster one is not."""

    path: Path
    declined: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        reasons = "".join(f"; not {name}: {reason}" for name, reason in self.declined)
        return f"{self.path.name} ({self.path.about()}){reasons}"


def choose(problem: Problem) -> Choice:
    """Returns the first path that does not decline `problem`, with the reasons of those before."""
    declined: list[tuple[str, str]] = []
    for path in PATHS[:-1]:
        reason = path.declines(problem)
        if reason is None:
            return Choice(path, tuple(declined))
        declined.append((path.name, reason))
    return Choice(PATHS[-1], tuple(declined))
