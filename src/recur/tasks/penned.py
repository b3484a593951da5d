"""What the task pen writes: a text as strokes, how it is asked for, and as files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recur.data.ink import Ink
from recur.data.ink.drawing import inkml, png, svg
from recur.data.ink.moves import Moves, smooth
from recur.messages import InputError, count, must, shown
from recur.models.scribe import Scribe
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, option
from recur.tasks.task import Fitted
from recur.training.measure import evaluating

AT_ONCE = 64
"""Texts that are written at a time."""
CURVE = 0.1
"""Sizes from one point of a written curve to the next."""
LONGEST = 6
"""A text may take so many times the points that it takes in the mean, and some more."""
SHOWN = 40
"""Letters of a text that are shown."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PenAnswering(Answering):
    """How a text is written."""

    bias: float = option(
        1.0, "how carefully; 0: as varied as what was learnt", least=0.0, most=100.0
    )
    points: int | None = option(
        None, "the most points of a text (default: by its length)", least=1, most=1_000_000
    )
    seed: int = option(0, "same seed, same strokes", least=0, most=2**63 - 1)


@dataclasses.dataclass(frozen=True)
class PenPreprocessing(Fitted):
    """What is known of the training pieces.

    Attributes:
        characters: those that can be written.
        deviations: of moves, across and up, in sizes of the letters.
        pace: the characters that a point is of, in the mean.
    """

    characters: str
    deviations: tuple[float, float]
    pace: float

    def __post_init__(self) -> None:
        if not self.characters or len(set(self.characters)) != len(self.characters):
            raise InputError(must("characters", "different ones", shown(self.characters)))
        numbers = (*self.deviations, self.pace)
        if len(numbers) != 3 or not all(0 < number < math.inf for number in numbers):
            raise InputError(must("deviations and pace", "three numbers above 0", shown(numbers)))

    def tokens(self, text: str) -> list[int]:
        """The characters of a text by their numbers, those that are not known left out."""
        return [at for at in map(self.characters.find, text) if at >= 0]

    def unknown(self, texts: Sequence[str]) -> list[str]:
        """The characters of texts that cannot be written."""
        return sorted(set("".join(texts)).difference(self.characters))

    @property
    def scale(self) -> NDArray[np.float32]:
        """(3,) what a move of the model is multiplied by."""
        return np.array([*self.deviations, 1.0], dtype=np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Penned(Answer):
    """A text as strokes.

    Attributes:
        text: the text.
        strokes: each a list of points [x, y], in sizes of the letters, y upward.
        letters: each character, and the point (counted over all strokes) in the middle of it.
        log_likelihood: of a point, in nats, as the network saw it.
        whole: whether the end of the text was reached.
        number: which of several answers it is, from 1.
        moves: (T, 3) as the network gave them.
        weights: (T, U) how much each move is of each character.
    """

    text: str
    strokes: list[list[list[float]]]
    letters: list[tuple[str, int]]
    log_likelihood: float
    whole: bool
    number: int = 1
    moves: Any = dataclasses.field(default=None, repr=False)
    weights: Any = dataclasses.field(default=None, repr=False)

    def __str__(self) -> str:
        cut = "" if self.whole else "  cut off before its end: more points may help"
        strokes = count(len(self.strokes), "stroke")
        points = count(len(self.moves), "point")
        text = self.text if len(self.text) <= SHOWN else f"{self.text[: SHOWN - 3]}..."
        return f"{text}: {strokes}, {points}, {self.log_likelihood:.2f} nats a point{cut}"

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON; text and strokes are what `handwriting` reads."""
        letters = [{"character": character, "point": point} for character, point in self.letters]
        found = {
            name: getattr(self, name) for name in ("text", "strokes", "log_likelihood", "whole")
        }
        return {**found, "letters": letters}

    @property
    def ink(self) -> Ink:
        """The strokes, as curves."""
        return smooth(Moves.drawn(self.moves), CURVE)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields it drawn, as SVG still and moving and as PNG; and as InkML."""
        name, ink = f"pen-{self.number}", self.ink
        yield f"{name}.svg", svg(ink, self.text)
        yield f"{name}-moving.svg", svg(ink, self.text, moving=True)
        yield f"{name}.png", png(ink)
        yield f"{name}.inkml", inkml(ink, self.text)


def penned(
    model: Scribe, fitted: PenPreprocessing, texts: Sequence[str], how: PenAnswering
) -> list[Penned]:
    """Writes texts side by side, in batches, by the same chance."""
    chance = torch.Generator().manual_seed(how.seed)
    found: list[Penned] = []
    with evaluating(model):
        for begin in range(0, len(texts), AT_ONCE):
            some = texts[begin : begin + AT_ONCE]
            longest = max(map(len, some))
            most = how.points or math.ceil(LONGEST * (longest / fitted.pace + 10))
            written = model.generate(
                [fitted.tokens(text) for text in some],
                max_steps=most,
                bias=how.bias,
                generator=chance,
            )
            for row, text in enumerate(some):
                steps = int(written.lengths[row])
                moves = written.points[row, :steps].double().numpy() * fitted.scale
                weights = written.weights[row, :steps, : len(text)].double().numpy()
                mean = float(written.scores[row]) / steps
                likely = mean - math.log(math.prod(fitted.deviations))
                found.append(_penned(text, moves, weights, likely, bool(written.ended[row])))
    return found


def _penned(
    text: str, moves: NDArray[Any], weights: NDArray[Any], likely: float, whole: bool
) -> Penned:
    strokes = [stroke.round(3).tolist() for stroke in Moves.drawn(moves).strokes]
    # A move leads to the point after it.
    steps = np.arange(1, len(moves) + 1)
    middles = (steps @ weights) / weights.sum(axis=0).clip(min=1e-9)
    at = np.maximum.accumulate(middles.round().astype(int)).clip(0, len(moves)).tolist()
    letters = list(zip(text, at, strict=True))
    return Penned(text, strokes, letters, round(likely, 4), whole, 1, moves, weights)
