"""What each step of a sequence added to a score: as words, marks, colours, pictures and JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

FOR, AGAINST = (0, 114, 178), (213, 94, 0)
"""Blue and vermilion, as in the pictures: told apart by colour-blind readers too."""
LEAST_COLOURED = 0.05
"""Share of the greatest value, from which on a step has a colour."""
MARKED = (0.2, 2 / 3)
"""Shares of the greatest value, from which on a step is marked, and marked twice."""
SHOWN = 10
"""Steps that words tell of."""


@dataclass(frozen=True)
class Attribution:
    """What each step added to a score. Its `str()` names those that added or took most.

    Attributes:
        method: how it was found.
        values: (T,) what each step added to the score; below zero it spoke against it.
        labels: (T,) the steps in words.
        score: of the sequence, the model's output as it is (no sigmoid, no softmax).
        baseline: the score of the baseline, a sequence that says nothing.
        output: which of the model's outputs the score is.
        name: what that output is called.
        prose: whether the steps are the words of a text, to be read one after the other.
        picture: (H, W) or (H, W, 3) from 0 to 1, where the steps are the pixels of a picture, row
            by row; else None.
        numbers: (T, E) what each number of a step added, where a step is E numbers; else None.
        line: (T, E) from 0 to 1, where the steps are the columns of a written line; else None.
        channels: what each number of a step added, over all steps, by its name; none where they
            have no names.
    """

    method: str
    values: tuple[float, ...]
    labels: tuple[str, ...]
    score: float
    baseline: float
    output: int
    name: str
    prose: bool = False
    numbers: Any = dataclasses.field(default=None, repr=False, compare=False)
    line: Any = dataclasses.field(default=None, repr=False, compare=False)
    picture: Any = dataclasses.field(default=None, repr=False, compare=False)
    channels: tuple[tuple[str, float], ...] = ()

    def opposite(self, name: str) -> Attribution:
        """The same of minus the score: of two classes told apart by one score, the other class."""
        return dataclasses.replace(
            self,
            values=tuple(-value for value in self.values),
            numbers=None if self.numbers is None else -self.numbers,
            channels=tuple((channel, -value) for channel, value in self.channels),
            score=-self.score,
            baseline=-self.baseline,
            name=name,
        )

    @property
    def error(self) -> float:
        """How far the values are from summing to the difference of the two scores.

        Near 0 for integrated gradients (more `steps` bring it nearer); occlusion promises no sum.
        """
        return sum(self.values) - (self.score - self.baseline)

    def __str__(self) -> str:
        head = f"{self.name}: {self.score:+.3f}, {self.baseline:+.3f} of nothing; by "
        lines = _most(zip(self.labels, self.values, strict=True))
        if self.channels:
            lines += ["over all steps:", *_most(self.channels)]
        return "\n".join([head + self.method, *lines])

    @property
    def shares(self) -> tuple[float, ...]:
        """(T,) the values, of which the one furthest from zero is made 1 or -1."""
        largest = max(map(abs, self.values), default=0.0) or 1.0
        return tuple(value / largest for value in self.values)

    def marked(self) -> str:
        """The steps in order, with marks around those that mattered: +for+, -against-.

        Two signs where it is more than two thirds of the most, one where it is more than a fifth.
        Of a picture a sign for each pixel that mattered, and a dot for the others.
        """
        if self.picture is not None:
            signs = ["." if abs(s) <= MARKED[0] else "+" if s > 0 else "-" for s in self.shares]
            return "\n".join(map("".join, np.reshape(signs, self.picture.shape[:2])))
        marks = (
            ("+" if share > 0 else "-") * sum(abs(share) > least for least in MARKED)
            for share in self.shares
        )
        return " ".join(
            f"{mark}{label}{mark}" for mark, label in zip(marks, self.labels, strict=True)
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The steps in order: on blue what spoke for the score, on orange what spoke against it.

        The stronger the colour, the more it did. Where there are no colours, as `marked`.
        """
        from rich.text import Text

        if console.no_color or console.color_system is None:
            yield Text(self.marked())
            return
        text = Text()
        for number, (label, share) in enumerate(zip(self.labels, self.shares, strict=True), 1):
            if self.picture is None:
                text.append(label, style=_coloured(share))
                text.append(" ")
                continue
            text.append("  ", style=_coloured(share))
            if number % self.picture.shape[1] == 0:
                text.append("\n")
        yield text

    def plot(self) -> Figure:
        """Draws the words, or the pixels, with their colours; or the values in order."""
        from recur import plots

        title = f"{self.name}: {self.method}"
        if self.picture is not None:
            values = np.reshape(self.values, self.picture.shape[:2])
            return plots.marked_picture(values, self.picture, title=title)
        if self.line is not None:
            return plots.telling_pixels(self.line, self.numbers, title=title)
        draw = plots.marked_words if self.prose else plots.attribution
        return draw(self.values, self.labels, title=title)

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {
            "method": self.method,
            "steps": [list(pair) for pair in zip(self.labels, self.values, strict=True)],
            "score": self.score,
            "baseline": self.baseline,
            "output": self.name,
            **({"channels": [list(pair) for pair in self.channels]} if self.channels else {}),
        }


def _most(values: Iterable[tuple[str, float]]) -> list[str]:
    """A line for each of those that added or took most."""
    shown = sorted(values, key=lambda pair: -abs(pair[1]))[:SHOWN]
    width = max((len(label) for label, _ in shown), default=0)
    return [f"{label:<{width}}  {value:+.3f}" for label, value in shown]


def _coloured(share: float) -> str:
    """The style of a word; none for one that hardly mattered, on whatever ground it stands."""
    if abs(share) < LEAST_COLOURED:
        return ""
    strong = 0.3 + 0.7 * abs(share)
    red, green, blue = (round(strong * part) for part in (FOR if share > 0 else AGAINST))
    return f"white on rgb({red},{green},{blue})"
